import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { jsonFields } from '../../core/text.ts';
import { foreignFault, privacyFault, realEyes } from '../../system/ownership.ts';
import type { LocalPaths, ShortName } from './local-paths.ts';

/** How long a server may take to accept a connection on its own machine. */
const answerMs = 2000;

/**
 * Whether a server answers on the socket and is known to be ready for clients. Nobody else can
 * have put the socket there, since its directory is this user's alone, and so is the short name.
 *
 * The state file is checked after the connection: it is removed before a server starts, so a
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

/** Whether the short name is this user's and leads to the data directory. */
export function leadsTo({ directory, link }: ShortName, dataDir: string): boolean {
  return privacyFault(directory) === undefined && realEyes.look(link)?.target === dataDir;
}

/** What the state file says about a server that is ready. */
interface ServerState {
  readonly pid: number;
  /** As `6.0.5`. */
  readonly version: string;
  readonly startedAtMs: number;
}

/** What the state file says; nothing if it is gone or damaged. */
export function readState(path: string): Partial<ServerState> {
  const { pid, version, startedAtMs } = jsonFields(textOf(path));
  return {
    ...(typeof pid === 'number' ? { pid } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof startedAtMs === 'number' ? { startedAtMs } : {}),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Writes the state file, whole or not at all, since others read it at any moment. */
export async function writeState(path: string, state: ServerState): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(state)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, path);
}
