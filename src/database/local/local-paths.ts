import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { getuid } from 'node:process';
import type { Context } from '../../core/context.ts';
import { dataDirectory } from '../../system/directories.ts';
import { xdg } from '../../system/environment.ts';
import { privacyFault, realEyes } from '../../system/ownership.ts';

/** The paths of the local database, all absolute. */
export interface LocalPaths {
  /** `dataDir` as the environment names it; links in it must not be another user's. */
  readonly namedDir: string;
  /** The directory of all this, mode 0700. */
  readonly dataDir: string;
  /** mongod's own files. */
  readonly dbPath: string;
  readonly logFile: string;
  /** What mongod prints before it has its log: options it does not know, missing libraries. */
  readonly launchLog: string;
  /** Held by whoever starts or stops the server. */
  readonly lockFile: string;
  /**
   * Exists exactly while a server is running and ready for clients; `db status` shows what it says.
   */
  readonly stateFile: string;
  /** Always in `dataDir`, which nobody else can enter. */
  readonly socketFile: string;
  /** A short name of `dataDir`, if its own is too long for a socket's path. */
  readonly shortName?: ShortName;
  /** The path of `socketFile` that goes into a socket's address. */
  readonly socket: string;
  /** What a client connects to. */
  readonly uri: string;
}

/** What to do about a data directory that cannot be used, as a clause. */
export const dataDirCure =
  'set BANKCTL_DATA_DIR to a directory of your own that others cannot enter';

/** A symbolic link to the data directory, in a directory that only this user can enter. */
export interface ShortName {
  readonly directory: string;
  readonly link: string;
}

/**
 * A Unix socket's path holds at most 107 bytes on Linux and 103 on macOS, see unix(7).
 * mongod separates addresses by commas and ports by colons, so the path has plain characters only.
 */
const plainSocketPath = /^[\w./-]{1,103}$/;

/**
 * Where the local database is, which follows from the environment and the symbolic links in it. All
 * its files, the socket too, are in one directory, whatever name it is reached by. Only the short
 * name may differ between a user's sessions, as XDG_RUNTIME_DIR does, or be gone when one ends.
 *
 * @throws BankctlError `local_database` if neither HOME nor another variable says where
 */
export function localPaths(env: Context['env']): LocalPaths {
  const namedDir = dataDirectory(env);
  const dataDir = realPath(namedDir);
  const socketFile = join(dataDir, 'mongod.sock');
  const shortName = plainSocketPath.test(socketFile) ? undefined : shortNameOf(dataDir, env);
  const socket = shortName === undefined ? socketFile : join(shortName.link, 'mongod.sock');
  return {
    namedDir,
    dataDir,
    dbPath: join(dataDir, 'data'),
    logFile: join(dataDir, 'mongod.log'),
    launchLog: join(dataDir, 'launch.log'),
    lockFile: join(dataDir, 'lock'),
    stateFile: join(dataDir, 'state.json'),
    socketFile,
    ...(shortName === undefined ? {} : { shortName }),
    socket,
    uri: `mongodb://${encodeURIComponent(socket)}/?directConnection=true`,
  };
}

/** The canonical name of a path: without symbolic links, as far as it exists. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/** In XDG_RUNTIME_DIR, if it meets its specification; else in /tmp. */
function shortNameOf(dataDir: string, env: Context['env']): ShortName {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 20);
  const runtime = xdg(env, 'XDG_RUNTIME_DIR');
  if (runtime !== undefined) {
    const directory = join(runtime, 'bankctl');
    const link = join(directory, name);
    const plain = plainSocketPath.test(join(link, 'mongod.sock'));
    if (plain && isThere(runtime) && privacyFault(runtime) === undefined)
      return { directory, link };
  }
  const directory = `/tmp/bankctl-${getuid?.() ?? 'user'}`;
  return { directory, link: join(directory, name) };
}

function isThere(path: string): boolean {
  return realEyes.look(path) !== undefined;
}

/** mongod's first file marks a database that was begun; if that was interrupted, it is finished. */
export function isDatabaseMade({ dbPath }: LocalPaths): boolean {
  return isThere(join(dbPath, 'WiredTiger'));
}
