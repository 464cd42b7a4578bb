import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { Decimal128 } from 'mongodb';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';
import { legacyAdd, planConfig, stored } from './plan-fixture.ts';

function cents(minor: number): string {
  return (minor / 100).toFixed(2);
}

/** One call of the application, and where its write landed: undefined if nowhere. */
interface Call {
  readonly branch: string;
  readonly account: string;
  readonly minor: number;
  readonly landed: string | undefined;
}

const place = fc.constantFrom('branch1', 'branch2');
const call: fc.Arbitrary<Call> = fc
  .record({
    branch: place,
    account: fc.constantFrom('A', 'B', 'C'),
    minor: fc.integer({ min: 1, max: 50_000 }),
    fate: fc.constantFrom('right', 'right', 'wrong', 'lost'),
  })
  .map(({ branch, account, minor, fate }) => {
    const other = branch === 'branch1' ? 'branch2' : 'branch1';
    const landed = { right: branch, wrong: other, lost: undefined }[fate];
    return { branch, account, minor, landed };
  });

test('log, plan, repair: every balance is what was meant', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
      const bank = await workspace({ config: planConfig });
      const meant = new Map<string, number>();
      for (const branch of ['branch1', 'branch2']) {
        for (const account of ['A', 'B', 'C']) {
          await bank.run(['open', branch, account, '--balance', '100']);
          meant.set(`${branch}:${account}`, 10_000);
        }
      }
      // So that the log is later than the openings, and earlier than the repair.
      const at = new Date(Date.UTC(2020, 0, 2));
      await bank.db.collection('journal').updateMany({}, { $set: { at } });
      for (const { branch, account, minor, landed } of calls) {
        const name = `${branch}:${account}`;
        meant.set(name, (meant.get(name) ?? 0) + minor);
        if (landed === undefined) continue;
        await legacyAdd(bank, `${landed}:${account}`, Decimal128.fromString(cents(minor)));
      }
      const rows = calls.map(
        ({ branch, account, minor }) =>
          `${branch},${account},${cents(minor)},2021-01-02T00:00:00Z\n`,
      );
      const log = `branch,account,amount,time\n${rows.join('')}`;
      await writeFile(join(bank.directory, 'log.csv'), log);
      const audit = ['audit', '--intended', 'log.csv', '--json'];
      const planned = await bank.run([...audit, '--plan', 'plan.yaml']);
      const isDamaged = planned.stderr.includes('Wrote a plan');
      if (isDamaged) {
        const ran = await bank.run(['repair', 'plan.yaml', '--yes', '--json']);
        expect(ran).toMatchObject({ status: 0, stderr: '' });
        await rm(join(bank.directory, 'plan.yaml'));
      }
      for (const [name, minor] of meant) {
        const [branch = '', account = ''] = name.split(':');
        const { balance } = await stored(bank, branch, account);
        expect([name, balance]).toEqual([name, cents(minor)]);
      }
      const again = await bank.run([...audit, '--plan', 'plan.yaml']);
      const about = JSON.parse(again.stdout).findings.filter(
        ({ certain }: { certain?: boolean }) => certain !== undefined,
      );
      expect(about).toEqual([]);
      if (isDamaged) expect(again.stderr).toContain('plan.yaml was not written');
      await bank.db.dropDatabase();
    }),
    { numRuns: 8 },
  );
}, 240_000);
