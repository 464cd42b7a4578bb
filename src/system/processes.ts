import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename } from 'node:path';
import { getuid, kill, pid as ownPid, platform } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../core/context.ts';
import { elapsedMs } from '../core/duration.ts';
import { errnoCode } from '../core/errno.ts';
import { BankctlError } from '../core/errors.ts';

/**
 * One process, distinguished from a later one that got the same pid. `space` is the boot and the
 * pid namespace in which the pid means something: a container has its own.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
  readonly space: string;
}

type Signal = 'SIGTERM' | 'SIGKILL' | 'SIGUSR1';

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: ownPid, started: statusOf(ownPid)?.started ?? 'unknown', space: pidSpace() };
}

/**
 * Whether that very process is still running; a zombie does not. `foreign` if its pid belongs to
 * another namespace of this boot, so that it cannot be known here.
 */
export function runState(target: ProcessIdentity): 'running' | 'ended' | 'foreign' {
  const here = pidSpace();
  const bootOf = (space: string) => space.slice(0, space.indexOf('/'));
  if (target.space !== here) return bootOf(target.space) === bootOf(here) ? 'foreign' : 'ended';
  return statusOf(target.pid)?.started === target.started ? 'running' : 'ended';
}

/**
 * The processes of this user that hold the lock of this file, as a mongod holds `mongod.lock` for
 * as long as it uses the data next to it; another program that merely has the file open, or its
 * path among its arguments, does not count. See proc_locks(5). Without /proc, those count that run
 * a program called mongod with these arguments.
 */
export function findLockHolders(path: string, args: readonly string[]): ProcessIdentity[] {
  if (platform !== 'linux') return identities(psServers(args));
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return [];
  // Some sandboxes have no list of locks, and some file systems another inode in it.
  const mongods = processIds().filter((pid) => isOwn(pid) && isMongod(pid));
  const pids = new Set([...lockingPids(file.ino), ...mongods]);
  return identities([...pids].filter((pid) => isOwn(pid) && holdsOpen(pid, file)));
}

function lockingPids(inode: number): readonly number[] {
  try {
    const lines = readFileSync('/proc/locks', 'latin1').split('\n');
    return lines.flatMap((line) => {
      const [, , , , pid, place = ''] = line.trim().split(/\s+/);
      return place.endsWith(`:${inode}`) ? [Number(pid)] : [];
    });
  } catch {
    return [];
  }
}

/**
 * The processes of this user that run a program called mongod with these adjacent arguments:
 * one that has only just begun holds no lock yet.
 */
export function findServers(args: readonly string[]): ProcessIdentity[] {
  if (platform !== 'linux') return identities(psServers(args));
  const found = processIds().filter((pid) => isOwn(pid) && isMongod(pid));
  return identities(found).filter((process) => hasArguments(process, args));
}

