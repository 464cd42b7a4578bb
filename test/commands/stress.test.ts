import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from '../../src/cli/program.ts';
import { parseStress } from '../../src/commands/stress.ts';
import { createContext } from '../../src/core/context.ts';
import { type RunOptions, run } from '../workspace.ts';

const context = { ...createContext(), freshSeed: () => 77 };
let directory = '';
let client: MongoClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
  client = await MongoClient.connect(inject('uri'));
});

afterAll(async () => {
  await client.close();
  await rm(directory, { recursive: true });
});

function stress(line: string, options: RunOptions = {}) {
  const words = line.split(' ').filter((word) => word !== '');
  const argv = ['stress', ...words.map((word) => word.replace('DIR', directory))];
  return run(argv, directory, { PATH: process.env['PATH'] ?? '' }, options);
}

/** On the server of the test run, which has other databases as well. */
function onServer(line: string, options: RunOptions = {}) {
  return stress(`--uri ${inject('uri')} ${line}`, options);
}

function typed(line: string) {
  const chosen = parse(['stress', ...line.split(' ').filter(Boolean)], context, '1');
  if (!chosen) throw new Error('help was asked for');
  return { ...chosen, session: { context, globals: chosen.globals, talk: () => undefined } };
}

describe('argv → options', () => {
  const load = { seed: 77, keep: false, timeoutMs: 10_000 };
  test.each<[string, object]>([
    ['', load],
    ['--workers 3 --threads 2 --ops 5', { ...load, workers: 3, threads: 2, operations: 5 }],
    ['--duration 2s --branches 4', { ...load, durationMs: 2000, branches: 4 }],
    ['--model branch,shared --seed 5', { ...load, models: ['branch', 'shared'], seed: 5 }],
    ['--history h --keep --uri mongodb://h', { history: 'h', keep: true, uri: 'mongodb://h' }],
  ])('load: %s', async (line, expected) => {
    const { typed: words, session } = typed(line);
    expect(await parseStress(words, session)).toMatchObject({ mode: 'load', options: expected });
  });

  const points = ['switched', 'written'];
  const all = ['captured', 'switched', 'resolved', 'indexing', 'written'];
  test.each<[string, object]>([
    ['--exhaustive', { workers: 2, points }],
    ['--points all', { workers: 2, points: all }],
    ['--exhaustive --points written,captured', { points: ['captured', 'written'] }],
    ['--preemptions 2 --workers 4 --branches 3', { preemptions: 2, workers: 4, branches: 3 }],
    ['--random 50', { random: { count: 50, seed: 77 } }],
    ['--random 50 --seed 3 --model shared', { random: { count: 50, seed: 3 }, models: ['shared'] }],
    ['--schedule s1:shared:all:w2:0:0000000', { schedule: 's1:shared:all:w2:0:0000000' }],
  ])('exhaustive: %s', async (line, expected) => {
    const { typed: words, session } = typed(line);
    const input = { mode: 'exhaustive', options: expected };
    expect(await parseStress(words, session)).toMatchObject(input);
  });

  test.each<[string, object]>([
    ['--model ledger', { models: ['ledger'], seed: 77, faults: undefined, keep: false }],
    ['--faults failover --replicas 3', { faults: 'failover', replicas: 3, models: ['ledger'] }],
    ['--faults kill --duration 3s --threads 2', { faults: 'kill', durationMs: 3000, threads: 2 }],
    ['--model ledger,shared --ops 9', { models: ['ledger', 'shared'], operations: 9 }],
  ])('ledger: %s', async (line, expected) => {
    const { typed: words, session } = typed(line);
    const input = { mode: 'ledger', options: expected };
    expect(await parseStress(words, session)).toMatchObject(input);
  });

  test('check', async () => {
    const { typed: words, session } = typed('check history.ndjson --report r.html');
    const input = { mode: 'check', file: 'history.ndjson' };
    expect(await parseStress(words, session)).toEqual(input);
  });
});

