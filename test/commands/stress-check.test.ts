import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { trueHistory } from '../stress/judge/serial-bank.ts';
import { type RunOptions, run } from '../workspace.ts';

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
});

afterAll(() => rm(directory, { recursive: true }));

const sound = trueHistory(2)
  .lines.map((line) => JSON.stringify(line))
  .join('\n');

function check(path: string, options: RunOptions = {}) {
  return run(['stress', 'check', path], directory, { PATH: '' }, options);
}

async function checkBytes(bytes: string | Uint8Array) {
  const path = join(directory, 'history');
  await writeFile(path, bytes);
  return check(path);
}

const account = { 'branch1:X': { balance: '1.00', version: 1 } };
const init = JSON.stringify({ type: 'ok', f: 'init', value: { accounts: account }, time: 0 });
const applied = '{"type":"ok","f":"applied","value":{"ids":[]},"time":9}';
const increment = (type: string, process: string, id: string) =>
  `{${process}"type":"${type}","f":"increment",` +
  `"value":{"id":${id},"account":"branch1:X","amount":"5.00"},"time":3}`;
const pairs = (id: string, process = (number: number) => `"process":${number},`) =>
  [
    init,
    increment('invoke', process(1), id),
    increment('invoke', process(2), id),
    increment('ok', process(1), id),
    increment('ok', process(2), id),
    applied,
  ].join('\n');

test('a true history is clean, with or without a last line end, with CRLF or a mark', async () => {
  for (const text of [`${sound}\n`, sound, sound.replaceAll('\n', '\r\n'), `\uFEFF${sound}\n`]) {
    expect(await checkBytes(text)).toMatchObject({ status: 0, stderr: '' });
  }
});

test.each<[what: string, bytes: string | Uint8Array, status: number, says: RegExp]>([
  ['an empty file', '', 5, /undecided: It is empty\./],
  ['ids that are numbers', pairs('7'), 2, /Line 2 has no id that is text\./],
  ['ids that are missing', pairs('null'), 2, /Line 2 has no id that is text\./],
  ['lines without process', pairs('"a"', () => ''), 2, /Line 2 has no process/],
  ['an init without versions', sound.replace(/,"version":\d/, ''), 2, /Line 1 has no version of/],
  ['a line that is no JSON', `${init}\nhello\n${applied}`, 2, /Line 2 is not a JSON object\./],
  ['a line that is cut off', sound.slice(0, -3), 5, /breaks off in the middle of line \d+/],
  ['no last line', sound.slice(0, sound.lastIndexOf('\n') + 1), 5, /breaks off: it has no applied/],
  ['a file packed by gzip', gzipSync(sound), 2, /is compressed by gzip\.\nUnpack it/],
  ['UTF-16 with a mark', Buffer.from(`\uFEFF${sound}`, 'utf16le'), 2, /is UTF-16, not UTF-8/],
  ['UTF-16 without one', Buffer.from(sound, 'utf16le'), 2, /is UTF-16, not UTF-8/],
  ['Latin 1', Buffer.from(`${init}\n"\xe9"\n`, 'latin1'), 2, /Line 2 of .* is not UTF-8 text/],
])('%s', async (_what, bytes, status, says) => {
  const ran = await checkBytes(bytes);
  expect(`${ran.stdout}${ran.stderr}`).toMatch(says);
  expect(ran.status).toBe(status);
});

test('a line of a gigabyte is refused before it is in memory', async () => {
  const path = join(directory, 'long');
  for (const start of ['x', '{"process":1,"x":"']) {
    const file = await open(path, 'w');
    await file.write(start);
    const block = Buffer.alloc(1 << 20, 'y');
    for (let written = 0; written < (start === 'x' ? 4 : 40); written += 1) await file.write(block);
    await file.close();
    const before = process.memoryUsage().rss;
    const { status, stderr } = await check(path);
    expect(stderr).toMatch(/Line 1 of .* is longer than any line of a history\./);
    expect(status).toBe(2);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  }
});

test('a silent pipe is given up on Ctrl-C', async () => {
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const controller = new AbortController();
  const checking = check(path, { interrupted: controller.signal });
  setTimeout(() => controller.abort(), 100);
  expect(await checking).toMatchObject({ status: 130 });
});

test('a pipe is read to its end', async () => {
  const path = join(directory, 'pipe2');
  execFileSync('mkfifo', [path]);
  const checking = check(path);
  await writeFile(path, `${sound}\n`);
  expect(await checking).toMatchObject({ status: 0 });
});

test('the file of --uri-file may be a silent pipe, and Ctrl-C ends the waiting', async () => {
  const path = join(directory, 'pipe3');
  execFileSync('mkfifo', [path]);
  for (const mode of [[], ['--exhaustive'], ['--model', 'ledger']]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const { status } = await run(
      ['stress', ...mode, '--uri-file', path],
      directory,
      { PATH: '' },
      { interrupted: controller.signal },
    );
    expect(status).toBe(130);
  }
});
