import { lstatSync, readFileSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { pid as ownPid } from 'node:process';
import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import {
  fileError,
  given,
  makePrivateDirectory,
  requirePrivate,
  sentence,
} from '../../system/directories.ts';
import { exposedStep, foreignFault, privacyFault, realEyes } from '../../system/ownership.ts';
import type { BinaryHost } from '../mongod/mongod-binary.ts';
import { type LocalPaths, localPaths, type ShortName } from './local-paths.ts';

export { type LocalPaths, localPaths } from './local-paths.ts';

/** What starting the local database takes from its surroundings. */
export type LocalHost = BinaryHost;

/** The local database, ready for clients. */
export interface LocalServer {
  readonly uri: string;
  /** Whether this call started it. */
  readonly started: boolean;
  readonly paths: LocalPaths;
}

/** What `bankctl db status` tells. */
export interface LocalStatus {
  readonly running: boolean;
  readonly pid?: number;
  /** Of the server, as `6.0.5`. */
  readonly version?: string;
  readonly uptimeSeconds?: number;
  readonly socket: string;
  readonly uri: string;
  readonly dataDir: string;
  readonly logFile: string;
}

/** A server writes a few lines for each client; its log is put aside when it is larger. */
const runningLogBytes = 32 * 1024 * 1024;

/** How long a server may take to accept a connection on its own machine. */
const answerMs = 2000;

/**
 * The local database, started if it does not run. When it runs, as nearly always, this costs one
 * connection to its socket and some looks at files, and takes no lock.
 *
 * @param make whether to make it where there is none
 * @throws BankctlError `local_database` where it cannot be started, or others can get at its files;
 *   `no_local_database`; `no_mongod` where there is no server program; `not_writable` (its cache);
 *   `timed_out`; `interrupted`
 */
export async function ensureLocal(
  host: LocalHost,
  { make = true }: { readonly make?: boolean } = {},
): Promise<LocalServer> {
  const paths = localPaths(host.env);
  requireOwn(paths);
  if (!make && !isMade(paths)) throw noDatabase(host.env, paths);
  await ensureShortName(paths);
  if (await isReady(paths)) {
    if ((sizeOf(paths.logFile) ?? 0) > runningLogBytes) {
      const { rotateRunningLog } = await import('./local-start.ts');
      await rotateRunningLog(paths, host);
    }
    return { uri: paths.uri, started: false, paths };
  }
  const { startLocked } = await import('./local-start.ts');
  return { uri: paths.uri, started: await startLocked(paths, host), paths };
}

/** mongod's first file marks data that were begun; one that was killed then is finished. */
function isMade({ dbPath }: LocalPaths): boolean {
  return realEyes.look(join(dbPath, 'WiredTiger')) !== undefined;
}

function noDatabase(env: Context['env'], { dataDir }: LocalPaths): BankctlError {
  const source = ['BANKCTL_DATA_DIR', 'XDG_DATA_HOME', 'HOME'].find(
    (name) => given(env, name) !== undefined,
  );
  return new BankctlError(
    'no_local_database',
    `There is no local database in ${dataDir}, where ${source}=${env[source ?? '']} says to look.`,
    'If that is the right place, bankctl init makes one; else set that variable, or name a ' +
      'database elsewhere in BANKCTL_URI.',
  );
}

/** Throws where another user could have put something in the place of the database. */
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

/** What to do about a data directory that cannot serve, as a clause. */
export const dataDirCure =
  'set BANKCTL_DATA_DIR to a directory of your own that others cannot enter';

/** Sees to it that the short name, if the socket needs one, leads to the data directory. */
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

function leadsTo({ directory, link }: ShortName, dataDir: string): boolean {
  return privacyFault(directory) === undefined && realEyes.look(link)?.target === dataDir;
}

/**
 * Stops the local database cleanly, and returns when it has ended. Repeatable.
 *
 * @returns whether there was one to stop
 * @throws BankctlError `local_database`, which names the process, where it hangs; `timed_out`;
 *   `interrupted`
 */
export async function stopLocal(host: LocalHost): Promise<boolean> {
  const paths = localPaths(host.env);
  if (realEyes.look(paths.dataDir) === undefined) return false;
  requireOwn(paths);
  if (realEyes.look(paths.dbPath) === undefined) return false;
  const { stopLocked } = await import('./local-start.ts');
  return stopLocked(paths, host);
}

/** What can be told of the local database without starting it or waiting for anything. */
export async function localStatus(host: Pick<Context, 'env' | 'nowMs'>): Promise<LocalStatus> {
  const paths = localPaths(host.env);
  const { socket, uri, dataDir, logFile } = paths;
  const where = { socket, uri, dataDir, logFile };
  if (realEyes.look(dataDir) !== undefined) await ensureShortName(paths).catch(() => undefined);
  if (!(await isReady(paths))) return { running: false, ...where };
  const { pid, version, startedAtMs } = readState(paths.stateFile);
  return {
    running: true,
    ...(pid === undefined ? {} : { pid }),
    ...(version === undefined ? {} : { version }),
    ...(startedAtMs === undefined
      ? {}
      : { uptimeSeconds: Math.max(0, Math.round((host.nowMs() - startedAtMs) / 1000)) }),
    ...where,
  };
}

/**
 * Whether a server answers on the socket and is known to be ready for clients. Nobody else can
 * have put the socket there, since its directory is this user's alone, and so is the short name.
 *
 * The state file is looked at after the connection: it is removed before a server starts, so a
 * server that answers but is not ready yet has none.
 */
export async function isReady(paths: LocalPaths): Promise<boolean> {
  const { dataDir, shortName, socketFile, socket, stateFile } = paths;
  return (
    privacyFault(dataDir) === undefined &&
    (shortName === undefined || leadsTo(shortName, dataDir)) &&
    foreignFault(socketFile, ['socket']) === undefined &&
    (await answers(socket)) &&
    realEyes.look(stateFile)?.kind === 'file'
  );
}

/** Whether anything accepts connections there. */
export function answers(socket: string): Promise<boolean> {
  return new Promise((fulfil) => {
    const connection = createConnection(socket);
    const finish = (answer: boolean) => {
      connection.destroy();
      fulfil(answer);
    };
    connection.once('connect', () => finish(true));
    connection.once('error', () => finish(false));
    connection.setTimeout(answerMs, () => finish(false));
  });
}

/** undefined where there is nothing, or nothing that may be looked at: the start says why. */
function sizeOf(path: string): number | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
}

/** What the state file says; nothing where it is gone or damaged. */
export function readState(path: string): {
  readonly pid?: number;
  readonly version?: string;
  readonly startedAtMs?: number;
} {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const state: object = typeof value === 'object' && value !== null ? value : {};
    return {
      ...('pid' in state && typeof state.pid === 'number' ? { pid: state.pid } : {}),
      ...('version' in state && typeof state.version === 'string'
        ? { version: state.version }
        : {}),
      ...('startedAtMs' in state && typeof state.startedAtMs === 'number'
        ? { startedAtMs: state.startedAtMs }
        : {}),
    };
  } catch {
    return {};
  }
}
