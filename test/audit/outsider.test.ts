import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

test.each([['--intended log.csv --opening opening.csv'], ['--expected expected.csv']])(
  'what somebody else took away is no certain loss of a call: %s',
  async (files) => {
    const bank = await workspace({ config: 'branches: { branch1: { collection: branch1 } }\n' });
    await bank.db.collection('branch1').insertOne({ account_number: 'A', balance: 150.5 });
    expect((await bank.run(['adopt', '--yes'])).status).toBe(0);
    const taken = { $inc: { balance: Decimal128.fromString('-50') } };
    await bank.db.collection('branch1').updateOne({ account_number: 'A' }, taken);
    for (const [name, text] of [
      ['opening.csv', 'branch,account,balance\nbranch1,A,100.50\n'],
      ['log.csv', 'branch,account,amount\nbranch1,A,50\n'],
      ['expected.csv', 'branch,account,balance\nbranch1,A,150.50\n'],
    ] as const) {
      await writeFile(join(bank.directory, name), text);
    }
    const argv = ['audit', ...files.split(' '), '--plan', 'plan.yaml', '--json'];
    const { stdout, status } = await bank.run(argv);
    expect(status).toBe(4);
    const { findings } = JSON.parse(stdout);
    expect(findings.filter(({ certain }: { certain?: boolean }) => certain)).toEqual([]);
    expect(stdout).toContain('another program took away');
  },
);
