import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { until } from '../database/host.ts';
import { type Workspace, workspace } from '../workspace.ts';
import {
  amountText,
  type Damage,
  damage,
  makePlan,
  openingRows,
  type Plan,
  type PlanOptions,
  plant,
  type Row,
  strayCollection,
  writeRows,
} from './damage.ts';
import { legacyPython } from './python.ts';
import { type RollingServer, startRollingServer } from './rolling-server.ts';
import { aboutMoney, expectTraced, expectTrue, type Finding, outsideOf } from './statements.ts';
import { type Truth, truthOf } from './truth.ts';

// Installing takes longer than a test may.
beforeAll(async () => {
  await legacyPython();
}, 300_000);

/** A bank, and what is said to it: `log.csv` and other files are those of its directory. */
interface Talk {
  readonly bank: Workspace;
  /** Where the bank's database is, if not on the run's server. */
  readonly uri: string;
  readonly db: Db;
  readonly say: (line: string) => Promise<{ readonly status: number; readonly stdout: string }>;
  readonly audit: (line: string) => Promise<readonly Finding[]>;
  readonly write: (file: string, rows: readonly Row[]) => Promise<void>;
}

/** A damaged bank, what its application logged, and the truth. */
interface Damaged extends Talk {
  readonly done: Damage;
  readonly truth: Truth;
}

interface Options extends PlanOptions {
  readonly hasPause?: boolean;
}

const two = { branches: ['branch1', 'branch2'] };

function configOf(branches: readonly string[], storage = 'decimal'): string {
  const lines = branches.map((name) => `  ${name}: { collection: ${name}, storage: ${storage} }\n`);
  return `branches:\n${lines.join('')}`;
}

/** A bank to talk to, on the run's server or another. */
async function talk(config: string, server?: Pick<RollingServer, 'uri' | 'client'>): Promise<Talk> {
  const bank = await workspace({ config });
  const uri = server?.uri ?? inject('uri');
  const db = server?.client.db(bank.db.databaseName) ?? bank.db;
  const say = async (line: string) => {
    const argv = line.replaceAll(/\w+\.(?:csv|yaml)/g, (name) => join(bank.directory, name));
    const env = { BANKCTL_URI: uri };
    const { status, stdout, stderr } = await bank.run(argv.trim().split(' '), { env });
    // Whatever is wrong with the data, the command itself goes well.
    if (![0, 4].includes(status)) throw new Error(`${line}: status ${status}\n${stderr}${stdout}`);
    return { status, stdout };
  };
  const audit = async (line: string): Promise<readonly Finding[]> => {
    const { status, stdout } = await say(`audit --json ${line}`);
    const { findings } = JSON.parse(stdout);
    expect(status).toBe(findings.length > 0 ? 4 : 0);
    return findings;
  };
  const write = (file: string, rows: readonly Row[]) => writeRows(join(bank.directory, file), rows);
  return { bank, uri, db, say, audit, write };
}

/** Lets the original code loose on the planted accounts, and keeps its log and the openings. */
async function loose(talk: Talk, plan: Plan, hasPause = false): Promise<Damaged> {
  const { bank, db, uri } = talk;
  const done = await damage(db, plan, { uri, directory: bank.directory, hasPause });
  await talk.write('opening.csv', openingRows(plan));
  await talk.write('log.csv', done.log);
  return { ...talk, done, truth: truthOf(done) };
}

/** A damaged bank that bankctl has not seen yet. */
async function damagedBank({ hasPause, ...options }: Options): Promise<Damaged> {
  const plan = makePlan(options);
  const fresh = await talk(configOf(options.branches));
  await plant(fresh.db, plan);
  return loose(fresh, plan, hasPause);
}

/** Makes a branch of the stray collection, as audit says. */
async function takeOverStray({ bank }: Talk, branches: readonly string[]): Promise<void> {
  const path = join(bank.directory, 'bankctl.config.yaml');
  const [database = ''] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, `${database}\n${configOf([...branches, strayCollection])}`);
}

async function expectIntended({ say, truth }: Damaged, isExcused = (_account: string) => false) {
  const held = new Map<string, string>();
  for (const branch of new Set([...truth.intended.keys()].map((key) => key.split(':')[0]))) {
    const { stdout } = await say(`balance ${branch} --json`);
    for (const { account, balance } of JSON.parse(stdout)) {
      held.set(`${branch}:${account}`, balance);
    }
  }
  const intended = [...truth.intended].filter(([key]) => !isExcused(key.split(':')[1] ?? ''));
  const wrong = intended.filter(([key, cents]) => held.get(key) !== amountText(cents));
  expect(wrong.map(([key, cents]) => [key, held.get(key), amountText(cents)])).toEqual([]);
}

