import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { BankctlError } from '../../../src/core/errors.ts';
import { createLineJudge } from '../../../src/stress/check/check-history.ts';
import { run } from '../../workspace.ts';
import { mutants } from './mutations.ts';
import { type Line, trueHistory } from './serial-bank.ts';

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
});

afterAll(() => rm(directory, { recursive: true }));

const texts = new WeakMap<Line, string>();

function textOf(line: Line): string {
  const text = texts.get(line) ?? JSON.stringify(line);
  texts.set(line, text);
  return text;
}

function verdictOf(lines: readonly Line[]): string {
  const judge = createLineJudge();
  try {
    for (const line of lines) judge.take(textOf(line));
  } catch (error) {
    if (error instanceof BankctlError && error.code === 'invalid_history') return error.code;
    throw error;
  }
  return judge.finish().verdict;
}

const passed: ReadonlySet<string> = new Set(['clean', 'demonstrated']);

async function recorded(words: string): Promise<readonly Line[]> {
  const path = join(directory, 'history.ndjson');
  const argv = ['stress', '--uri', inject('uri'), '--history', path, ...words.split(' ')];
  const { stderr } = await run(argv, directory, { PATH: process.env['PATH'] ?? '' });
  expect(stderr).not.toContain('bankctl:');
  const text = await readFile(path, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const histories: Readonly<Record<string, () => Promise<readonly Line[]>>> = {
  'the ledger under load': () => recorded('--model ledger --ops 70 --workers 3 --seed 3'),
  'the branch models under load': () => recorded('--model branch --ops 40 --workers 4'),
  'the shared model under load': () => recorded('--ops 60 --workers 4 --model shared'),
  'an exploration': () => recorded('--exhaustive'),
  'the ledger under faults': () => Promise.resolve(withKinds(trueHistory(cleanSeed(false)).lines)),
  'ids and a last snapshot': () =>
    Promise.resolve(withKinds(trueHistory(cleanSeed(true)).idsAlone)),
};

function cleanSeed(byIds: boolean): number {
  for (let seed = 1; ; seed += 1) {
    const { lines, idsAlone } = trueHistory(seed);
    const [init] = lines;
    if (!byIds && init?.['faults'] === undefined) continue;
    if (passed.has(verdictOf(byIds ? idsAlone : lines))) return seed;
  }
}

/** With what has to be proved on the first line, as bankctl writes it. */
function withKinds(lines: readonly Line[]): readonly Line[] {
  const kinds = ['increment', 'transfer', 'read', 'snapshot'];
  return lines.map((line) => (line['f'] === 'init' ? { ...line, kinds } : line));
}

test.each(Object.keys(histories))(
  'no change to a history of %s that removes its proof is passed',
  async (name) => {
    const lines = (await histories[name]?.()) ?? [];
    expect(passed.has(verdictOf(lines))).toBe(true);
    const wronglyPassed: string[] = [];
    let tried = 0;
    for (const { what, lines: changed, allowed } of mutants(lines)) {
      tried += 1;
      if (allowed === undefined && passed.has(verdictOf(changed))) wronglyPassed.push(what);
    }
    expect(wronglyPassed).toEqual([]);
    expect(tried).toBeGreaterThan(1000);
  },
  300_000,
);
