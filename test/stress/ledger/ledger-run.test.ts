import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { type Db, Decimal128, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { createContext } from '../../../src/core/context.ts';
import { startThrowaway } from '../../../src/database/throwaway-server.ts';
import { checkHistory } from '../../../src/stress/check/check-history.ts';
import { runStress, type StressHost } from '../../../src/stress/run.ts';
import type { StressOptions } from '../../../src/stress/setup/options.ts';

const context = createContext();
const seed = Number(process.env['BANKCTL_TEST_SEED']);
const cent = Decimal128.fromString('0.01');
const quiet = {
  progress: () => undefined,
  counted: () => undefined,
  countedLedger: () => undefined,
};

const root = join(import.meta.dirname, '../../..');
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function run(options: Partial<StressOptions>, changed: Partial<StressHost> = {}) {
  const host = { ...context, ...quiet, ...changed };
  const { models, ...report } = await runStress({ seed, models: ['ledger'], ...options }, host);
  const [model] = models;
  if (model?.model !== 'ledger' || !('faults' in model || 'unknown' in model)) {
    throw new Error('the ledger was not run');
  }
  return { ...report, model };
}

describe('without faults', () => {
  test('a run is clean, and so is its history when it is judged again', async () => {
    const history = join(directory, 'plain.ndjson');
    const report = await run({ uri: inject('uri'), operations: 160, history });
    const { model } = report;
    expect(report, report.reason).toMatchObject({ seed, workers: 8, verdict: 'clean' });
    expect(model).toMatchObject({ model: 'ledger', operations: 160, wrong: 0 });
    expect(model.acknowledged + model.refused + model.unknown).toBe(160);
    expect(model.retried).toBeGreaterThan(0);
    for (const { expected, actual } of model.branches) expect(actual).toBe(expected);
    const again = await checkHistory(history, context.interrupted);
    expect(again.verdict).toBe('clean');
    const { anomalies, left_switched, throughput, latency_ms, ...judged } = model;
    expect(again.models).toEqual([judged]);
  });

  test('its database is gone afterwards, and the history is in order', async () => {
    const history = join(directory, 'order.ndjson');
    const { freshId } = context;
    const id = freshId();
    await run({ uri: inject('uri'), operations: 100, history }, { freshId: () => id });
    const client = await MongoClient.connect(inject('uri'));
    onTestFinished(() => client.close());
    const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
    const ours = `bankctl_stress_${id.replaceAll('-', '').slice(0, 12)}`;
    expect(databases.filter(({ name }) => name.startsWith(ours))).toEqual([]);
    const lines: Record<string, unknown>[] = (await readFile(history, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ f: 'init', model: 'ledger' });
    expect(lines.at(-1)).toMatchObject({ f: 'applied' });
    const processes = new Set<unknown>();
    for (const { process, type } of lines) {
      // A process that got no answer never comes back.
      expect(processes.has(process)).toBe(false);
      if (type === 'info') processes.add(process);
    }
  });

  test('workers spread over threads are clean too', async () => {
    // Next to the packages, which are not bundled.
    const outdir = await mkdtemp(join(root, 'node_modules/.cache-stress-'));
    onTestFinished(() => rm(outdir, { recursive: true, force: true }));
    await build({
      entryPoints: [join(root, 'src/stress/drive/thread.ts')],
      outdir,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
    });
    const threadProgram = pathToFileURL(join(outdir, 'thread.js'));
    const options = { uri: inject('uri'), operations: 100, threads: 2, workers: 4 };
    const report = await run(options, { threadProgram });
    expect(report, report.reason).toMatchObject({
      verdict: 'clean',
      model: { operations: 100 },
    });
  });

  test.each([
    ['on a throwaway server', {}],
    ['on a given one', { uri: inject('uri') }],
  ])('a stop from outside is an interruption, and leaves nothing, %s', async (_what, where) => {
    const stop = new AbortController();
    const countedLedger = () => stop.abort();
    const options = { durationMs: 20_000, ...where };
    const running = run(options, { interrupted: stop.signal, countedLedger });
    await expect(running).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('interference from outside is found', () => {
  test.each<[string, string, (db: Db) => Promise<unknown>]>([
    [
      'drift',
      'a cent is added to a balance',
      (db) => db.collection('branch1').updateOne({}, { $inc: { balance: cent } }),
    ],
    [
      'lost',
      'all transfers so far are taken out of the journal',
      // All of them, since an id that is retried is applied again.
      (db) => db.collection('journal').deleteMany({ type: 'transfer' }),
    ],
  ])('%s: %s', async (anomaly, _what, tamper) => {
    const client = await MongoClient.connect(inject('uri'));
    onTestFinished(() => client.close());
    const id = context.freshId();
    const database = `bankctl_stress_${id.replaceAll('-', '').slice(0, 12)}_ledger`;
    let tampered: Promise<unknown> | undefined;
    const countedLedger = ({ done }: { readonly done: number }) => {
      if (done > 20) tampered ??= tamper(client.db(database));
    };
    const options = { uri: inject('uri'), operations: 800 };
    const report = await run(options, { countedLedger, freshId: () => id });
    expect(await tampered).toBeDefined();
    expect(report.verdict).toBe('violation');
    expect(report.model).toHaveProperty(
      anomaly,
      expect.toSatisfy((count) => count > 0),
    );
  });
});

describe('with faults', () => {
  test('kill -9 of the server loses nothing, and takes effect', async () => {
    const history = join(directory, 'kill.ndjson');
    // On a slow machine too, the time is up only after each kind of operation and a fault.
    let isEnough = false;
    let [clock, last] = [0n, context.monotonicNs()];
    const monotonicNs = () => {
      const now = context.monotonicNs();
      clock += (now - last) / (isEnough ? 1n : 50n);
      last = now;
      return clock;
    };
    const countedLedger: StressHost['countedLedger'] = ({ done, faults }) => {
      isEnough = done > 100 && faults > 0;
    };
    const options = { faults: 'kill', durationMs: 1500, history } as const;
    const report = await run(options, { monotonicNs, countedLedger });
    const { faults, wrong } = report.model;
    expect(wrong, JSON.stringify(report)).toBe(0);
    expect(report.verdict, report.reason).toBe('clean');
    expect(faults?.kind).toBe('kill');
    expect(faults?.planned).toBeGreaterThan(0);
    expect(faults?.bitten).toBe(faults?.planned);
    expect((await checkHistory(history, context.interrupted)).models[0]?.faults).toEqual(faults);
  });
});

describe('what cannot be run is refused', () => {
  const uri = 'mongodb://127.0.0.1:1';
  test.each<[Partial<StressOptions>, RegExp]>([
    [{ faults: 'kill', uri }, /--faults does not go with --uri/],
    [{ replicas: 3, uri }, /--replicas does not go with --uri/],
    [{ replicas: 2 }, /--replicas 2 is not 1 or 3/],
    [{ faults: 'failover', replicas: 1 }, /--faults failover needs --replicas 3/],
    [{ faults: 'kill', replicas: 3 }, /--faults kill needs --replicas 1/],
  ])('%j', async (options, message) => {
    await expect(run(options)).rejects.toMatchObject({ code: 'usage', message });
  });

  test('faults for the models without a journal', async () => {
    const host = { ...context, ...quiet };
    const running = runStress({ seed, models: ['branch', 'ledger'], faults: 'kill' }, host);
    await expect(running).rejects.toMatchObject({ code: 'usage' });
  });

  test('a standalone', async () => {
    const server = await startThrowaway({ ...context, ...quiet }, { replicas: 0 });
    onTestFinished(server.stop);
    await expect(run({ uri: server.uri })).rejects.toMatchObject({ code: 'no_transactions' });
  });
});
