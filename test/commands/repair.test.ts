import { Decimal128 } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';
import {
  correctionsFor,
  journalled,
  legacyAdd,
  planConfig,
  stored,
  type Wanted,
  writePlan,
} from './plan-fixture.ts';

const amount = (text: string) => Decimal128.fromString(text);

/** Money of branch1 in branch2, money that was lost, and money that another program added. */
async function damaged(): Promise<{ readonly bank: Workspace; readonly wanted: Wanted }> {
  const bank = await workspace({ config: planConfig });
  for (const [branch, account] of [
    ['branch1', 'ACC-7'],
    ['branch2', 'ACC-7'],
    ['branch1', 'ACC-9'],
    ['euro', 'ACC-4'],
  ]) {
    await bank.run(['open', branch ?? '', account ?? '', '--balance', '100']);
  }
  await legacyAdd(bank, 'branch2:ACC-7', amount('70.01'));
  const wanted = {
    'branch1:ACC-7': '170.01',
    'branch2:ACC-7': '100.00',
    'branch1:ACC-9': '125.00',
    'euro:ACC-4': '-3.00',
  };
  return { bank, wanted };
}

async function expectMended(bank: Workspace, wanted: Wanted): Promise<void> {
  for (const [name, text] of Object.entries(wanted)) {
    const [branch = '', account = ''] = name.split(':');
    const { balance } = await stored(bank, branch, account);
    expect([name, balance]).toEqual([name, text]);
    const sum = await journalled(bank, branch, account);
    expect([name, sum]).toEqual([name, BigInt(text.replace('.', ''))]);
  }
}

describe('repair', () => {
  test('gives each account what it is to have, and says so', async () => {
    const { bank, wanted } = await damaged();
    await writePlan(bank, await correctionsFor(bank, wanted));
    const ran = await bank.run(['repair', 'plan.yaml', '--yes', '--json']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({
      ...{ repaired: 3, replayed: 0, moved: [], skipped: [] },
      totals: [
        { branch: 'branch1', currency: 'USD', before: '200.00', after: '295.01' },
        { branch: 'branch2', currency: 'USD', before: '170.01', after: '100.00' },
        { branch: 'euro', currency: 'EUR', before: '100.00', after: '-3.00' },
      ],
      dry_run: false,
    });
    await expectMended(bank, wanted);
  });
});
