// The engines of stress as they are in src, without the command line around them.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Bundles them into a directory, which the caller removes. */
export async function bundled() {
  const directory = await mkdtemp(join(import.meta.dirname, '../node_modules/.bench-'));
  await build({
    entryPoints: [
      'bench/bare-rate.ts',
      'src/stress/run.ts',
      'src/stress/subjects/load-models.ts',
      'src/database/throwaway-server.ts',
    ].concat('src/database/mongod/mongod-search.ts'),
    outdir: directory,
    outbase: '.',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
  });
  const from = (path) => import(pathToFileURL(join(directory, path)).href);
  return {
    directory,
    load: await from('src/stress/run.js'),
    models: await from('src/stress/subjects/load-models.js'),
    rate: await from('bench/bare-rate.js'),
    throwaway: await from('src/database/throwaway-server.js'),
    findMongod: (await from('src/database/mongod/mongod-search.js')).findMongod,
  };
}

/** What they take from their surroundings. */
export function stressHost() {
  return {
    env: process.env,
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    interrupted: new AbortController().signal,
    freshId: () => crypto.randomUUID(),
    freshSeed: () => crypto.getRandomValues(new Uint32Array(1))[0] >>> 1,
    progress: () => undefined,
    counted: () => undefined,
  };
}
