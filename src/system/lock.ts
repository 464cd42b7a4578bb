import { lstatSync } from 'node:fs';
import { link, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { elapsedMs } from '../core/duration.ts';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';
import { jsonFields } from '../core/text.ts';
import { readPlainFile } from './directories.ts';
import { foreignFault } from './ownership.ts';
import { ownIdentity, type ProcessIdentity, runState } from './processes.ts';

/** What waiting for a lock needs. */
export interface LockHost extends Pick<Context, 'nowMs' | 'monotonicNs' | 'interrupted'> {
  /** Called once, with the holder's pid, when somebody else holds the lock. */
  readonly waiting?: ((holderPid: number) => void) | undefined;
  /** How long to wait for it; forever by default. */
  readonly timeoutMs?: number | undefined;
  /** Whether that time restarts at each sign of life of the holder. */
  readonly patient?: boolean;
}

interface Holder extends ProcessIdentity {
  /** Different for every acquisition, so that a lock can be identified without mistake. */
  readonly token: string;
}

const pollMs = 20;

/** How often a holder touches its lock, to show others that it is alive. */
const heartbeatMs = 200;

/**
 * A holder in another pid namespace cannot be seen from here. It is considered dead when its lock
 * is older than any lock is ever held.
 */
const foreignLockMs = 15 * 60_000;

/**
 * Runs `work` while holding a lock that is a file, so that it holds between processes. A lock whose
 * holder has died, even by kill -9, is taken over.
 *
 * The lock is made by link(2), which is atomic and never shows a half-written file. Taking over a
 * dead holder's lock is the delicate part: two processes that both see it dead must not both
 * succeed, nor may a slow one remove the lock that a quick one has just made. So whoever wants to
 * replace the lock of dead holder T must first hold the lock `<path>.T`, then see that the lock is
 * still T's, and replaces it by rename(2) while it holds that. Tokens are never used twice, and
 * only the holder of `<path>.T` replaces a lock of T's; so when it still reads T, nobody else can
 * be replacing it. A taker that dies in between leaves a lock that is taken over in the same way.
 *
 * @throws BankctlError `interrupted` while waiting; `timed_out`; `not_writable` if something else
 *   is in its place; what `work` throws
 */
export async function withLock<T>(
  path: string,
  host: LockHost,
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquire(path, host);
  const touch = () => {
    const now = host.nowMs() / 1000;
    utimes(path, now, now).catch(() => undefined);
  };
  const heart = setInterval(touch, heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heart);
    await release();
  }
}

async function acquire(path: string, host: LockHost): Promise<() => Promise<void>> {
  let since = host.monotonicNs();
  let life = '';
  let announced = false;
  for (;;) {
    if (host.interrupted.aborted) throw stoppedWait();
    requireLockFile(path);
    const token = await tryAcquire(path, host);
    if (token !== undefined) return () => releaseLock(path, token);
    const sign = signOfLife(path);
    if (host.patient === true && sign !== life) {
      life = sign;
      since = host.monotonicNs();
    }
    const waitedMs = elapsedMs(host, since);
    if (waitedMs > (host.timeoutMs ?? Number.POSITIVE_INFINITY)) {
      throw heldTooLong(path, await readHolder(path), host.timeoutMs ?? 0);
    }
    if (!announced) {
      const holder = await readHolder(path);
      if (holder !== undefined) host.waiting?.(holder.pid);
      announced = true;
    }
    await delay(pollMs, undefined, { signal: host.interrupted }).catch(() => undefined);
  }
}

function stoppedWait(): BankctlError {
  return new BankctlError('interrupted', 'Stopped while waiting for another bankctl.');
}

/** Refuses a pipe in its place, which would be waited for, and a link, which would be followed. */
function requireLockFile(path: string): void {
  const fault = foreignFault(path, ['file', 'hard link']);
  if (fault === undefined) return;
  throw noLock(path, fault.reason);
}

function noLock(path: string, reason: string): BankctlError {
  const message = `${path} ${reason}, so it cannot be a lock of bankctl's.`;
  return new BankctlError('not_writable', message, 'Remove it, and repeat the command.');
}

/** Changes whenever the lock passes to another holder, or its holder touches it. */
function signOfLife(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return `${found?.ino} ${found?.mtimeMs}`;
}

function heldTooLong(path: string, holder: Holder | undefined, timeoutMs: number): BankctlError {
  const who = holder === undefined ? 'Another bankctl' : `Process ${holder.pid}`;
  return new BankctlError(
    'timed_out',
    `${who} holds ${path}, and did not release it within ${timeoutMs / 1000} s.`,
    'Wait until it has ended, or wait longer with --timeout 60s.',
  );
}

/** Only the holder removes its lock; one that was taken from it meanwhile is left alone. */
async function releaseLock(path: string, token: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder?.token === token) await rm(path, { force: true });
}

/** @returns the token of the lock now held, or undefined if somebody else holds it */
async function tryAcquire(path: string, host: LockHost): Promise<string | undefined> {
  const identity = ownIdentity();
  const own: Holder = { ...identity, token: freshToken(identity, host) };
  const draft = `${path}.${own.token}.new`;
  try {
    await writeFile(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
    if (await tryLink(draft, path)) return own.token;
    const holder = await readHolder(path);
    if (holder === undefined || !(await isDead(holder, path, host))) return undefined;
    return (await takeOver(path, holder, draft, host)) ? own.token : undefined;
  } finally {
    await rm(draft, { force: true });
  }
}

/** No two acquisitions share process and nanosecond; the draft's exclusive creation sees to it. */
function freshToken({ pid, started }: ProcessIdentity, host: LockHost): string {
  return `${pid}-${started.replace(/\W+/g, '_')}-${host.monotonicNs()}`;
}

async function takeOver(
  path: string,
  dead: Holder,
  draft: string,
  host: LockHost,
): Promise<boolean> {
  const guard = `${path}.${dead.token}`;
  const guardToken = await tryAcquire(guard, host);
  if (guardToken === undefined) return false;
  try {
    if ((await readHolder(path))?.token !== dead.token) return false;
    await rename(draft, path);
    return true;
  } finally {
    await releaseLock(guard, guardToken);
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errnoCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isDead(holder: Holder, path: string, host: LockHost): Promise<boolean> {
  const state = runState(holder);
  if (state !== 'foreign') return state === 'ended';
  const made = await stat(path).catch(() => undefined);
  return made !== undefined && host.nowMs() - made.mtimeMs > foreignLockMs;
}

/** @returns undefined if there is no lock; a damaged one reads as one of a dead holder */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const text = await readPlainFile(path);
    if (/^[^{[\0]/.test(text)) throw noLock(path, 'holds something else');
    return parseHolder(text) ?? { pid: 0, started: '', space: '', token: await fileToken(path) };
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file emptied by a power failure has no token inside; its inode and time replace it. */
async function fileToken(path: string): Promise<string> {
  const found = await stat(path);
  return `damaged-${found.ino}-${Math.trunc(found.mtimeMs)}`;
}

function parseHolder(text: string): Holder | undefined {
  const { pid, started, space, token } = jsonFields(text);
  return typeof pid === 'number' && typeof token === 'string' && /^[\w-]+$/.test(token)
    ? { pid, started: String(started), space: String(space), token }
    : undefined;
}
