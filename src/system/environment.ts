import { isAbsolute, join, resolve } from 'node:path';

/** The variables of an environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The value of a variable; one set to nothing counts as not set. */
export function given(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

/** The XDG specification says that a relative path in its variables is to be ignored. */
export function xdg(env: Env, name: string): string | undefined {
  const value = given(env, name);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

/** Undefined if there is none, or it is no absolute path. */
export function homeDirectory(env: Env): string | undefined {
  return xdg(env, 'HOME');
}

/**
 * Where bankctl keeps what it can fetch or make again: `BANKCTL_CACHE_DIR`, else `bankctl` in the
 * cache directory of the XDG base directory specification (on macOS in ~/Library/Caches).
 *
 * @returns undefined if neither is set and there is no HOME
 * @throws an error of the operating system if the path is relative and the working directory gone
 */
export function cachePath(env: Env, os: string): string | undefined {
  const named = given(env, 'BANKCTL_CACHE_DIR');
  if (named !== undefined) return resolve(named);
  const home = homeDirectory(env);
  const inHome = os === 'darwin' ? 'Library/Caches' : '.cache';
  const caches = xdg(env, 'XDG_CACHE_HOME') ?? (home && join(home, inHome));
  return caches && join(caches, 'bankctl');
}