describe('bad input is refused before a server is started', () => {
  // Without a --uri and with no mongod to be found: whatever gets that far ends otherwise.
  const id = (order: string, digest = '0000000') =>
    `s1:shared:switched-written:w2:${order}:${digest}`;
  test.each<[string, string, string]>([
    ['--points swiched', 'There is no point "swiched".', 'Did you mean switched?'],
    ['--points', 'argument missing', 'See bankctl'],
    ['--model brnch', 'There is no model "brnch".', 'Did you mean branch?'],
    ['--exhaustive --model shred', 'There is no model "shred".', 'Did you mean shared?'],
    ['--workers 0', '--workers "0" is not a whole number from 1 to 1024.', 'Give a number'],
    ['--workers 1000000', 'not a whole number from 1 to 1024', 'Give a number'],
    ['--exhaustive --workers 0', '0 workers cannot be run.', 'Two to four workers'],
    ['--exhaustive --workers 1', 'no other to interleave with', 'enough to show the bug'],
    ['--exhaustive --workers 1000000', 'more than 10^', 'Two to four workers'],
    ['--exhaustive --threads 2', '--threads means nothing with --exhaustive.', 'Leave out one of'],
    ['--points all --ops 5', '--ops means nothing with --points.', 'Leave out one of --ops'],
    ['--random 9 --duration 1s', '--duration means nothing with --random.', 'Leave out'],
    ['--random 9 --preemptions 1', '--random draws from all', 'Leave out one'],
    ['--exhaustive --seed 4', 'nothing is drawn at random', 'Leave out'],
    [`--schedule ${id('01')} --points all`, 'whose id says it', 'Leave out'],
    [`--schedule ${id('012')}`, 'step 3 is "2", but the 2 workers are 0 to 1', 'Copy the id whole'],
    ['--schedule s1:shared', 'it has 2 parts and not the six', 'Copy the id whole'],
    ['--exhaustive --keep', '--keep has nothing to keep', 'Give a --uri'],
    ['check', 'needs the file of a history', 'bankctl stress check FILE'],
    ['check nowhere.ndjson', 'cannot be read: there is no such file', 'Name a file'],
    ['check DIR', 'cannot be read: it is a directory', 'Name a file'],
    ['check h --workers 3', '--workers means nothing with stress check.', 'Leave out one of'],
    ['--report DIR', 'cannot be written: it is a directory.', 'after --report'],
    ['--report DIR/no/such/r.html', 'cannot be written: it cannot be created', 'after --report'],
    ['--exhaustive --report /proc/r.html', '/proc/r.html cannot be written', 'after --report'],
    ['--history DIR', 'cannot be written: it is a directory.', 'after --history'],
    ['--report DIR/f --history DIR/f', 'both name', 'two different files'],
  ])('%s', async (line, message, hint) => {
    const { status, stdout, stderr } = await run(
      ['stress', ...line.split(' ').map((word) => word.replace('DIR', directory))],
      directory,
      { PATH: '', BANKCTL_MONGOD: '/nowhere/mongod' },
    );
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect([1, 2]).toContain(status);
    expect(stdout).toBe('');
  });

  test.each([
    ['--exhaustive --workers 8', /8 workers .* which takes 10\^\d+ years .*\nType --workers 2, or/],
    [`--schedule ${id('0110')}`, /it ends after step 4, but then worker \d .*can still go on/],
    [`--schedule ${id('010101')}`, /step 1, now from start to switched, is not the one/],
    [`--schedule ${id('0000')}`, /step 4 is of worker 1, but only worker 2 can run there/],
    ['--exhaustive --history /dev/full', /\/dev\/full cannot be written: the disk is full/],
  ])('or, where it takes one, says what it found: %s', async (line, pattern) => {
    const { status, stderr } = await onServer(line);
    expect(stderr).toMatch(pattern);
    expect([1, 2]).toContain(status);
    expect(await leftBehind()).toEqual([]);
  });
});

