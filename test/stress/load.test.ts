import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { Decimal128, MongoClient } from 'mongodb';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
} from 'vitest';
import { createContext } from '../../src/core/context.ts';
import { readBalances } from '../../src/stress/drive/increment-events.ts';
import { makePlan } from '../../src/stress/plan/increments.ts';
import { type LoadHost, runLoad } from '../../src/stress/run.ts';
import type { LoadOptions } from '../../src/stress/setup/options.ts';

const context = createContext();
const seed = Number(process.env['BANKCTL_TEST_SEED']);

/** Names the databases of one test, whatever other tests do on the server at the same time. */
let id = context.freshId();
beforeEach(() => {
  id = context.freshId();
});

function host(changed: Partial<LoadHost> = {}): LoadHost {
  const quiet = { progress: () => undefined, counted: () => undefined };
  return { ...context, ...quiet, freshId: () => id, ...changed };
}

function load(options: Partial<LoadOptions>, changed: Partial<LoadHost> = {}) {
  return runLoad({ seed, uri: inject('uri'), ...options }, host(changed));
}

async function client(): Promise<MongoClient> {
  const connected = await MongoClient.connect(inject('uri'));
  onTestFinished(() => connected.close());
  return connected;
}

async function stressDatabases(connected: MongoClient): Promise<readonly string[]> {
  const { databases } = await connected.db('admin').admin().listDatabases({ nameOnly: true });
  const prefix = `bankctl_stress_${id.replaceAll('-', '').slice(0, 12)}`;
  return databases.map(({ name }) => name).filter((name) => name.startsWith(prefix));
}

