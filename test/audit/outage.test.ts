import { Decimal128, Long } from 'mongodb';
import { expect, test } from 'vitest';
import { startFaultServer } from '../fault-server.ts';
import { run } from '../workspace.ts';

test('a connection that breaks in the middle is status 3, and a new audit is whole', async () => {
  const { uri, fail, heal, client } = await startFaultServer();
  const env = { BANKCTL_URI: uri };
  expect((await run(['open', 'branch1', 'A'], '/', env)).status).toBe(0);
  const at = new Date(0);
  const documents = Array.from({ length: 3000 }, (_, index) => ({
    ...{ account_number: `X${index}`, branch: 'branch1', version: Long.ONE, status: 'open' },
    ...{ balance: Decimal128.fromString('0.00'), opened_at: at },
  }));
  await client.db('bank').collection('branch1').insertMany(documents);
  for (const fault of [{ closeConnection: true }, { errorCode: 239 }]) {
    await fail('alwaysOn', { failCommands: ['getMore'], ...fault });
    const { status, stdout, stderr } = await run(['audit', '--json', '-q'], '/', env);
    expect([status, stdout]).toEqual([3, '']);
    expect(JSON.parse(stderr).error.code).toBe(
      'errorCode' in fault ? 'snapshot_too_old' : 'unreachable',
    );
    await heal();
  }
  const whole = await run(['audit', '--json', '-q'], '/', env);
  const { findings, checked } = JSON.parse(whole.stdout);
  expect([findings.length, checked.accounts]).toEqual([3000, 3001]);
});