/** Whether a process has these arguments, adjacent; assumed to be so without /proc. */
export function hasArguments({ pid }: ProcessIdentity, args: readonly string[]): boolean {
  if (platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${args.join('\0')}\0`);
  } catch {
    return false;
  }
}

function identities(pids: readonly number[]): ProcessIdentity[] {
  const space = pidSpace();
  return pids.flatMap((pid) => {
    const started = statusOf(pid)?.started;
    return started === undefined || pid === ownPid ? [] : [{ pid, started, space }];
  });
}

function isOwn(pid: number): boolean {
  try {
    return statSync(`/proc/${pid}`).uid === getuid?.();
  } catch {
    return false;
  }
}

/** Inode numbers are unique only within a file system, whose number in /proc/locks may differ. */
function holdsOpen(pid: number, file: Stats): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((name) => {
      const open = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
      return open?.ino === file.ino && open.dev === file.dev;
    });
  } catch {
    return false;
  }
}

/** Whether the file that a process runs is called mongod or something like it. */
function isMongod(pid: number): boolean {
  try {
    return /mongod/i.test(basename(readlinkSync(`/proc/${pid}/exe`)));
  } catch {
    return false;
  }
}

/** What waiting for a process needs; without a signal nothing cuts it short. */
export interface WaitHost extends Pick<Context, 'monotonicNs'> {
  readonly interrupted?: AbortSignal | undefined;
}

/**
 * Asks a process to end, waits, and kills it if it has not ended by then.
 *
 * @param graceMs how long SIGTERM has to work before SIGKILL
 * @returns whether it ended by itself; resolves only when it is gone
 * @throws Error EPERM if it belongs to another user; BankctlError `interrupted`
 */
export async function endProcess(
  target: ProcessIdentity,
  graceMs: number,
  host: WaitHost,
): Promise<boolean> {
  if (await askToEnd(target, graceMs, host)) return true;
  signalProcess(target, 'SIGKILL');
  await waitForEnd(target, 10_000, host);
  return false;
}

/**
 * Asks a process to end and waits.
 *
 * @returns whether it has ended
 * @throws as `endProcess`
 */
export async function askToEnd(
  target: ProcessIdentity,
  graceMs: number,
  host: WaitHost,
): Promise<boolean> {
  signalProcess(target, 'SIGTERM');
  // A suspended process does not even see the signal; a debugger's stop may be over in a moment.
  if (await waitForEnd(target, Math.min(suspendedMs, graceMs), host)) return true;
  if (graceMs <= suspendedMs || isSuspended(target)) return false;
  return waitForEnd(target, graceMs - suspendedMs, host);
}

/** How long a suspended process may take to resume. */
const suspendedMs = 1000;

/** Whether it is stopped by SIGSTOP, the terminal or a debugger, so that it does nothing at all. */
export function isSuspended(target: ProcessIdentity): boolean {
  if (runState(target) !== 'running') return false;
  return /^t/i.test(statusOf(target.pid)?.state ?? '');
}

/** Sends a signal to that very process; nothing happens if it has ended. */
export function signalProcess(target: ProcessIdentity, signal: Signal): void {
  if (runState(target) !== 'running') return;
  sendSignal(target.pid, signal);
}

/** Sends a signal to a whole process group; nothing happens if there is none. */
export function signalGroup(leaderPid: number, signal: Signal): void {
  sendSignal(-leaderPid, signal);
}

function sendSignal(to: number, signal: Signal): void {
  try {
    kill(to, signal);
  } catch (error) {
    if (errnoCode(error) !== 'ESRCH') throw error;
  }
}

async function waitForEnd(
  target: ProcessIdentity,
  waitMs: number,
  host: WaitHost,
): Promise<boolean> {
  const since = host.monotonicNs();
  while (runState(target) === 'running') {
    if (host.interrupted?.aborted === true) {
      throw new BankctlError('interrupted', `Stopped while process ${target.pid} was ending.`);
    }
    if (elapsedMs(host, since) > waitMs) return false;
    await delay(10);
  }
  return true;
}

/**
 * What is known of a process; undefined if there is none, or only a zombie. See
 * proc_pid_stat(5): the fields after the name, which may hold anything, are state (3) and so on to
 * the start time in clock ticks after boot (22).
 */
function statusOf(pid: number): { readonly state: string; readonly started: string } | undefined {
  try {
    if (platform !== 'linux') return psStatus(pid);
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = 'X', started = ''] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' ? undefined : { state, started };
  } catch {
    return undefined;
  }
}

function psStatus(pid: number): ReturnType<typeof statusOf> {
  const text = ps('-o', 'stat=,lstart=', '-p', String(pid)).trim();
  const [, state = 'Z', started = ''] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
  return state.startsWith('Z') ? undefined : { state, started };
}

function pidSpace(): string {
  if (platform !== 'linux') return 'host/host';
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return 'host/host';
  }
}

function processIds(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function psServers(args: readonly string[]): number[] {
  const own = `${getuid?.() ?? ''}`;
  const lines = ps('-axww', '-o', 'pid=,uid=,command=').split('\n');
  return lines.flatMap((line) => {
    const [, pid, uid, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    const [program = ''] = command.split(' --');
    const isServer = /mongod[^/]*$/i.test(program) && `${command} `.includes(` ${args.join(' ')} `);
    return uid === own && isServer ? [Number(pid)] : [];
  });
}

function ps(...args: readonly string[]): string {
  return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