/** The rows of calls that ended without an exception. */
function settled(log: readonly Row[]): readonly Row[] {
  return log.filter(({ outcome }) => outcome === 'acknowledged');
}

/** The log as it would be if the application's clock had been ahead. */
function shifted(log: readonly Row[], hours: number): readonly Row[] {
  const shift = (time = '') => new Date(Date.parse(time) + hours * 3_600_000).toISOString();
  return log.map((row) => ({
    ...row,
    time: shift(row['time']),
    end_time: shift(row['end_time']),
  }));
}

/** Another truth: two calls that went right, of numbers without a crash, went wrong instead. */
function doctored({ plan, fates, ...rest }: Damage): Damage {
  const meant = new Map(plan.calls.map((call) => [call.id, call]));
  const { numbers } = truthOf({ plan, fates, ...rest });
  const right = fates.filter(({ id, collection, matched }) => {
    const { branch, account = '' } = meant.get(id) ?? {};
    return matched && collection === branch && numbers.get(account)?.crashed === 0;
  });
  const changed = new Set(right.slice(0, 2).map(({ id }) => id));
  return {
    ...{ ...rest, plan },
    fates: fates.map((fate) => (changed.has(fate.id) ? { ...fate, matched: 0 } : fate)),
  };
}

describe('from damage to the balances that were meant', { timeout: 180_000 }, () => {
  test.each<Options & { readonly name: string }>([
    { name: 'two branches, varied amounts', ...two, seed: 11, calls: 500 },
    {
      name: 'three branches, equal amounts, a pause and a stray collection',
      ...{ seed: 12, branches: ['branch1', 'branch2', 'branch3'], calls: 600 },
      ...{ isEqual: true, hasPause: true, hasStray: true },
    },
  ])('$name', async ({ name: _, ...options }) => {
    const bad = await damagedBank(options);
    const { bank, say, audit, write, truth, done } = bad;
    expect(truth.counts.misplaced).toBeGreaterThan(0);
    expect(truth.counts.lost).toBeGreaterThan(0);
    expect(aboutMoney(await audit(''))).toEqual([]);
    expectTrue(await audit('--intended log.csv --opening opening.csv'), truth);
    // The application's errors show that the calls which crashed never reached the database.
    await write('settled.csv', settled(done.log));
    const fromSettled = '--intended settled.csv --opening opening.csv';
    const whole = truthOf({ ...done, fates: done.fates.filter(({ crash }) => crash === null) });
    // Each account number may have one, and then nothing is certain with them.
    expect(expectTrue(await audit(fromSettled), whole)).toBe(true);

    if (options.hasStray) await takeOverStray(bad, options.branches);
    await say('adopt --yes');
    // Adoption took the balances as they were: without the log nothing is known of them.
    expect(await audit('')).toEqual([]);
    const adopted = await audit('--intended log.csv --opening opening.csv --plan plan.yaml');
    expectTrue(adopted, truth);
    expect(expectTrue(await audit(fromSettled), whole)).toBe(true);
    // There is none if each number has one.
    if (existsSync(join(bank.directory, 'plan.yaml'))) await say('repair plan.yaml --yes');
    await expectIntended(bad, (account) => (truth.numbers.get(account)?.crashed ?? 0) > 0);

    const rest = await audit(`${fromSettled} --plan rest.yaml`);
    if (rest.length > 0) await say('repair rest.yaml --yes');
    await expectIntended(bad);
    expect(await audit(fromSettled)).toEqual([]);
    expect(await audit('')).toEqual([]);
  });

  test('accounts that bankctl had adopted, and the old program went on with', async () => {
    const plan = makePlan({ ...two, seed: 13, calls: 400 });
    const adopted = await talk(configOf(two.branches, 'double'));
    await plant(adopted.db, plan);
    await adopted.say('adopt --yes');
    const bad = await loose(adopted, plan);
    const { audit, say, write, truth, done } = bad;

    // Without the log: each balance that nobody explains, to the cent, and no more.
    const without = await audit('');
    expect(aboutMoney(without)).toEqual([]);
    expect(without.filter(({ code }) => code !== 'outside_write')).toEqual([]);
    const moved = [...truth.actual]
      .map(([key, cents]) => [key, cents - (plan.opening.get(key) ?? 0)] as const)
      .filter(([, cents]) => cents !== 0);
    expect(outsideOf(without)).toEqual(new Map(moved));

    // With it, and without a statement of the openings: adoption is where the log begins.
    await write('settled.csv', settled(done.log));
    const line = '--intended settled.csv --clock-skew 1ms';
    expect(expectTrue(await audit(`${line} --plan plan.yaml`), truth)).toBe(true);
    await say('repair plan.yaml --yes');
    await say('adopt --outside-writes --yes');
    await expectIntended(bad);
    expect(await audit('')).toEqual([]);
  });
});

