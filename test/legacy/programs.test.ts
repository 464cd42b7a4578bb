import { beforeAll, expect, inject, test } from 'vitest';
import { temporaryDirectory } from '../database/host.ts';
import { workspace } from '../workspace.ts';
import { damage, makePlan, plant } from './damage.ts';
import { startPython } from './programs.ts';
import { legacyPython } from './python.ts';
import { truthOf } from './truth.ts';

// Installing takes longer than a test may.
beforeAll(async () => {
  await legacyPython();
}, 300_000);

test.each([{ hasPause: false }, { hasPause: true }])(
  'the original code goes wrong, and its truth adds up: $hasPause',
  async ({ hasPause }) => {
    const { db, directory } = await workspace();
    const plan = makePlan({
      seed: 1,
      branches: ['branch1', 'branch2'],
      calls: 400,
      hasStray: true,
    });
    await plant(db, plan);
    const truth = truthOf(await damage(db, plan, { uri: inject('uri'), directory, hasPause }));
    expect(truth.counts.misplaced).toBeGreaterThan(0);
    expect(truth.counts.lost).toBeGreaterThan(0);
    for (const [key, cents] of truth.actual) {
      const [collection = '', account_number] = key.split(':');
      const found = await db.collection(collection).findOne({ account_number });
      expect([key, Math.round(100 * found?.['balance'])]).toEqual([key, cents]);
    }
  },
);

test.each([
  { storage: 'double', float: '13.0' },
  { storage: 'decimal', float: 'TypeError' },
])('what models of other kinds make of an account of bankctl: $storage', async (row) => {
  const { storage, float } = row;
  const config = `branches:\n  main: { collection: main, storage: ${storage} }\n`;
  const bank = await workspace({ config });
  await bank.run(['open', 'main', 'A', '--balance', '10']);
  const args = [inject('uri'), bank.db.databaseName, 'main', 'A'];
  const program = await startPython('caveats.py', args);
  expect(JSON.parse(await program.ended)).toEqual({
    Strict: { matched: 1, read: 'FieldDoesNotExist' },
    Lenient: { matched: 1, read: '12.00' },
    Float: { matched: 1, read: float },
    Inherited: { matched: 0, read: null },
  });
  // Whatever they sent, to the cent.
  const { stdout } = await bank.run(['balance', 'main', 'A', '--json']);
  expect(JSON.parse(stdout).balance).toBe('13.00');
});

test('without Python the run fails and says what to install', async () => {
  const cache = temporaryDirectory();
  await expect(legacyPython({ cache, env: { PATH: '' } })).rejects.toThrow('python3-venv');
  // What was not made whole is not taken for an environment afterwards.
  await expect(legacyPython({ cache, env: { PATH: '' } })).rejects.toThrow('python3-venv');
});