describe('the default plan', () => {
  test('shows the bug in the shared model, and none in the branch models', async () => {
    const report = await load({ operations: 400 });
    const [shared, branch] = report.models;
    expect(report).toMatchObject({ seed, workers: 8, verdict: 'demonstrated' });
    expect(report.reason).toBeUndefined();
    expect(shared?.wrong).toBeGreaterThan(0);
    expect(shared?.first_wrong?.reason).toMatch(/^Worker \d+'s .* of branch\d .*\.$/);
    expect(shared?.first_wrong?.events.length).toBeGreaterThan(4);
    expect(branch).toMatchObject({ model: 'branch', operations: 400, acknowledged: 400, wrong: 0 });
    for (const { expected, actual } of branch?.branches ?? []) expect(actual).toBe(expected);
    expect(await stressDatabases(await client())).toEqual([]);
  });

  test('one worker cannot show it', async () => {
    const report = await load({ operations: 30, workers: 1, models: ['shared'] });
    expect(report).toMatchObject({ verdict: 'undecided' });
    expect(report.reason).toMatch(/at the same time/);
  });

  test('ends when its time is up', async () => {
    const report = await load({ durationMs: 300, models: ['branch'], branches: 3 });
    expect(report.verdict).toBe('clean');
    expect(report.models[0]?.operations).toBeLessThan(100_000);
  });
});

describe('it does not touch what it did not make', () => {
  test('a URI that names a database is refused', async () => {
    const uri = new URL(inject('uri'));
    uri.pathname = '/bank';
    await expect(load({ uri: uri.href, operations: 10 })).rejects.toMatchObject({
      code: 'not_ours',
    });
  });

  test('a database of the same name is refused, and left alone', async () => {
    const db = (await client()).db(`bankctl_stress_${id.replaceAll('-', '').slice(0, 12)}_shared`);
    onTestFinished(() => db.dropDatabase().then(() => undefined));
    await db.collection('branch1').insertOne({ balance: 'mine' });
    await expect(load({ operations: 10 })).rejects.toMatchObject({ code: 'not_ours' });
    expect(await db.collection('branch1').countDocuments()).toBe(1);
  });

  test('--keep leaves the databases, and says which', async () => {
    const connected = await client();
    const report = await load({ operations: 20, keep: true });
    expect(report.kept).toHaveLength(2);
    expect(await stressDatabases(connected)).toEqual([...(report.kept ?? [])].sort());
    for (const name of report.kept ?? []) await connected.db(name).dropDatabase();
  });

  test('an interruption drops them', async () => {
    const interruption = new AbortController();
    const counted = () => interruption.abort();
    const running = load({ operations: 100_000 }, { interrupted: interruption.signal, counted });
    await expect(running).rejects.toMatchObject({ code: 'interrupted', status: 130 });
    expect(await stressDatabases(await client())).toEqual([]);
  });

  test('a history on a full disk ends the run with the reason', async () => {
    const running = load({ operations: 5000, history: '/dev/full' });
    await expect(running).rejects.toMatchObject({ code: 'not_writable' });
    expect(await stressDatabases(await client())).toEqual([]);
  });

  test.each<[string, Partial<LoadOptions>]>([
    ['no workers', { workers: 0 }],
    ['too many workers', { workers: 1025 }],
    ['more threads than workers', { workers: 2, threads: 3 }],
    ['one branch', { branches: 1 }],
    ['no operations', { operations: 0 }],
    ['a fraction', { operations: 1.5 }],
    ['nothing to keep', { keep: true, uri: undefined }],
  ])('refuses %s', async (_what, options) => {
    await expect(load(options)).rejects.toMatchObject({ code: 'usage', status: 2 });
  });
});

test('a write from outside makes it undecided', async () => {
  const connected = await client();
  let tampered: Promise<unknown> | undefined;
  const counted = () => {
    tampered ??= stressDatabases(connected).then(([name = '']) =>
      connected
        .db(name)
        .collection('branch1')
        .updateOne({}, { $inc: { balance: Decimal128.fromString('0.01') } }),
    );
  };
  const report = await load({ durationMs: 1000, models: ['branch'] }, { counted });
  await expect(tampered).resolves.toMatchObject({ matchedCount: 1 });
  expect(report.verdict).toBe('undecided');
  expect(report.reason).toMatch(/but the writes on record make it/);
});

test('an account that has two documents is noticed when the balances are read back', async () => {
  const connected = await client();
  const plan = makePlan({ seed, operations: 1, branches: 2, accountsPerBranch: 1, workers: 1 });
  const db = connected.db(`bankctl_stress_${id.replaceAll('-', '').slice(0, 12)}_twice`);
  onTestFinished(() => db.dropDatabase().then(() => undefined));
  const document = { account_number: 'ACC-1', balance: Decimal128.fromString('1.00') };
  await db.collection('branch1').insertMany([{ ...document }, { ...document }]);
  const { balances, twice } = await readBalances(connected, db.databaseName, plan);
  expect(twice).toBe('branch1:ACC-1');
  expect(balances).toEqual({ 'branch1:ACC-1': '1.00' });
});

describe('with threads', () => {
  let directory = '';

  beforeAll(async () => {
    const root = join(import.meta.dirname, '../..');
    directory = await mkdtemp(join(root, 'node_modules/.cache-stress-'));
    await build({
      entryPoints: [join(root, 'src/stress/drive/thread.ts')],
      outdir: directory,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
    });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('the workers of each thread share a model; the history is in order', async () => {
    const history = join(directory, 'history.ndjson');
    const report = await load(
      { operations: 600, threads: 2, workers: 8, history },
      { threadProgram: pathToFileURL(join(directory, 'thread.js')) },
    );
    expect(report.verdict).toBe('demonstrated');
    expect(report.models.map(({ operations }) => operations)).toEqual([600, 600]);
    const lines = (await readFile(history, 'utf8')).trimEnd().split('\n');
    const times = lines.map((line): number => JSON.parse(line).time);
    expect(lines).toHaveLength(2 * (600 * 2 + 2));
    expect(times).toEqual([...times].sort((left, right) => left - right));
  });
});
