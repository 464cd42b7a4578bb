import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type BinaryHost, lastLine } from './mongod-binary.ts';
import type { Fetched } from './mongod-fetch.ts';
import { watchGrowth } from './watch-growth.ts';

/**
 * The download runs in a worker thread, because mongodb-memory-server prints its progress on
 * stdout, which belongs to results, and offers no way to stop: ending the thread stops it.
 */
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const { MongoBinary } = require(workerData.module);
MongoBinary.getPath({ downloadDir: workerData.directory }).then(
  (path) => parentPort.postMessage({ path }),
  (error) => parentPort.postMessage({ reason: String(error.message) }),
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
  const env = {
    MONGOMS_MAX_RETRIES: '1',
    ...host.env,
    MONGOMS_DOWNLOAD_DIR: directory,
    MONGOMS_MD5_CHECK: 'true',
  };
  const module = createRequire(import.meta.url).resolve('mongodb-memory-server');
  const worker = new Worker(workerSource, {
    eval: true,
    workerData: { module, directory },
    env,
    stdout: true,
    stderr: true,
  });
  let totalBytes: number | undefined;
  worker.stdout.on('data', (chunk) => {
    totalBytes = totalOf(String(chunk)) ?? totalBytes;
  });
  worker.stderr.resume();
  const answer = answerOf(worker);
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
    await worker.terminate();
  }
}

/** Its progress reads `Downloading MongoDB "8.0.1": 5% (4mb / 80mb)`, in units of 2^20 bytes. */
function totalOf(text: string): number | undefined {
  const [, total] = /\/ ([\d.]+)mb\)/.exec(text) ?? [];
  return total === undefined ? undefined : Math.round(Number(total) * 1_048_576);
}

function answerOf(worker: Worker): Promise<Fetched> {
  return new Promise((fulfil) => {
    worker.once('message', (message: unknown) => fulfil(readAnswer(message)));
    worker.once('error', (error) => fulfil({ reason: lastLine(String(error)) }));
    worker.once('exit', () => fulfil({ reason: 'the download ended without an answer' }));
  });
}

function readAnswer(message: unknown): Fetched {
  const answer: object = typeof message === 'object' && message !== null ? message : {};
  if ('path' in answer && typeof answer.path === 'string') return { path: answer.path };
  return { reason: 'reason' in answer ? lastLine(String(answer.reason)) : 'no answer' };
}
