import { spawn } from 'node:child_process';
import { lstat, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoError, MongoNetworkError } from 'mongodb';
import { BankctlError } from '../errors.ts';
import { fileError, makePrivateDirectory } from './directories.ts';
import { answers, isReady, type LocalHost } from './local.ts';
import { type LocalPaths, shortDirectoryRoot } from './local-paths.ts';
import { withLock } from './lock.ts';
import { findMongod, machine } from './mongod-binary.ts';
import { dataInUse, failureFromLogs } from './mongod-log.ts';
import {
  askToEnd,
  endProcess,
  findByArguments,
  isSuspended,
  type ProcessIdentity,
  signalGroup,
  signalProcess,
} from './processes.ts';
import { makePrimary, replicaSetName } from './replica-set.ts';

const dataDirHint = 'Set BANKCTL_DATA_DIR to another directory.';

/** A clean shutdown writes a checkpoint, which takes a moment; after this the server is killed. */
const shutdownMs = 30_000;

/** A server that was killed replays its journal before it listens. */
const launchMs = 180_000;

/** The log of earlier runs is put aside when it is larger; one such file is kept. */
const logBytes = 8 * 1024 * 1024;

/**
 * Starts the server, or finishes or repairs a start that somebody else began, under the lock.
 * Starting a second mongod on the same data would take the first one's socket away before it
 * notices that the data are in use; hence nothing starts one without the lock.
 *
 * @returns whether this call started it, and not another process that was quicker
 * @throws BankctlError as `ensureLocal`
 */
export async function startLocked(paths: LocalPaths, host: LocalHost): Promise<boolean> {
  if (machine(host).os === 'win32') {
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

/** @returns whether the server was launched here; undefined where it ended under our hands */
async function bringUp(paths: LocalPaths, host: LocalHost): Promise<boolean | undefined> {
  const launched = await ensureProcess(paths, host);
  try {
    const server = await makePrimaryPatiently(paths, host);
    await writeState(paths.stateFile, { ...server, startedAtMs: host.nowMs() });
    return launched;
  } catch (error) {
    const ended = error instanceof MongoError && !(await answers(paths.socket));
    if (launched || ended) await endServers(paths, host);
    if (ended) return undefined;
    throw error;
  }
}

/**
 * A server whose data were moved closes the connections that it has when it finds that its own
 * name is not in its set, which is a moment after it listens. That says nothing against it.
 */
async function makePrimaryPatiently({ uri, socket }: LocalPaths, host: LocalHost) {
  try {
    return await makePrimary(uri, socket, host);
  } catch (error) {
    if (!(error instanceof MongoNetworkError && (await answers(socket)))) throw error;
    return makePrimary(uri, socket, host);
  }
}

async function fail(paths: LocalPaths): Promise<never> {
  const reason = await failureFromLogs(paths.logFile, 0, paths.launchLog);
  throw doesNotStart(paths, reason ?? 'it ended right after its start');
}

/** Another mongod has the data open: one that was not there yet when we looked for it. */
class DataInUse extends BankctlError {}

function doesNotStart({ dataDir, logFile }: LocalPaths, reason: string): BankctlError {
  return new (reason === dataInUse ? DataInUse : BankctlError)(
    'local_database',
    `The local database in ${dataDir} does not start: ${reason}.`,
    `See ${logFile}; BANKCTL_DATA_DIR moves the database, BANKCTL_MONGOD its program.`,
  );
}

/**
 * Stops the server under the lock. One that does not end in time is left to the user.
 *
 * @param graceMs how long it may take; a clean shutdown writes a checkpoint
 * @returns whether there was one
 * @throws BankctlError `local_database`, `interrupted`
 */
export async function stopLocked(
  paths: LocalPaths,
  host: LocalHost,
  graceMs = shutdownMs,
): Promise<boolean> {
  if ((await lstat(paths.dataDir).catch(() => undefined)) === undefined) return false;
  return underLock(paths, host, async () => {
    await rm(paths.stateFile, { force: true });
    const servers = await ownServers(paths);
    for (const server of servers) {
      if (!(await askToEnd(server, graceMs, host))) throw doesNotEnd(paths, server, graceMs);
    }
    return servers.length > 0;
  });
}

function doesNotEnd({ logFile }: LocalPaths, server: ProcessIdentity, graceMs: number) {
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
        `The local database, process ${pid}, did not end within ${graceMs / 1000} s.`,
        `See ${logFile} for what it is doing; ${kill}.`,
      );
}

/**
 * Puts the log of the running server aside. On SIGUSR1 mongod closes its log and, as told by
 * `--logRotate reopen`, opens the path anew; see the manual, "Rotate Log Files".
 */
export async function rotateRunningLog(paths: LocalPaths, host: LocalHost): Promise<void> {
  await underLock(paths, host, async () => {
    if (!(await rotateLog(paths.logFile))) return;
    for (const server of await ownServers(paths)) signalProcess(server, 'SIGUSR1');
  });
}

async function underLock<T>(
  paths: LocalPaths,
  host: LocalHost,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await makePrivateDirectory(paths.dataDir, 'local_database', 'BANKCTL_DATA_DIR');
    const waiting = (pid: number) =>
      host.progress({ label: `Waiting for process ${pid}, which is at the local database` });
    return await withLock(paths.lockFile, { ...host, waiting }, async () => {
      await makeDirectories(paths);
      return work();
    });
  } catch (error) {
    throw fileError(error, 'local_database', paths.dataDir, dataDirHint);
  }
}

