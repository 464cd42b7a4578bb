import { lstatSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { pid as ownPid } from 'node:process';
import type { Context } from '../../core/context.ts';
import { fileError } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';
import { sentence } from '../../core/text.ts';
import { makePrivateDirectory, requirePrivate } from '../../system/directories.ts';
import { given } from '../../system/environment.ts';
import { exposedStep, foreignFault, realEyes } from '../../system/ownership.ts';
import type { BinaryHost } from '../mongod/mongod-binary.ts';
import { dataDirCure, isDatabaseMade, type LocalPaths, localPaths } from './local-paths.ts';
import { isReady, leadsTo, readState } from './local-state.ts';

/** The local database, ready for clients. */
interface LocalServer {
  readonly uri: string;
  /** Whether this call started it. */
  readonly started: boolean;
  readonly paths: LocalPaths;
}

/** What `bankctl db status` shows. */
interface LocalStatus {
  readonly running: boolean;
  readonly pid: number | undefined;
  /** Of the server, as `6.0.5`. */
  readonly version: string | undefined;
  readonly uptimeSeconds: number | undefined;
  readonly socket: string;
  readonly uri: string;
  readonly dataDir: string;
  readonly logFile: string;
}

/** A server writes a few lines for each client; its log is put aside when it is larger. */
const runningLogBytes = 32 * 1024 * 1024;

/**
 * The local database, started if it is not running. If it is, as nearly always, this costs one
 * connection to its socket and a few file lookups, and takes no lock.
 *
 * @param make whether to create it if there is none
 * @throws BankctlError `local_database` if it cannot be started, or others can get at its files;
 *   `no_local_database`; `no_mongod` if there is no server program; `not_writable` (its cache);
 *   `timed_out`; `interrupted`
 */
export async function ensureLocal(
  host: BinaryHost,
  { make = true }: { readonly make?: boolean } = {},
): Promise<LocalServer> {
  const paths = localPaths(host.env);
  requireOwn(paths);
  if (!make && !isDatabaseMade(paths)) throw noDatabase(host.env, paths);
  await ensureShortName(paths);
  if (await isReady(paths)) {
    if ((sizeOf(paths.logFile) ?? 0) > runningLogBytes) {
      const { rotateRunningLog } = await import('./local-lifecycle.ts');
      await rotateRunningLog(paths, host);
    }
    return { uri: paths.uri, started: false, paths };
  }
  const { startLocked } = await import('./local-lifecycle.ts');
  return { uri: paths.uri, started: await startLocked(paths, host), paths };
}

function noDatabase(env: Context['env'], { dataDir }: LocalPaths): BankctlError {
  const source = ['BANKCTL_DATA_DIR', 'XDG_DATA_HOME', 'HOME'].find(
    (name) => given(env, name) !== undefined,
  );
  return new BankctlError(
    'no_local_database',
    `There is no local database in ${dataDir}, where ${source}=${env[source ?? '']} says to look.`,
    'If that is the right place, bankctl init creates one; else set that variable, or name a ' +
      'database elsewhere in BANKCTL_URI.',
  );
}

/** Throws if another user could have put something in the place of the database. */
function requireOwn({ namedDir, dataDir, socketFile }: LocalPaths): void {
  requirePrivate(dataDir, 'local_database', dataDirCure);
  const fault = exposedStep(namedDir) ?? foreignFault(socketFile, ['socket', 'file']);
  if (fault === undefined) return;
  throw new BankctlError(
    'local_database',
    `${fault.path} ${fault.reason}, so what it leads to may not be your database.`,
    `Remove it, or ${dataDirCure}.`,
  );
}

/** Makes sure that the short name, if the socket needs one, leads to the data directory. */
async function ensureShortName(paths: LocalPaths): Promise<void> {
  const { shortName, dataDir } = paths;
  if (shortName === undefined || leadsTo(shortName, dataDir)) return;
  const cure = 'set BANKCTL_DATA_DIR to a shorter path, or XDG_RUNTIME_DIR to a directory of yours';
  await makePrivateDirectory(shortName.directory, 'local_database', cure);
  const draft = `${shortName.link}.${ownPid}`;
  try {
    await rm(draft, { force: true });
    await symlink(dataDir, draft);
    await rename(draft, shortName.link);
  } catch (error) {
    throw fileError(error, 'local_database', shortName.link, sentence(cure));
  }
}

/**
 * Stops the local database cleanly, and returns when it has ended. Repeatable.
 *
 * @returns whether there was one to stop
 * @throws BankctlError `local_database`, which names the process, if it hangs; `timed_out`;
 *   `interrupted`
 */
export async function stopLocal(host: BinaryHost): Promise<boolean> {
  const paths = localPaths(host.env);
  if (realEyes.look(paths.dataDir) === undefined) return false;
  requireOwn(paths);
  if (realEyes.look(paths.dbPath) === undefined) return false;
  const { stopLocked } = await import('./local-lifecycle.ts');
  return stopLocked(paths, host);
}

/** What is known about the local database without starting it or waiting for anything. */
export async function localStatus(host: Pick<Context, 'env' | 'nowMs'>): Promise<LocalStatus> {
  const paths = localPaths(host.env);
  const { socket, uri, dataDir, logFile } = paths;
  if (realEyes.look(dataDir) !== undefined) await ensureShortName(paths).catch(() => undefined);
  const running = await isReady(paths);
  const { pid, version, startedAtMs } = running ? readState(paths.stateFile) : {};
  const uptimeSeconds = startedAtMs && Math.max(0, Math.round((host.nowMs() - startedAtMs) / 1000));
  return { running, pid, version, uptimeSeconds, socket, uri, dataDir, logFile };
}

/** undefined if nothing is there, or it may not be looked at: the start says why. */
function sizeOf(path: string): number | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
}
