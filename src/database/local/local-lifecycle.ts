import { spawn } from 'node:child_process';
import { open, readdir, realpath, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoError, MongoNetworkError } from 'mongodb';
import { elapsedMs } from '../../core/duration.ts';
import { fileError } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';
import { sentence } from '../../core/text.ts';
import { makePrivateDirectory } from '../../system/directories.ts';
import { withLock } from '../../system/lock.ts';
import { type Fault, foreignFault } from '../../system/ownership.ts';
import {
  askToEnd,
  endProcess,
  findLockHolders,
  findServers,
  hasArguments,
  isSuspended,
  type ProcessIdentity,
  signalGroup,
  signalProcess,
} from '../../system/processes.ts';
import { type BinaryHost, machineOf } from '../mongod/mongod-binary.ts';
import { findMongod } from '../mongod/mongod-search.ts';
import { dataDirCure, type LocalPaths } from './local-paths.ts';
import { answers, isReady, writeState } from './local-state.ts';
import { dataInUse, diskFull, failureFromLogs, rotateLog } from './mongod-log.ts';
import { makePrimary, replicaSetName } from './replica-set.ts';

/** A clean shutdown writes a checkpoint, which takes a moment; after this the server is killed. */
const shutdownMs = 30_000;

/** An election of one takes a moment; this is far more. */
const primaryWithinMs = 60_000;

/** A server that was killed replays its journal before it listens, which can take long. */
const launchMs = 180_000;

/**
 * Starts the server, or finishes or repairs a start that somebody else began, under the lock.
 * Starting a second mongod on the same data would take the first one's socket away before it
 * notices that the data are in use; so nothing starts one without the lock.
 *
 * @returns whether this call started it, rather than another process that was quicker
 * @throws BankctlError as `ensureLocal`
 */
export async function startLocked(paths: LocalPaths, host: BinaryHost): Promise<boolean> {
  if (machineOf(host).os === 'win32') {
    throw new BankctlError(
      'local_database',
      'The local database needs Unix sockets, which mongod does not have on Windows.',
      'Start a replica set and name it in BANKCTL_URI.',
    );
  }
  return underLock(paths, host, async () => {
    if (await isReady(paths)) return false;
    await rm(paths.stateFile, { force: true });
    // The first try may have met a server that was just ending.
    return (await bringUp(paths, host)) ?? (await bringUp(paths, host)) ?? fail(paths);
  });
}

/** @returns whether the server was launched here; undefined if it ended in the meantime */
async function bringUp(paths: LocalPaths, host: BinaryHost): Promise<boolean | undefined> {
  const launched = await ensureProcess(paths, host);
  // A server that was found may be suspended; one that was launched here is seen to be alive.
  const withinMs = launched ? primaryWithinMs : (host.timeoutMs ?? primaryWithinMs);
  try {
    const server = await makePrimaryPatiently(paths, host, withinMs);
    await writeState(paths.stateFile, { ...server, startedAtMs: host.nowMs() });
    return launched;
  } catch (error) {
    const ended = error instanceof MongoError && !(await answers(paths.socket));
    if (launched || ended) await endServers(paths, host);
    if (ended) return undefined;
    throw error instanceof MongoError ? await noAnswerError(paths, withinMs, error) : error;
  }
}

async function noAnswerError(
  paths: LocalPaths,
  withinMs: number,
  cause: MongoError,
): Promise<BankctlError> {
  const [server] = await ownServers(paths);
  const who = server === undefined ? '' : `, process ${server.pid},`;
  const suspended = server !== undefined && isSuspended(server);
  return new BankctlError(
    'local_database',
    suspended
      ? `The local database${who} is suspended and does not answer.`
      : `The local database${who} was not ready within ${withinMs / 1000} s (${cause.message}).`,
    suspended
      ? `kill -CONT ${server.pid} lets it go on.`
      : `See ${paths.logFile}, or end it with bankctl db stop.`,
    { cause },
  );
}

/**
 * A server whose data were moved closes the connections that it has when it finds that its own
 * name is not in its set, which is a moment after it listens. That is no failure.
 */
async function makePrimaryPatiently(
  { uri, socket }: LocalPaths,
  host: BinaryHost,
  withinMs: number,
) {
  const since = host.monotonicNs();
  try {
    return await makePrimary(uri, socket, host, withinMs);
  } catch (error) {
    if (!(error instanceof MongoNetworkError && (await answers(socket)))) throw error;
    const leftMs = withinMs - elapsedMs(host, since);
    if (leftMs < 1) throw error;
    return makePrimary(uri, socket, host, leftMs);
  }
}

async function fail(paths: LocalPaths): Promise<never> {
  const reason = await failureFromLogs(paths.logFile, 0, paths.launchLog);
  throw startError(paths, reason ?? 'it ended right after its start');
}

/** Another mongod has the data open: one that was not there yet when we looked for it. */
class DataInUse extends BankctlError {}

