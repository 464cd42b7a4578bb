import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { getuid } from 'node:process';
import type { Context } from '../context.ts';
import { dataDirectory } from './directories.ts';

/** Everything of the local database that has a place. All absolute. */
export interface LocalPaths {
  /** The directory of all this, mode 0700. */
  readonly dataDir: string;
  /** mongod's own files. */
  readonly dbPath: string;
  readonly logFile: string;
  /** What mongod prints before it has its log: options it does not know, missing libraries. */
  readonly launchLog: string;
  /** Held by whoever starts or stops the server. */
  readonly lockFile: string;
  /** There exactly while a server runs that is ready for clients; what it says is for status. */
  readonly stateFile: string;
  /** The directory of the socket, mode 0700: `dataDir`, or a short one where that is too long. */
  readonly socketDir: string;
  readonly socket: string;
  /** What a client connects to. */
  readonly uri: string;
}

/**
 * A Unix socket's path holds at most 107 bytes on Linux and 103 on macOS, see unix(7).
 * mongod separates addresses by commas and ports by colons, so the path has plain characters only.
 */
const plainSocketPath = /^[\w./-]{1,103}$/;

/**
 * Where the local database is, which follows from the environment and the symbolic links in it. It
 * must not depend on what differs between a user's sessions, such as XDG_RUNTIME_DIR or the name
 * by which a directory is reached, or each session would look for the same server's socket in
 * another place, and end a server that it does not find there.
 *
 * @throws BankctlError `local_database` where there is no HOME and nothing else says where
 */
export function localPaths(env: Context['env']): LocalPaths {
  const dataDir = realPath(dataDirectory(env));
  const near = join(dataDir, 'mongod.sock');
  const socketDir = plainSocketPath.test(near) ? dataDir : shortDirectory(dataDir);
  const socket = join(socketDir, 'mongod.sock');
  return {
    dataDir,
    dbPath: join(dataDir, 'data'),
    logFile: join(dataDir, 'mongod.log'),
    launchLog: join(dataDir, 'launch.log'),
    lockFile: join(dataDir, 'lock'),
    stateFile: join(dataDir, 'state.json'),
    socketDir,
    socket,
    uri: `mongodb://${encodeURIComponent(socket)}/?directConnection=true`,
  };
}

/** The directory that holds all short socket directories of this user; it must be this user's. */
export function shortDirectoryRoot(): string {
  return `/tmp/bankctl-${getuid?.() ?? 'user'}`;
}

/** The one name of a path: as far as it exists, without symbolic links. One call where it does. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

function shortDirectory(dataDir: string): string {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join(shortDirectoryRoot(), name);
}
