import { type ClientSession, MongoClient } from 'mongodb';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../database/host.ts';
import { type FaultServer, startFaultServer } from '../fault-server.ts';
import { run } from '../workspace.ts';

/*
 * The free and Flex clusters of Atlas refuse some commands; here fail points refuse them.
 * Source: MongoDB Atlas, "Unsupported Commands in M0 and Flex Clusters".
 */

/** AtlasError: the code of each of these refusals. */
const refusal = { errorCode: 8000 };

let server: FaultServer;
let atlas: (argv: string) => ReturnType<typeof run>;

beforeAll(async () => {
  const ends: (() => Promise<void>)[] = [];
  server = await startFaultServer((end) => ends.push(end));
  return () => Promise.all(ends.map((end) => end()));
});

beforeEach(async () => {
  await server.client.db('bank').dropDatabase();
  const directory = temporaryDirectory();
  const env = { BANKCTL_URI: server.uri, HOME: directory };
  atlas = (argv) => run(argv.split(' '), directory, env);
  await atlas('open branch1 ACC --balance 10');
});

afterEach(() => server.heal());

describe('a server that refuses to end sessions and to tell its parameters', () => {
  const refused = { failCommands: ['killSessions', 'getParameter'], ...refusal };

  test('moves money as any other, and doctor leaves out what it is not told', async () => {
    await server.fail('alwaysOn', refused);
    const day = [
      ...['open branch2 B', 'increment branch1 ACC 5', 'transfer branch1:ACC branch2:B 3'],
      ...['history branch1 ACC', 'operations', 'freeze branch2 B', 'audit'],
    ];
    for (const line of day) expect(await atlas(line)).toMatchObject({ status: 0 });
    const balance = await atlas('balance branch1 ACC --json');
    expect(JSON.parse(balance.stdout)).toMatchObject({ balance: '12.00' });
    const checks = JSON.parse((await atlas('doctor --json')).stdout).checks;
    const ofServer = checks.find(({ check }: { check: string }) => check === 'server');
    expect(ofServer).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^MongoDB 6/) });
  });

  test('keeps what a killed client holds until it is let go; nothing is written', async () => {
    await holdAsKilled('branch1');
    await server.fail('alwaysOn', refused);
    const held = await atlas('increment branch1 ACC 5 --id held --timeout 2s');
    expect(held.status).toBe(3);
    expect(held.stderr).toMatch(/was not applied/);
    await server.heal();
    expect(await atlas('increment branch1 ACC 5 --id held')).toMatchObject({ status: 0 });
    const { stdout } = await atlas('balance branch1 ACC --json');
    expect(JSON.parse(stdout)).toMatchObject({ balance: '15.00', version: 2 });
  });
});

test.each(['balance --watch', 'audit --follow'])('%s ends where there are none', async (line) => {
  await server.fail('alwaysOn', { failCommands: ['aggregate'], ...refusal });
  const { status, stdout, stderr } = await atlas(`${line} --timeout 3s`);
  expect([status, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(/^bankctl: The database user may not do this: .*\n.+\n$/m);
});

/** A transaction on a collection of bankctl's own whose client is gone without a word. */
async function holdAsKilled(collection: string) {
  const client = await MongoClient.connect(server.uri, { appName: 'bankctl' });
  const session: ClientSession = client.startSession();
  session.startTransaction();
  await client
    .db('bank')
    .collection(collection)
    .updateMany({}, { $set: { held: 1 } }, { session });
  const farewells = { failCommands: ['abortTransaction', 'endSessions'], ...refusal };
  await server.fail('alwaysOn', farewells);
  await client.close();
  onTestFinished(() => server.heal());
}