async function makeDirectories(paths: LocalPaths): Promise<void> {
  await makePrivateDirectory(paths.dbPath, 'local_database', 'BANKCTL_DATA_DIR');
  if (paths.socketDir === paths.dataDir) return;
  for (const directory of [shortDirectoryRoot(), paths.socketDir]) {
    await makePrivateDirectory(directory, 'local_database', 'BANKCTL_DATA_DIR');
    // In /tmp anybody could have put a symbolic link in our way.
    if (!(await lstat(directory)).isDirectory()) {
      throw new BankctlError(
        'local_database',
        `${directory}, where the socket of the local database goes, is not a directory.`,
        'Remove it, or set BANKCTL_DATA_DIR to a shorter path.',
      );
    }
  }
}

/**
 * Sees to it that a mongod of ours answers on the socket.
 *
 * One that runs but does not answer has lost its socket, or was still starting when the bankctl
 * that waited for it was killed; it is ended, and another one started.
 *
 * @returns whether it was started here
 */
async function ensureProcess(paths: LocalPaths, host: LocalHost): Promise<boolean> {
  for (let round = 1; ; round += 1) {
    if (await answers(paths.socket)) return false;
    await endServers(paths, host, host.interrupted);
    const mongod = await findMongod(host);
    host.progress({ label: 'Starting the local database' });
    await rm(paths.socket, { force: true });
    await rotateLog(paths.logFile);
    try {
      await launch(mongod, paths, host);
      return true;
    } catch (error) {
      // A server that a killed bankctl had only just begun to fork can be missed by one look.
      if (round === mostRounds || !(error instanceof DataInUse)) throw error;
    }
  }
}

const mostRounds = 3;

/** The mongods on this data, found by their command line, so no pid file can lead us astray. */
async function ownServers(paths: LocalPaths): Promise<ProcessIdentity[]> {
  return findByArguments(identifyingArguments(await realpath(paths.dbPath)));
}

function identifyingArguments(dbPath: string): string[] {
  return ['--replSet', replicaSetName, '--dbpath', dbPath];
}

/** @param interrupted left out where this cleans up after Ctrl-C, which must not cut it short */
async function endServers(
  paths: LocalPaths,
  { monotonicNs }: LocalHost,
  interrupted?: AbortSignal,
): Promise<void> {
  for (const server of await ownServers(paths)) {
    await endProcess(server, shutdownMs, { monotonicNs, interrupted });
  }
}

/**
 * Runs mongod until it listens. `--fork` gives it a session of its own, so that the terminal's
 * Ctrl-C does not reach it, and no pipe of ours stays open in it. The settings keep a small idle
 * server small; see the manual's pages on mongod and on server parameters.
 */
async function launch(mongod: string, paths: LocalPaths, host: LocalHost): Promise<void> {
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
  const output = await open(paths.launchLog, 'w', 0o600);
  try {
    const exit = await launcherExit(mongod, args, output.fd, host);
    if (exit.status === 0) return;
    await endServers(paths, host);
    if (exit.interrupted) {
      throw new BankctlError('interrupted', 'Stopped while the local database was starting.');
    }
    const found = await failureFromLogs(paths.logFile, logStart, paths.launchLog);
    throw doesNotStart(paths, found ?? exit.reason);
  } finally {
    await output.close();
  }
}

interface LauncherExit {
  readonly status: number | null;
  readonly reason: string;
  readonly interrupted: boolean;
}

function launcherExit(
  mongod: string,
  args: readonly string[],
  output: number,
  host: LocalHost,
): Promise<LauncherExit> {
  // Detached, since Ctrl-C would otherwise end the launcher and leave the server that it forked.
  const child = spawn(mongod, args, {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
  });
  const clock = new AbortController();
  const timeUp = delay(launchMs, undefined, { signal: clock.signal, ref: false });
  return new Promise<LauncherExit>((fulfil) => {
    const giveUp = (reason: string) => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      fulfil({ status: null, reason, interrupted: host.interrupted.aborted });
    };
    const interrupted = () => giveUp('interrupted');
    host.interrupted.addEventListener('abort', interrupted, { once: true });
    timeUp.then(
      () => giveUp(`it was not ready within ${launchMs / 1000} s`),
      () => undefined,
    );
    const finish = (status: number | null, reason: string) => {
      host.interrupted.removeEventListener('abort', interrupted);
      clock.abort();
      fulfil({ status, reason, interrupted: host.interrupted.aborted && status !== 0 });
    };
    child.once('error', (error) => finish(null, error.message));
    child.once('exit', (status, signal) => finish(status, `mongod ended (${status ?? signal})`));
  });
}

/** @returns whether it was large enough to be put aside */
async function rotateLog(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size <= logBytes) return false;
  await rename(path, `${path}.1`);
  return true;
}

/** Written whole or not at all, since others read it at any moment. */
async function writeState(path: string, state: object): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  await rename(draft, path);
}
