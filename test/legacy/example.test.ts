import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { expect, inject, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../database/host.ts';
import { run } from '../workspace.ts';
import { aboutMoney, expectTrue, type Finding } from './statements.ts';
import type { Truth } from './truth.ts';

/** The truth, and what each account must hold, by `branch:account`. */
interface FrozenTruth extends Pick<Truth, 'numbers'> {
  readonly intended: ReadonlyMap<string, string>;
}

const example = join(import.meta.dirname, '../../examples/legacy');
const tutorial = join(import.meta.dirname, '../../docs/legacy.md');
const script = (name: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [join(example, name), ...args, inject('uri')]);

/** What the database was made of: see test/legacy/truth.ts. */
async function frozenTruth(): Promise<FrozenTruth> {
  const path = join(import.meta.dirname, 'frozen-truth.json');
  const { intended, numbers } = JSON.parse(await readFile(path, 'utf8'));
  const entries: readonly (readonly [
    string,
    { misplaced: Record<string, number>; lost: Record<string, number>; crashed: number },
  ])[] = Object.entries(numbers);
  return {
    intended: new Map(Object.entries(intended)),
    numbers: new Map(
      entries.map(([account, { misplaced, lost, crashed }]) => [
        account,
        {
          misplaced: new Map(Object.entries(misplaced)),
          lost: new Map(Object.entries(lost)),
          crashed,
        },
      ]),
    ),
  };
}

test('the tutorial ends with the balances that were meant', { timeout: 180_000 }, async () => {
  const directory = temporaryDirectory();
  const client = await MongoClient.connect(inject('uri'));
  onTestFinished(async () => {
    await client.db('legacy_bank').dropDatabase();
    await client.close();
  });
  const config = await readFile(join(example, 'bankctl.config.yaml'), 'utf8');
  await writeFile(join(directory, 'bankctl.config.yaml'), config);
  const env = { BANKCTL_URI: inject('uri'), HOME: directory, PATH: process.env['PATH'] ?? '' };
  const say = async (line: string, status = 0) => {
    const argv = line.replaceAll(/[\w-]+\.csv/g, (name) => join(example, name)).split(' ');
    const ran = await run([...argv, '--json'], directory, env);
    expect([line, ran.status, ran.status === status ? '' : ran.stderr]).toEqual([line, status, '']);
    return JSON.parse(ran.stdout);
  };
  const findings = async (line: string): Promise<readonly Finding[]> =>
    (await say(`audit ${line}`.trim(), 4)).findings;
  const told = new Set((await readFile(tutorial, 'utf8')).split('\n'));
  // What people read is what docs/legacy.md shows, line by line.
  const expectTold = async (line: string, status = 0) => {
    const argv = line.replaceAll(/(?:app-log|opening)\.csv/g, (name) => join(example, name));
    const ran = await run(argv.split(' '), directory, env);
    expect([line, ran.status]).toEqual([line, status]);
    expect(ran.stdout.split('\n').filter((text) => !told.has(text))).toEqual([]);
  };
  const truth = await frozenTruth();

  await script('load.js');
  await expect(script('load.js')).rejects.toThrow('is there already');
  expect(aboutMoney(await findings(''))).toEqual([]);
  await expectTold('audit', 4);
  await writeFile(
    join(directory, 'bankctl.config.yaml'),
    `${config}  bank_account: { collection: bank_account }\n`,
  );
  await expectTold('adopt --yes', 1);
  await script('decide.js');
  await expectTold('adopt --yes');
  const line = '--intended app-log.csv --opening opening.csv';
  expect(expectTrue(await findings(`${line} --plan plan.yaml`), truth)).toBe(true);
  await say('repair plan.yaml --yes');
  expect((await say('audit')).findings).toEqual([]);

  const log = await readFile(join(example, 'app-log.csv'), 'utf8');
  const settled = log.split('\n').filter((row) => !row.includes(',unknown,'));
  await writeFile(join(directory, 'settled.csv'), settled.join('\n'));
  const rest = '--intended settled.csv --opening opening.csv';
  await expectTold(`audit ${rest} --plan rest.yaml`, 4);
  await expectTold('repair rest.yaml --yes');
  await expectTold(`audit ${rest}`);

  for (const branch of ['bank_account', 'branch1', 'branch2']) {
    const held: readonly { readonly account: string; readonly balance: string }[] = await say(
      `balance ${branch}`,
    );
    const wrong = held
      .map(({ account, balance }) => [account, balance, truth.intended.get(`${branch}:${account}`)])
      .filter(([, balance, intended]) => intended !== undefined && balance !== intended);
    expect([branch, wrong]).toEqual([branch, []]);
    expect(held.length).toBeGreaterThan(10);
  }
});
