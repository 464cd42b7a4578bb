import { mkdirSync } from 'node:fs';
import * as modules from 'node:module';
import { dirname, join } from 'node:path';
import { platform } from 'node:process';
import { cachePath, type Env, given } from './environment.ts';
import { privacyFault, realEyes } from './ownership.ts';

/**
 * Lets Node.js keep the compiled code of what is loaded from here on, and take it from there at the
 * next start. Whoever can write there can make this user run any code, so the directory is
 * `compiled` in bankctl's own cache, and is used only if it is this user's alone and others can
 * replace no step to it. Otherwise, before Node.js 22.1, and if anything fails, all is compiled at
 * each start. `NODE_DISABLE_COMPILE_CACHE` turns it off, and a `NODE_COMPILE_CACHE` of the user's
 * own takes its place.
 *
 * @param enable called with the directory; Node.js's own by default
 * Source: Node.js, "Module compile cache".
 */
export function useCompileCache(
  env: Env,
  enable: unknown = Object(modules).enableCompileCache,
): void {
  const isDecided = ['NODE_DISABLE_COMPILE_CACHE', 'NODE_COMPILE_CACHE'].some(
    (name) => given(env, name) !== undefined,
  );
  if (isDecided || typeof enable !== 'function') return;
  try {
    const cache = cachePath(env, platform);
    if (cache === undefined) return;
    const directory = join(cache, 'compiled');
    if (privacyFault(directory) !== undefined) return;
    makeMissing(directory);
    // Looked at again, since somebody else may have made it in between. If nobody has, Node.js is
    // not asked to: below /proc it would try for ever.
    if (realEyes.look(directory) && privacyFault(directory) === undefined) enable(directory);
  } catch {
    // A start without a cache is only slower.
  }
}

/** The directory, and the two above it if need be: `bankctl`, and the cache of all programs. */
function makeMissing(directory: string): void {
  const paths = [dirname(dirname(directory)), dirname(directory), directory];
  for (const path of paths) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch {
      // It exists, or the next one fails too.
    }
  }
}
