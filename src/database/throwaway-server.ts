import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chdir, cwd, env } from 'node:process';
import { crc32 } from 'node:zlib';
import type { MongoMemoryServer } from 'mongodb-memory-server';
import { BankctlError } from '../core/errors.ts';
import { jsonFields } from '../core/text.ts';
import { given } from '../system/environment.ts';
import { foreignFault } from '../system/ownership.ts';
import { ownIdentity, runState } from '../system/processes.ts';
import { type BinaryHost, checkMongod } from './mongod/mongod-binary.ts';
import { findMongod } from './mongod/mongod-search.ts';

/** One server of a throwaway deployment. */
export interface ThrowawayMember {
  /** Its current process; undefined while it is down. */
  readonly pid: () => number | undefined;
  readonly port: number;
  /** Ends it by SIGKILL, as a crash would, and returns when it is gone. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same data and port, after it was killed. */
  readonly restart: () => Promise<void>;
}

/** A throwaway deployment, gone after `stop`. */
export interface Throwaway {
  readonly uri: string;
  /** The version of its mongod, as `6.0.5`. */
  readonly version: string;
  readonly members: readonly ThrowawayMember[];
  /** The processes that are running now. */
  readonly pids: () => readonly number[];
  /** Ends every server and removes its data. Repeatable. */
  readonly stop: () => Promise<void>;
}

/** Which deployment to start. */
export interface ThrowawayOptions {
  /** 0 is a standalone, which has no transactions; 1 and 3 are replica sets. 1 by default. */
  readonly replicas?: 0 | 1 | 3 | undefined;
}

const directoryPrefix = 'bankctl-stress-';

/**
 * Starts a throwaway server on 127.0.0.1 with data in the temporary directory. It does not outlive
 * this process: `stop` ends it, and if this process is killed, mongodb-memory-server's watcher
 * ends it within seconds. Ctrl-C reaches only this process, which then calls `stop`.
 *
 * @throws BankctlError as `findMongod`; `local_database` if it does not start
 */
export async function startThrowaway(
  host: BinaryHost,
  { replicas = 1 }: ThrowawayOptions = {},
): Promise<Throwaway> {
  const systemBinary = await findMongod(host);
  const check = await checkMongod(systemBinary, host.interrupted);
  if ('reason' in check) {
    throw new BankctlError('no_mongod', `${systemBinary} cannot be used: ${check.reason}.`);
  }
  host.progress({ label: 'Starting a throwaway server' });
  const temporary = given(host.env, 'TMPDIR') ?? tmpdir();
  await removeAbandoned(temporary);
  const directory = await mkdtemp(join(temporary, directoryPrefix));
  await mkdir(join(directory, 'by', ownerName()), { recursive: true });
  const binary = { systemBinary, version: check.version };
  try {
    return await launch(loadLibrary(systemBinary), binary, directory, replicas, host);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    if (host.interrupted.aborted) {
      throw new BankctlError('interrupted', 'Stopped while the throwaway server was starting.');
    }
    throw new BankctlError(
      'local_database',
      `The throwaway server does not start: ${error instanceof Error ? error.message : error}.`,
      'Check the space in the temporary directory, which TMPDIR moves.',
      { cause: error },
    );
  }
}

type Library = typeof import('mongodb-memory-server');

/**
 * mongodb-memory-server takes its settings from the environment first, then from the package.json
 * nearest above the working directory, which may be anybody's, and from its caller last. So what
 * matters is set in the environment, and it is loaded, which is when it looks for that file, in the
 * root directory, where only root can put one. Nothing else runs meanwhile.
 */
function loadLibrary(systemBinary: string): Library {
  env['MONGOMS_SYSTEM_BINARY'] = systemBinary;
  env['MONGOMS_SYSTEM_BINARY_VERSION_CHECK'] = 'false';
  // It looks for caches, which it does not need, in this directory and above.
  env['INIT_CWD'] = '/';
  for (const name of ['MONGOMS_ARCHIVE_NAME', 'MONGOMS_DOWNLOAD_URL']) delete env[name];
  const back = workingDirectory();
  chdir('/');
  try {
    return createRequire(import.meta.filename)('mongodb-memory-server');
  } finally {
    if (back !== undefined) chdir(back);
  }
}

