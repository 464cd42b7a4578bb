import { constants, readdirSync } from 'node:fs';
import { lstat, mkdir, open, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoCode, fileError } from '../core/errno.ts';
import { BankctlError, type ErrorCode } from '../core/errors.ts';
import { sentence, shellWord } from '../core/text.ts';
import { cachePath, type Env, given, homeDirectory, xdg } from './environment.ts';
import { privacyFault } from './ownership.ts';

/**
 * Where fetched programs are kept: see `cachePath`.
 *
 * @throws BankctlError `not_writable` if neither is set and there is no HOME, or as `givenPath`
 */
export function cacheDirectory(env: Env, os: string): string {
  const named = givenPath(env, 'BANKCTL_CACHE_DIR', 'not_writable');
  if (named !== undefined) return named;
  const found = cachePath(env, os);
  if (found !== undefined) return found;
  throw homeless('not_writable', 'for the cache', 'BANKCTL_CACHE_DIR');
}

/**
 * Where the local database lives: `BANKCTL_DATA_DIR`, else `bankctl` in the XDG data directory.
 *
 * @throws BankctlError `local_database` if neither is set and there is no HOME; as `givenPath`
 */
export function dataDirectory(env: Env): string {
  const code = 'local_database';
  return (
    givenPath(env, 'BANKCTL_DATA_DIR', code) ??
    join(
      xdg(env, 'XDG_DATA_HOME') ??
        join(homeOr(env, code, 'for the local database', 'BANKCTL_DATA_DIR'), '.local/share'),
      'bankctl',
    )
  );
}

/**
 * What is remembered between runs, and may be lost: `bankctl` in the XDG state directory.
 *
 * @throws BankctlError `not_writable` if it is not set and there is no HOME
 */
export function stateDirectory(env: Env): string {
  const inHome = () =>
    join(homeOr(env, 'not_writable', 'for state', 'XDG_STATE_HOME'), '.local/state');
  return join(xdg(env, 'XDG_STATE_HOME') ?? inHome(), 'bankctl');
}

/**
 * The absolute path that a variable names, relative to the working directory.
 *
 * @throws BankctlError of that code if it is relative and the working directory was deleted
 */
export function givenPath(env: Env, name: string, code: ErrorCode): string | undefined {
  const value = given(env, name);
  if (value === undefined) return undefined;
  try {
    return resolve(value);
  } catch (error) {
    throw new BankctlError(
      code,
      `${name}=${value} is a path from the working directory, which was deleted.`,
      `Change to another directory, or set ${name} to an absolute path.`,
      { cause: error },
    );
  }
}

function homeOr(env: Env, code: ErrorCode, purpose: string, variable: string): string {
  const home = homeDirectory(env);
  if (home !== undefined) return home;
  throw homeless(code, purpose, variable);
}

function homeless(code: ErrorCode, purpose: string, variable: string): BankctlError {
  return new BankctlError(
    code,
    `HOME is not set, so there is no directory ${purpose}.`,
    `Set HOME, or set ${variable} to a directory.`,
  );
}

/**
 * Makes a directory that only this user can enter, or makes sure that it is one: owned by this
 * user, mode 0700, and reached by no step that somebody else could replace. Anything in it is then
 * safe from other users. An existing directory is never changed: its mode is its owner's affair.
 *
 * @param cure what else to do, as a clause, if the directory cannot be used
 * @throws BankctlError of that code, if it is open to others, somebody else's, not a directory, or
 *   not writable
 */
export async function makePrivateDirectory(
  path: string,
  code: ErrorCode,
  cure: string,
): Promise<void> {
  requirePrivate(path, code, cure);
  try {
    await makeDirectory(path);
  } catch (error) {
    throw fileError(error, code, path, sentence(cure));
  }
  requirePrivate(path, code, cure);
}

/**
 * @param cure what else to do, as a clause
 * @throws BankctlError of that code if others could enter the directory or replace it
 */
export function requirePrivate(path: string, code: ErrorCode, cure: string): void {
  const fault = privacyFault(path);
  if (fault === undefined) return;
  const closable = fault.path === path && fault.reason.startsWith('is open') && isForUs(path);
  throw new BankctlError(
    code,
    `${fault.path} ${fault.reason}, so bankctl keeps nothing in ${path}.`,
    closable
      ? `If it is for bankctl alone, chmod 700 ${shellWord(path)}; else ${cure}.`
      : sentence(cure),
  );
}

/** Closing a directory where others keep something, such as /tmp, would lock them out. */
function isForUs(path: string): boolean {
  try {
    const names = readdirSync(path);
    return names.length === 0 || names.includes('data') || names.includes('WiredTiger');
  } catch {
    return false;
  }
}

/**
 * Makes a directory and those above it that are missing, with mode 0700. Node's own recursive mkdir
 * never returns below /proc, where a directory exists and yet none can be made in it.
 */
export async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  const first = await errorOf(() => mkdir(path, { mode: 0o700 }));
  if (first === undefined) return;
  if (errnoCode(first) === 'EEXIST' && (await stat(path)).isDirectory()) return;
  if (errnoCode(first) !== 'ENOENT' || parent === path) throw first;
  if (!(await isThere(parent))) {
    await makeDirectory(parent);
    return makeDirectory(path);
  }
  // Another process has just made the parent; or nothing can be made there.
  const second = await errorOf(() => mkdir(path, { mode: 0o700 }));
  if (second !== undefined && errnoCode(second) !== 'EEXIST') throw second;
}

async function errorOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * Adds a line to a small file of the user alone, or begins it anew. A link in its place is not
 * followed, nor is a pipe waited for. Lines that several processes add at once are all kept.
 *
 * @throws errors of the operating system; `ELOOP` for a link
 */
export async function appendPlainFile(path: string, line: string, anew: boolean): Promise<void> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
  const file = await open(path, anew ? flags | O_TRUNC : flags, 0o600);
  try {
    await file.write(`${line}\n`);
  } finally {
    await file.close();
  }
}

/**
 * The text of a small file. A link in its place is not followed, nor is a pipe waited for.
 *
 * @throws errors of the operating system; `ELOOP` for a link
 */
export async function readPlainFile(path: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
  try {
    const buffer = Buffer.alloc(smallFileBytes);
    const { bytesRead } = await file.read(buffer, 0, smallFileBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

const smallFileBytes = 64 * 1024;

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