describe('what the log and the history of the server tell', { timeout: 180_000 }, () => {
  test('a wrong clock, missing rows, and a row that was changed', async () => {
    const bad = await damagedBank({ ...two, seed: 14, calls: 400 });
    const { audit, write, truth, done } = bad;
    const right = await audit('--intended log.csv --opening opening.csv');
    expect(expectTrue(right, truth)).toBe(true);
    const traced = await audit('--intended log.csv --opening opening.csv --trace');
    // The canary of these tests themselves: a doctored truth must not pass.
    expect(() => expectTrue(right, truthOf(doctored(done)))).toThrow();
    expect(() => expectTraced(traced, doctored(done))).toThrow();
    // Varied amounts: each single write is known for certain.
    expect(expectTraced(traced, done)).toBeGreaterThan(0);

    for (const hours of [3, -3]) {
      await write('clock.csv', shifted(done.log, hours));
      const line = '--intended clock.csv --opening opening.csv';
      expect(await audit(line)).toEqual(right);
      // Nothing fits, so nothing is certain, whatever it looks like.
      const lost = await audit(`${line} --trace`);
      expectTraced(lost, done, () => true);
      const isCertain = (one: Finding) => one.operation !== undefined && one.certain === true;
      expect(lost.filter(isCertain).filter(({ fates }) => !fates?.includes('lost'))).toEqual([]);
    }

    const missing = done.log.filter((_, n) => n % 50 === 7);
    const accountOf = new Map(done.plan.calls.map(({ id, account }) => [id, account]));
    const isIncomplete = (account: string) => missing.some((row) => row['account'] === account);
    const log = done.log.filter((row) => !missing.includes(row));
    await write('gaps.csv', log);
    const gaps = await audit('--intended gaps.csv --opening opening.csv');
    expect(expectTrue(gaps, truth, isIncomplete)).toBe(true);
    const gapsTraced = await audit('--intended gaps.csv --opening opening.csv --trace');
    expectTraced(gapsTraced, { ...done, log }, (id) => isIncomplete(accountOf.get(id) ?? ''));

    // The canary: whoever reads another log must say something else, of that account number alone.
    // A call of unknown outcome may explain the change away, so the number has none.
    const unknown = done.log.filter(({ outcome }) => outcome !== 'acknowledged');
    const changed = done.log.findIndex(
      ({ account }) => !unknown.some((row) => row['account'] === account),
    );
    const account = done.log[changed]?.['account'];
    await write('changed.csv', done.log.with(changed, { ...done.log[changed], amount: '123.45' }));
    const other = await audit('--intended changed.csv --opening opening.csv');
    const of = (findings: readonly Finding[], isIt: boolean) =>
      findings.filter((one) => (one.account === account) === isIt);
    expect(of(other, true)).not.toEqual(of(right, true));
    expect(of(other, false)).toEqual(of(right, false));
  });

  test('a history that has rolled over', async () => {
    const server = await startRollingServer();
    const plan = makePlan({ ...two, seed: 15, calls: 400 });
    const fresh = await talk(configOf(two.branches), server);
    await plant(fresh.db, plan);
    const before = await loose(fresh, { ...plan, calls: plan.calls.slice(0, 200) });
    await server.roll();
    // What the clocks may differ by later counts as before the history begins.
    const clock = async () => (await fresh.db.command({ hello: 1 }))['localTime'].getTime();
    const rolledMs = await clock();
    await until(async () => (await clock()) > rolledMs + 3_000);
    const after = await loose(fresh, { ...plan, calls: plan.calls.slice(200) });
    const done: Damage = {
      plan,
      log: [...before.done.log, ...after.done.log],
      fates: [...before.done.fates, ...after.done.fates],
    };
    // Most applications throw away what the driver returns; else it alone tells of lost writes.
    await fresh.write(
      'log.csv',
      done.log.map(({ modified: _, ...row }) => row),
    );
    const line = '--intended log.csv --opening opening.csv';
    const findings = await fresh.audit(line);
    expect(expectTrue(findings, truthOf(done))).toBe(true);
    const { stdout } = await fresh.say(`audit --json ${line} --trace`);
    const traced = JSON.parse(stdout);
    expect(JSON.stringify(traced.unread)).toContain('it begins at');
    const forgotten = new Set(before.done.log.map(({ id }) => id ?? ''));
    // The first write of each document has no amount, so silence is not a claim here.
    expect(expectTraced(traced.findings, done, () => true)).toBeGreaterThan(0);
    const known = (one: Finding) => one.certain && forgotten.has(one.operation ?? '');
    expect(traced.findings.filter(known)).toEqual([]);
  });
});
