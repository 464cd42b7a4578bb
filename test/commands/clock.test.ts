import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

const hourMs = 3_600_000;

test('where the clock was set back an hour, history and --at stay right', async () => {
  const bank = await workspace();
  const json = async (argv: readonly string[]) => {
    const { status, stdout, stderr } = await bank.run([...argv, '--json']);
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  await json(['open', 'branch1', 'ACC', '--balance', '10']);
  await json(['open', 'branch1', 'OTHER', '--balance', '1']);
  // As if all of this had been posted by a clock that was an hour ahead.
  const later = { $dateAdd: { startDate: '$at', unit: 'hour', amount: 1 } };
  await bank.db.collection('journal').updateMany({}, [{ $set: { at: later } }]);
  const ahead = { $dateAdd: { startDate: '$posted_at', unit: 'hour', amount: 1 } };
  await bank.db.collection('branch1').updateMany({}, [{ $set: { posted_at: ahead } }]);

  await json(['increment', 'branch1', 'ACC', '5']);
  await json(['transfer', 'branch1:ACC', 'branch1:OTHER', '2']);
  const history: { at: string; balance: string }[] = await json(['history', 'branch1', 'ACC']);
  expect(history.map(({ balance }) => balance)).toEqual(['10.00', '15.00', '13.00']);
  const times = history.map(({ at }) => Date.parse(at));
  expect(times).toEqual([...times].sort((left, right) => left - right));
  const newest = new Date(times.at(-1) ?? 0);
  expect(newest.getTime()).toBeGreaterThan(Date.now() + hourMs / 2);

  // The newest posting is ahead of the clock, and past all the same.
  const at = await json(['balance', 'branch1', 'ACC', '--at', newest.toISOString()]);
  expect(at).toMatchObject({ balance: '13.00' });
  const whole = await json(['balance', '--at', newest.toISOString()]);
  expect(whole.totals).toMatchObject({ USD: '16.00' });
  const tooEarly = ['balance', 'branch1', 'ACC', '--at', new Date().toISOString()];
  expect(await bank.run(tooEarly)).toMatchObject({ status: 1 });
  const tooLate = new Date(newest.getTime() + hourMs).toISOString();
  expect((await bank.run(['balance', '--at', tooLate])).stderr).toMatch(/in the future/);
});
