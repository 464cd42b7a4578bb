import type { TestProject } from 'vitest/node';
import { startThrowaway } from '../src/database/throwaway-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The one server of the run: a single-node replica set. */
    uri: string;
  }
}

/** Starts one real mongod for the whole run. Without one, the run fails and says what to do. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startThrowaway({
    env: process.env,
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    interrupted: new AbortController().signal,
    progress: () => undefined,
  });
  project.provide('uri', server.uri);
  return server.stop;
}
