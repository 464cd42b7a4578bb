import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type LockHost, withLock } from '../../src/system/lock.ts';
import { temporaryDirectory, testHost, until } from './host.ts';
import { type Running, workerProgram } from './run-worker.ts';

const run = workerProgram();
const lockPath = () => join(temporaryDirectory(), 'lock');

/** Many at once go through the lock; each must be alone in it. */
async function contend(path: string, count: number): Promise<number> {
  let inside = 0;
  let most = 0;
  const through = Array.from({ length: count }, () =>
    withLock(path, testHost(), async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    }),
  );
  await Promise.all(through);
  return most;
}

test('lets one in at a time and leaves nothing behind', async () => {
  const path = lockPath();
  expect(await contend(path, 12)).toBe(1);
  expect(readdirSync(dirname(path))).toEqual([]);
});

test('is released when the work fails', async () => {
  const path = lockPath();
  const fails = withLock(path, testHost(), () => Promise.reject(new Error('no')));
  await expect(fails).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});

test.each([
  [
    'a holder that was killed',
    async (path: string) => {
      const holder = run(process.env, 'hold', path);
      await until(() => holder.printed.includes('held'));
      holder.child.kill('SIGKILL');
      await holder.ended;
    },
  ],
  [
    'a holder whose pid is now used by another process',
    async (path: string) => {
      await withLock(path, testHost(), async () => {
        const own: object = JSON.parse(readFileSync(path, 'utf8'));
        writeFileSync(`${path}.copy`, JSON.stringify({ ...own, started: '1', token: 'old' }));
      });
      writeFileSync(path, readFileSync(`${path}.copy`));
    },
  ],
  [
    'a holder from before the last boot',
    async (path: string) => {
      writeFileSync(
        path,
        JSON.stringify({ pid: process.pid, started: '1', space: 'old/1', token: 'a' }),
      );
    },
  ],
  ['a file that a power failure emptied', async (path: string) => writeFileSync(path, '')],
  ['a file that is something else', async (path: string) => writeFileSync(path, '[]')],
])('is taken over from %s, by one at a time', async (_, abandon) => {
  const path = lockPath();
  await abandon(path);
  expect(existsSync(path)).toBe(true);
  expect(await contend(path, 8)).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('a text of somebody else by that name is left as it is', async () => {
  const path = lockPath();
  writeFileSync(path, 'my notes\n');
  await expect(withLock(path, testHost(), async () => 1)).rejects.toMatchObject({
    code: 'not_writable',
    message: `${path} holds something else, so it cannot be a lock of bankctl's.`,
  });
  expect(readFileSync(path, 'utf8')).toBe('my notes\n');
});

test('is taken over when those who were taking it over have died too', async () => {
  const path = lockPath();
  const dead = (token: string) => JSON.stringify({ pid: 0, started: '1', space: 'old/1', token });
  writeFileSync(path, dead('first'));
  writeFileSync(`${path}.first`, dead('second'));
  writeFileSync(`${path}.first.second`, dead('third'));
  expect(await contend(path, 8)).toBe(1);
});

test('processes that fight over a dead lock get it one after another', async () => {
  const path = lockPath();
  writeFileSync(path, '');
  const workers = Array.from({ length: 4 }, () => run(process.env, 'hold', path));
  const runs = ({ child }: Running) => child.exitCode === null && child.signalCode === null;
  const holding = () => workers.filter((worker) => runs(worker) && worker.printed.includes('held'));
  for (let left = workers.length; left > 0; left -= 1) {
    await until(() => holding().length > 0);
    const [holder, ...others] = holding();
    expect(others).toEqual([]);
    // Every second one dies in it.
    holder?.child.kill(left % 2 === 0 ? 'SIGINT' : 'SIGKILL');
    await holder?.ended;
    await until(() => holder === undefined || !runs(holder));
  }
});

test('who is patient waits for one at work, and not for one that is suspended', async () => {
  const path = lockPath();
  const holder = run(process.env, 'hold', path);
  await until(() => holder.printed.includes('held'));
  const hasty = { ...testHost(), timeoutMs: 1500 };
  const enter = (host: LockHost) => withLock(path, host, async () => 'inside').catch((e) => e.code);
  expect(await enter(hasty)).toBe('timed_out');
  const patient = enter({ ...hasty, patient: true });
  const longer = new Promise((resolve) => setTimeout(resolve, 4000, 'still waiting'));
  expect(await Promise.race([patient, longer])).toBe('still waiting');
  process.kill(holder.child.pid ?? 0, 'SIGSTOP');
  expect(await patient).toBe('timed_out');
  process.kill(holder.child.pid ?? 0, 'SIGCONT');
  holder.child.kill('SIGINT');
  expect(await enter({ ...hasty, patient: true })).toBe('inside');
});