/** The working directory; undefined if it was deleted. */
function workingDirectory(): string | undefined {
  try {
    return cwd();
  } catch {
    return undefined;
  }
}

/** Its own session, so that the terminal's Ctrl-C does not end it while it is still in use. */
const spawn = { detached: true, cwd: '/' } as const;

const mongodArguments = [
  ...['--wiredTigerCacheSizeGB', '0.25', '--nounixsocket', '--quiet'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
];

/** After a crash a server checks its files before it answers: slow on a busy machine. */
const launchTimeoutMs = 60_000;

/**
 * A port for a server, if it is free. It is below those that a system gives to whoever asks for
 * any: one of these may be given away just before the server listens there, or while it is down to
 * be restarted. And it is below 27017, where programs look for a server that is meant to stay.
 */
export function portOf(directory: string, index: number): number {
  return 10_000 + ((crc32(directory) + index) % 17_000);
}

async function launch(
  library: Library,
  /** The version is named so that mongodb-memory-server has nothing to warn about. */
  binary: { readonly systemBinary: string; readonly version: string },
  directory: string,
  replicas: number,
  host: BinaryHost,
): Promise<Throwaway> {
  const instances = Array.from({ length: Math.max(replicas, 1) }, (_, index) => ({
    dbPath: join(directory, `data-${index}`),
    port: portOf(directory, index),
    storageEngine: 'wiredTiger' as const,
    launchTimeout: launchTimeoutMs,
  }));
  for (const { dbPath } of instances) await mkdir(dbPath);
  const server =
    replicas === 0
      ? new library.MongoMemoryServer({
          binary,
          spawn,
          instance: { ...instances[0], args: [...mongodArguments] },
        })
      : new library.MongoMemoryReplSet({
          binary,
          instanceOpts: instances,
          replSet: {
            count: replicas,
            name: 'stress',
            spawn,
            storageEngine: 'wiredTiger',
            args: [...mongodArguments, '--oplogSize', '64'],
            configSettings: { electionTimeoutMillis: 2000 },
          },
        });
  const end = () => server.stop({ doCleanup: false, force: false });
  await server.start();
  if (host.interrupted.aborted) {
    await end();
    host.interrupted.throwIfAborted();
  }
  const members = ('servers' in server ? server.servers : [server]).map(memberOf);
  return {
    uri: server.getUri(),
    version: binary.version,
    members,
    pids: () => members.flatMap(({ pid }) => pid() ?? []),
    stop: async () => {
      await end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function memberOf(server: MongoMemoryServer): ThrowawayMember {
  const child = () => server.instanceInfo?.instance.mongodProcess;
  const kill = async () => {
    const running = child();
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const closed = once(running, 'close');
    running.kill('SIGKILL');
    await closed;
  };
  const restart = async () => {
    await kill();
    await server.instanceInfo?.instance.stop();
    await server.instanceInfo?.instance.start();
  };
  return { pid: () => child()?.pid, port: server.instanceInfo?.port ?? 0, kill, restart };
}

/** The owner of a directory is recorded as the name of an empty directory in it. */
function ownerName(): string {
  return Buffer.from(JSON.stringify(ownIdentity())).toString('base64url');
}

/** Removes the data of throwaway servers that were killed, once nothing uses them. */
async function removeAbandoned(temporary: string): Promise<void> {
  const names = await readdir(temporary).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith(directoryPrefix))) {
    const directory = join(temporary, name);
    if (foreignFault(directory, ['directory']) !== undefined) continue;
    const owners = await readdir(join(directory, 'by')).catch(() => []);
    if (owners.length > 0 && owners.every(hasEnded)) {
      await rm(directory, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

function hasEnded(name: string): boolean {
  const { pid, started, space } = jsonFields(Buffer.from(name, 'base64url').toString());
  if (typeof pid !== 'number') return false;
  return runState({ pid, started: String(started), space: String(space) }) === 'ended';
}