function startError({ dataDir, logFile }: LocalPaths, reason: string): BankctlError {
  return new (reason === dataInUse ? DataInUse : BankctlError)(
    'local_database',
    `The local database in ${dataDir} does not start: ${reason}.`,
    `See ${logFile}; BANKCTL_DATA_DIR moves the database, BANKCTL_MONGOD its program.`,
  );
}

/**
 * Stops the server under the lock, within `--timeout` in all. One that does not end is left to the
 * user.
 *
 * @returns whether there was one
 * @throws BankctlError `local_database`, `timed_out`, `interrupted`
 */
export async function stopLocked(paths: LocalPaths, host: BinaryHost): Promise<boolean> {
  const withinMs = host.timeoutMs ?? shutdownMs;
  const since = host.monotonicNs();
  const work = async () => {
    const servers = await ownServers(paths);
    await rm(paths.stateFile, { force: true });
    for (const server of servers) {
      const leftMs = withinMs - elapsedMs(host, since);
      if (!(await askToEnd(server, Math.max(leftMs, 0), host))) {
        throw endError(paths, server, withinMs);
      }
    }
    return servers.length > 0;
  };
  return underLock(paths, host, work, false);
}

function endError({ logFile }: LocalPaths, server: ProcessIdentity, withinMs: number) {
  const { pid } = server;
  const kill = `kill -KILL ${pid} ends it at once, and loses nothing that was acknowledged`;
  return isSuspended(server)
    ? new BankctlError(
        'local_database',
        `The local database, process ${pid}, is suspended and cannot end.`,
        `kill -CONT ${pid} lets it go on and end; ${kill}.`,
      )
    : new BankctlError(
        'local_database',
        `The local database, process ${pid}, did not end within ${withinMs / 1000} s.`,
        `Wait longer with --timeout 60s, or see ${logFile} for what it is doing; ${kill}.`,
      );
}

/**
 * Puts the log of the running server aside. On SIGUSR1 mongod closes its log and, because of
 * `--logRotate reopen`, opens the path anew; see the manual, "Rotate Log Files".
 */
export async function rotateRunningLog(paths: LocalPaths, host: BinaryHost): Promise<void> {
  await underLock(paths, host, async () => {
    if (!(await rotateLog(paths.logFile))) return;
    for (const server of await ownServers(paths)) signalProcess(server, 'SIGUSR1');
  });
}

async function underLock<T>(
  paths: LocalPaths,
  host: BinaryHost,
  work: () => Promise<T>,
  patient = true,
): Promise<T> {
  try {
    await makePrivateDirectory(paths.dataDir, 'local_database', dataDirCure);
    requireOwnFiles(paths);
    const waiting = (pid: number) =>
      host.progress({ label: `Waiting for process ${pid}, which locks the local database` });
    return await withLock(paths.lockFile, { ...host, waiting, patient }, async () => {
      await makePrivateDirectory(paths.dbPath, 'local_database', dataDirCure);
      return work();
    });
  } catch (error) {
    throw fileError(error, 'local_database', paths.dataDir, sentence(dataDirCure));
  }
}

/**
 * A directory that was once open may hold what others put there: links that lead what is written
 * elsewhere, and pipes that block whoever opens them.
 *
 * @throws BankctlError `local_database`, which names the first of them
 */
function requireOwnFiles({ logFile, launchLog, stateFile, dbPath }: LocalPaths): void {
  const files = [logFile, `${logFile}.1`, launchLog, stateFile];
  const fault =
    foreignFault(dbPath, ['directory']) ??
    files.map((path) => foreignFault(path, ['file'])).find((found) => found !== undefined);
  if (fault !== undefined) throw foreignFileError(fault);
}

/**
 * The same for mongod's own files; the links among them may be this user's own.
 *
 * @throws BankctlError `local_database`
 */
async function requireOwnData(dbPath: string): Promise<void> {
  const entries = await readdir(dbPath, { recursive: true });
  for (const name of entries) {
    const fault = foreignFault(join(dbPath, name), ['file', 'hard link', 'directory', 'link']);
    if (fault !== undefined) throw foreignFileError(fault);
  }
}

function foreignFileError({ path, reason }: Fault): BankctlError {
  return new BankctlError(
    'local_database',
    `${path} ${reason}, so it is not what bankctl put there.`,
    'Find out who did, remove it, and repeat the command.',
  );
}

/**
 * Makes sure that a mongod of ours answers on the socket.
 *
 * One that runs but does not answer has lost its socket, or was still starting when the bankctl
 * that waited for it was killed; it is ended, and another one started.
 *
 * @returns whether it was started here
 */
async function ensureProcess(paths: LocalPaths, host: BinaryHost): Promise<boolean> {
  for (let round = 1; ; round += 1) {
    if (await answers(paths.socket)) return false;
    await endServers(paths, host, host.interrupted);
    const mongod = await findMongod(host);
    host.progress({ label: 'Starting the local database' });
    await requireOwnData(paths.dbPath);
    await rm(paths.socketFile, { force: true });
    await rotateLog(paths.logFile);
    try {
      await launch(mongod, paths, host);
      return true;
    } catch (error) {
      // A server that a killed bankctl had only just begun to fork can be missed by one look.
      if (round === maxRounds || !(error instanceof DataInUse)) throw error;
    }
  }
}

