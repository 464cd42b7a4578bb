import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

/** A running worker process. */
export interface Running {
  readonly child: ChildProcess;
  /** The values it has printed so far. */
  readonly printed: readonly unknown[];
  /** Resolves, with all that it printed, when it and its output have ended. */
  readonly ended: Promise<readonly unknown[]>;
}

/** Bundles test/database/worker.ts once for the file; returns how to run it. */
export function workerProgram(): (
  env: Record<string, string | undefined>,
  ...args: string[]
) => Running {
  const here = dirname(fileURLToPath(import.meta.url));
  const cache = join(here, '..', '..', 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'worker-'));
  beforeAll(async () => {
    await build({
      entryPoints: [join(here, 'worker.ts')],
      outfile: join(directory, 'worker.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return (env, ...args) => {
    const child = spawn(process.execPath, [join(directory, 'worker.mjs'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const printed: unknown[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => printed.push(JSON.parse(line)));
    const ended = new Promise<readonly unknown[]>((resolve) => {
      lines.once('close', () => resolve(printed));
    });
    return { child, printed, ended };
  };
}