describe('exhaustive', () => {
  test('the table, the columns, the sentence, the replay, and that it ended the same', async () => {
    const { status, stdout } = await onServer('--exhaustive');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^shared +20 +12 +10 +4 +0 +10$/m);
    expect(stdout).toMatch(/^branch +20 +0 +0 +0 +0 +0$/m);
    expect(stdout).toMatch(/^Model shared: all 20 schedules; \d+ a second\.$/m);
    expect(stdout).toMatch(/^ +│ worker 1 → branch1 +│ worker 2 → branch2$/m);
    expect(stdout).toMatch(/because worker \d's step \d\s+re-pointed the model/);
    expect(stdout).toContain('It was run twice, and ended the same both times.');
    expect(stdout).toMatch(/^demonstrated: /m);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(90);
    const [, replay = ''] = /^Again: bankctl stress (.*)$/m.exec(stdout) ?? [];
    const again = await onServer(replay);
    const columns = (text: string) =>
      text.slice(text.indexOf(' │ worker 1'), text.indexOf('Again:'));
    expect(columns(again.stdout)).toBe(columns(stdout));
    expect(columns(stdout)).not.toBe('');
  });

  test('JSON is the data, unrendered, and the same again but for the rates', async () => {
    const steady = (text: string) =>
      text.replace(/"(schedules_per_second|throughput)": [\d.]+/g, '');
    const { stdout } = await onServer('--exhaustive --json');
    const result = JSON.parse(stdout);
    expect(Object.keys(result)).toEqual(['seed', 'workers', 'points', 'models', 'verdict']);
    expect(result).toMatchObject({ seed: null, workers: 2, verdict: 'demonstrated' });
    expect(result.models[0]).toMatchObject({
      model: 'shared',
      operations: 40,
      schedules: 20,
      wrong: 12,
      covered: 'all 20 schedules',
      total: '20',
      shortest_wrong: { model: 'shared', same_again: true, switches: expect.any(Number) },
    });
    expect(steady((await onServer('--exhaustive --json')).stdout)).toBe(steady(stdout));
  });

  test.each([
    ['--exhaustive --model shared', 0, 'demonstrated'],
    ['--exhaustive --model branch', 0, 'clean'],
    ['--exhaustive --points captured --model shared', 5, 'not_reproduced'],
    ['--exhaustive --preemptions 1', 5, 'undecided'],
    ['--random 5 --seed 1 --model branch', 5, 'undecided'],
  ])('%s ends with %i, %s', async (line, status, verdict) => {
    const ran = await onServer(line);
    expect(ran.stdout).toContain(`${verdict}: `);
    expect(ran.status).toBe(status);
  });

  test('interrupted, it says what it covered, and leaves nothing', async () => {
    const controller = new AbortController();
    const ran = await onServer('--workers 3 --points all --model shared --json --preemptions 6', {
      interrupted: controller.signal,
      // At a terminal it shows how many schedules have been run.
      canAsk: true,
      said: (text) => void (/ [1-9]\S* of .* schedules/.test(text) && controller.abort()),
    });
    const { verdict, models, reason } = JSON.parse(ran.stdout);
    expect(ran.status).toBe(130);
    expect(models[0].covered).toMatch(/\d preemptions?, of .*\(stopped\)$/);
    expect([verdict, reason]).toEqual(
      models[0].wrong > 0 ? ['demonstrated', undefined] : ['undecided', expect.any(String)],
    );
    expect(await leftBehind()).toEqual([]);
  });

  test('its history is judged like any other', async () => {
    const path = join(directory, 'exhaustive.ndjson');
    await onServer(`--exhaustive --history ${path}`);
    const judged = JSON.parse((await stress(`check ${path} --json`)).stdout);
    expect(judged).toMatchObject({
      verdict: 'demonstrated',
      // Twenty schedules, and the shortest wrong one once more.
      models: [
        { model: 'shared', operations: 42 },
        { model: 'branch', operations: 40, wrong: 0 },
      ],
    });
  });
});

describe('--report', () => {
  test('an older one stays until there is a new one', async () => {
    const path = join(directory, 'kept.html');
    await writeFile(path, 'an older report');
    await onServer(`--exhaustive --workers 8 --report ${path}`);
    expect(await readFile(path, 'utf8')).toBe('an older report');
    const fresh = join(directory, 'fresh.html');
    await onServer(`--exhaustive --workers 8 --report ${fresh}`);
    await expect(stat(fresh)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('of a load run, an exploration and a history: one page each, with no password', async () => {
    const path = join(directory, 'report.html');
    const page = async (line: string) => {
      await writeFile(path, 'an older report');
      const { stderr } = await stress(`${line} --report ${path}`);
      expect(stderr).toContain(`Wrote the report ${path}.`);
      return readFile(path, 'utf8');
    };
    const uri = inject('uri');
    const history = join(directory, 'load.ndjson');
    const load = await page(`--uri ${uri} --ops 300 --seed 5 --history ${history}`);
    expect(load.includes('bankctl stress --ops 300 --seed 5 --uri')).toBe(true);
    expect(load.includes('data-charts="branch"')).toBe(true);
    const shown = await page(`--uri ${uri} --exhaustive`);
    expect(shown.includes('12 of all 20 schedules end wrong.')).toBe(true);
    const judged = await page(`check ${history}`);
    expect(judged.includes('a stored history, judged again')).toBe(true);
    // Compared as facts: a page that does not fit would be printed whole.
    const facts = [load, shown, judged].map((text) => ({
      pages: text.match(/<!doctype html>/g)?.length,
      policy: text.includes('http-equiv="Content-Security-Policy" content="default-src'),
      asksFor: /(src|href)="(?!#)[^"]*"/.exec(text)?.[0],
    }));
    const self = { pages: 1, policy: true, asksFor: undefined };
    expect(facts).toEqual([self, self, self]);
  });

  test('on a full disk it is said', async () => {
    const { status, stderr } = await onServer('--ops 50 --report /dev/full');
    expect(stderr).toContain('/dev/full cannot be written: the disk is full.');
    expect(status).toBe(1);
  });
});

/** Databases that this test's runs made; others, of other tests, have other names. */
async function leftBehind(): Promise<readonly string[]> {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => /^bankctl_stress_\w+_x_/.test(name));
}
