import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultServer, startFaultServer } from '../fault-server.ts';
import { type Workspace, workspace } from '../workspace.ts';

let server: FaultServer;
let end = async () => {};

beforeAll(async () => {
  server = await startFaultServer((stop) => {
    end = stop;
  });
});
afterAll(() => end());

const unauthorized = 13;
/** The first thing that is read is the identity of the database. */
const afterIdentity = { skip: 1 };

/** A bank with the account ACC of 100.00, and how its commands are run. */
async function bankOf(rows: string) {
  const bank: Workspace = await workspace();
  await server.heal();
  await writeFile(join(bank.directory, 'rows.csv'), rows);
  const run = (argv: readonly string[]) => bank.run(argv, { env: { BANKCTL_URI: server.uri } });
  await run(['open', 'branch1', 'ACC', '--balance', '100']);
  return Object.assign(run, { database: bank.db.databaseName });
}

describe('what an earlier command applied is not denied', () => {
  const line = ['increment', 'branch1', 'ACC', '5', '--id', 'x'];

  test.each([
    ['time is over', { blockConnection: true, blockTimeMS: 6000 }, ['--timeout', '2s']],
    ['the user lost a role', { errorCode: unauthorized }, []],
  ])('by a command with the same id: %s', async (_, fault, more) => {
    const run = await bankOf('');
    expect((await run(line)).status).toBe(0);
    await server.fail(afterIdentity, { failCommands: ['find'], ...fault });
    const again = await run([...line, ...more]);
    await server.heal();
    expect(again.status, again.stderr).toBe(3);
    expect(again.stderr).toContain('The operation x was not applied by this command.');
  });

  test('by a run of the same file, which got further', async () => {
    const rows = Array.from({ length: 10_001 }, (_, nth) => `k${nth},branch1,ACC,1.00\n`).join('');
    const run = await bankOf(`id,branch,account,amount\n${rows}`);
    expect((await run(['apply', 'rows.csv'])).status).toBe(0);
    // The accounts are read once for each batch.
    const failed = { failCommands: ['find'], namespace: `${run.database}.branch1` };
    await server.fail({ skip: 1 }, { ...failed, errorCode: unauthorized });
    const again = await run(['apply', 'rows.csv']);
    await server.heal();
    expect(again.status, again.stderr).toBe(3);
    expect(again.stderr).toContain('rows are certainly done; nothing after them was applied by');
  });
});

describe('what was done before a failure is said', () => {
  test('by apply, when the user loses a role in the middle', async () => {
    const rows = Array.from({ length: 20_000 }, (_, nth) => `k${nth},branch1,ACC,1.00\n`).join('');
    const run = await bankOf(`id,branch,account,amount\n${rows}`);
    // A batch has 10 inserts of 1000 documents.
    await server.fail({ skip: 14 }, { failCommands: ['insert'], errorCode: unauthorized });
    const ran = await run(['apply', 'rows.csv']);
    await server.heal();
    expect(ran.status, ran.stderr).toBe(3);
    expect(ran.stderr).toContain('The first 10000 rows are certainly done');
    expect(ran.stderr).toContain('run it again: bankctl apply rows.csv');
  });

  test('by import, each account once, when the results cannot be written', async () => {
    const run = await bankOf('account,balance\nA,1.00\nB,2.00\n');
    const ran = await run(['import', 'branch1', 'rows.csv', '--results', '/dev/full']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('2 rows are certainly done: 2 accounts were created');
  });
});
