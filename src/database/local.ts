import { readFileSync, type Stats, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { getuid } from 'node:process';
import type { Context } from '../context.ts';
import { type LocalPaths, localPaths } from './local-paths.ts';
import type { BinaryHost } from './mongod-binary.ts';

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
 * connection to its socket and three looks at files, and takes no lock.
 *
 * @throws BankctlError `local_database` where it cannot be started, `no_mongod` where there is no
 *   server program, `not_writable` (its cache), `interrupted`
 */
export async function ensureLocal(host: LocalHost): Promise<LocalServer> {
  const paths = localPaths(host.env);
  if (await isReady(paths)) {
    if ((look(paths.logFile)?.size ?? 0) > runningLogBytes) {
      const { rotateRunningLog } = await import('./local-start.ts');
      await rotateRunningLog(paths, host);
    }
    return { uri: paths.uri, started: false, paths };
  }
  const { startLocked } = await import('./local-start.ts');
  return { uri: paths.uri, started: await startLocked(paths, host), paths };
}

/**
 * Stops the local database cleanly, and returns when it has ended. Repeatable.
 *
 * @param graceMs how long it may take to end; 30 s if left out
 * @returns whether there was one to stop
 * @throws BankctlError `local_database`, which names the process, where it hangs; `interrupted`
 */
export async function stopLocal(host: LocalHost, graceMs?: number): Promise<boolean> {
  const { stopLocked } = await import('./local-start.ts');
  return stopLocked(localPaths(host.env), host, graceMs);
}

/** What can be told of the local database without starting it or waiting for anything. */
export async function localStatus(host: Pick<Context, 'env' | 'nowMs'>): Promise<LocalStatus> {
  const paths = localPaths(host.env);
  const { socket, uri, dataDir, logFile } = paths;
  const where = { socket, uri, dataDir, logFile };
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
 * have put the socket there, since its directory is this user's alone.
 *
 * The state file is looked at after the connection: it is removed before a server starts, so a
 * server that answers but is not ready yet has none.
 */
export async function isReady(paths: LocalPaths): Promise<boolean> {
  return (
    isOwn(paths.socketDir) && (await answers(paths.socket)) && look(paths.stateFile) !== undefined
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

function isOwn(directory: string): boolean {
  const found = look(directory);
  if (found === undefined) return false;
  const uid = getuid?.();
  return (uid === undefined || found.uid === uid) && (found.mode & 0o077) === 0;
}

/** undefined where there is nothing, or nothing that may be looked at: the start says why. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
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
