import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BankctlError } from '../../core/errors.ts';
import { type Fault, foreignFault } from '../../system/ownership.ts';
import type { LocalPaths } from './local-paths.ts';

/** The log of earlier runs is put aside when it is larger; one such file is kept. */
const logBytes = 8 * 1024 * 1024;

/**
 * A directory that was open once may hold what others put there: links that lead what is written
 * elsewhere, and pipes that whoever opens them waits at.
 *
 * @throws BankctlError `local_database`, which names the first of them
 */
export function requireOwnFiles({ logFile, launchLog, stateFile, dbPath }: LocalPaths): void {
  const files = [logFile, `${logFile}.1`, launchLog, stateFile];
  const fault =
    foreignFault(dbPath, ['directory']) ??
    files.map((path) => foreignFault(path, ['file'])).find((found) => found !== undefined);
  if (fault !== undefined) throw foreign(fault);
}

/**
 * The same for mongod's own files; the links among them may be of this user's making.
 *
 * @throws BankctlError `local_database`
 */
export async function requireOwnData(dbPath: string): Promise<void> {
  const entries = await readdir(dbPath, { recursive: true });
  for (const name of entries) {
    const fault = foreignFault(join(dbPath, name), ['file', 'hard link', 'directory', 'link']);
    if (fault !== undefined) throw foreign(fault);
  }
}

function foreign({ path, reason }: Fault): BankctlError {
  return new BankctlError(
    'local_database',
    `${path} ${reason}, so it is not what bankctl put there.`,
    'Find out who did, remove it, and repeat the command.',
  );
}

/** @returns whether the log was large enough to be put aside */
export async function rotateLog(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size <= logBytes) return false;
  await rename(path, `${path}.1`);
  return true;
}

/** Writes the state file, whole or not at all, since others read it at any moment. */
export async function writeState(path: string, state: object): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(state)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, path);
}
