import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { signalGroup } from '../../system/processes.ts';
import { watchGrowth } from '../../system/watch-growth.ts';
import { type BinaryHost, lastLine } from './mongod-binary.ts';
import type { Fetched } from './mongod-fetch.ts';

/**
 * The download runs in a process of its own. mongodb-memory-server reads settings and looks for
 * programs from the working directory upward, which here is the root directory, where only root
 * can put them; it prints its progress on stdout, which belongs to results; and it offers no way
 * to stop. When bankctl is killed, the process ends with the channel to it.
 */
const source = `
const self = require('node:process');
const [, module, downloadDir] = self.argv;
self.on('disconnect', () => self.exit(1));
const answer = (value) => self.send(value, () => self.exit());
require(module).MongoBinary.getPath({ downloadDir }).then(
  (path) => answer({ path }),
  (error) => answer({ reason: String(error.message) }),
);
`;

const label = 'Downloading MongoDB';

/**
 * Fetches mongod as mongodb-memory-server does, MONGOMS_ variables and all, into `work`. Gives up
 * soon where its host cannot be reached, for there is another source.
 *
 * @returns the file, or why there is none
 */
export async function downloadFromMongodb(work: string, host: BinaryHost): Promise<Fetched> {
  const directory = join(work, 'download');
  await mkdir(directory, { recursive: true });
  host.progress({ label });
  const module = createRequire(import.meta.url).resolve('mongodb-memory-server');
  const child = spawn(execPath, ['-e', source, module, directory], {
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
  const answer = answerOf(child);
  try {
    const end = await watchGrowth(directory, answer, {
      ...host,
      firstByteMs: 15_000,
      stallMs: 30_000,
      grown: (doneBytes) =>
        host.progress({ label, doneBytes, ...(totalBytes === undefined ? {} : { totalBytes }) }),
    });
    if (end === 'silent') return { reason: 'its server does not answer' };
    if (end === 'stalled') return { reason: 'the download stood still' };
    return end === 'done' ? await answer : { reason: 'interrupted' };
  } finally {
    await endChild(child);
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child.pid, 'SIGKILL');
  await ended;
}

/** Its progress reads `Downloading MongoDB "8.0.1": 5% (4mb / 80mb)`, in units of 2^20 bytes. */
function totalOf(text: string): number | undefined {
  const [, total] = /\/ ([\d.]+)mb\)/.exec(text) ?? [];
  return total === undefined ? undefined : Math.round(Number(total) * 1_048_576);
}

function answerOf(child: ChildProcess): Promise<Fetched> {
  return new Promise((fulfil) => {
    child.once('message', (message: unknown) => fulfil(readAnswer(message)));
    child.once('error', (error) => fulfil({ reason: lastLine(String(error)) }));
    child.once('exit', () => fulfil({ reason: 'the download ended without an answer' }));
  });
}

function readAnswer(message: unknown): Fetched {
  const answer: object = typeof message === 'object' && message !== null ? message : {};
  if ('path' in answer && typeof answer.path === 'string') return { path: answer.path };
  return { reason: 'reason' in answer ? lastLine(String(answer.reason)) : 'no answer' };
}