const maxRounds = 3;

/**
 * The mongods on these data that bankctl started: those that hold their lock, and one that has just
 * been launched and will.
 *
 * @throws BankctlError `local_database` if a process that bankctl did not start uses the data
 */
async function ownServers({ dbPath }: LocalPaths): Promise<ProcessIdentity[]> {
  const args = identifyingArguments(await realpath(dbPath));
  const holders = findLockHolders(join(dbPath, 'mongod.lock'), args);
  // If data were moved under a running server, their path is not the one it was started with.
  const stranger = holders.find((holder) => !hasArguments(holder, args.slice(0, -1)));
  if (stranger !== undefined) {
    throw new BankctlError(
      'local_database',
      `Process ${stranger.pid}, which bankctl did not start, is using the data in ${dbPath}.`,
      'Let it finish, or end it, and repeat the command.',
    );
  }
  const launched = findServers(args);
  return [...holders, ...launched.filter(({ pid }) => holders.every((one) => one.pid !== pid))];
}

function identifyingArguments(dbPath: string): string[] {
  return ['--replSet', replicaSetName, '--dbpath', dbPath];
}

/** @param interrupted left out when this cleans up after Ctrl-C, which must not cut it short */
async function endServers(
  paths: LocalPaths,
  { monotonicNs, timeoutMs = shutdownMs }: BinaryHost,
  interrupted?: AbortSignal,
): Promise<void> {
  // A launcher may have forked the server since one look found it: then the next finds the server.
  for (let look = 1; look <= maxRounds; look += 1) {
    const servers = await ownServers(paths);
    if (servers.length === 0) return;
    for (const server of servers) {
      await endProcess(server, Math.min(shutdownMs, timeoutMs), { monotonicNs, interrupted });
    }
  }
}

/**
 * Runs mongod until it listens. `--fork` gives it a session of its own, so that the terminal's
 * Ctrl-C does not reach it, and no pipe of ours stays open in it. The settings keep a small idle
 * server small; see the manual's pages on mongod and on server parameters.
 */
async function launch(mongod: string, paths: LocalPaths, host: BinaryHost): Promise<void> {
  const logStart = (await stat(paths.logFile).catch(() => undefined))?.size ?? 0;
  const args = [
    ...identifyingArguments(await realpath(paths.dbPath)),
    ...['--nounixsocket', '--bind_ip', paths.socket, '--filePermissions', '0600'],
    ...['--fork', '--logpath', paths.logFile, '--logappend', '--quiet'],
    ...['--logRotate', 'reopen'],
    ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64'],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ...['--setParameter', 'writePeriodicNoops=false'],
    // A transaction whose client was killed holds its account until the server ends it, after 60 s
    // by default; bankctl's own take milliseconds.
    ...['--setParameter', 'transactionLifetimeLimitSeconds=20'],
    ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
  ];
  await rm(paths.launchLog, { force: true });
  const output = await open(paths.launchLog, 'wx', 0o600);
  try {
    const exit = await launcherExit(mongod, args, output.fd, host);
    if (exit.status === 0) return;
    await endServers(paths, host);
    if (exit.interrupted) {
      throw new BankctlError('interrupted', 'Stopped while the local database was starting.');
    }
    const found = (await isFull(paths.dataDir))
      ? diskFull
      : await failureFromLogs(paths.logFile, logStart, paths.launchLog);
    throw startError(paths, found ?? exit.reason);
  } finally {
    await output.close();
  }
}

/** On a full disk mongod cannot even write its log, which would say so. */
async function isFull(directory: string): Promise<boolean> {
  const found = await statfs(directory).catch(() => undefined);
  return found !== undefined && found.bavail * found.bsize < minFreeBytes;
}

const minFreeBytes = 64 * 1024;

interface LauncherExit {
  readonly status: number | null;
  readonly reason: string;
  readonly interrupted: boolean;
}

function launcherExit(
  mongod: string,
  args: readonly string[],
  output: number,
  host: BinaryHost,
): Promise<LauncherExit> {
  // Detached, since Ctrl-C would otherwise end the launcher and leave the server that it forked.
  const child = spawn(mongod, args, {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
  });
  const over = AbortSignal.any([host.interrupted, AbortSignal.timeout(launchMs)]);
  return new Promise<LauncherExit>((fulfil) => {
    const finish = (status: number | null, reason: string) => {
      over.removeEventListener('abort', giveUp);
      fulfil({ status, reason, interrupted: host.interrupted.aborted && status !== 0 });
    };
    const giveUp = () => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      finish(null, `it was not ready within ${launchMs / 1000} s`);
    };
    over.addEventListener('abort', giveUp);
    child.once('error', (error) => finish(null, error.message));
    child.once('exit', (status, signal) => finish(status, `mongod ended (${status ?? signal})`));
  });
}
