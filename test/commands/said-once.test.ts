import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isFirstTimeIn } from '../../src/system/said-once.ts';
import { run } from '../workspace.ts';

const notice = 'No config file found';

/** A home, with two directories in it. */
async function home() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-home-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [first, second] = [join(directory, 'first'), join(directory, 'second')];
  await mkdir(first);
  await mkdir(second);
  const env = { HOME: directory };
  const said = async (cwd: string, more: object = {}, argv = ['balance']) =>
    (await run(argv, cwd, { ...env, ...more })).stderr.includes(notice);
  const state = join(directory, '.local/state/bankctl');
  return { directory, first, second, env, said, state, file: join(state, 'no-config') };
}

test('that there is no config is said once in each directory', async () => {
  const { first, second, said, file, state } = await home();
  expect([await said(first, {}, ['balance', '-q']), await said(first), await said(first)]).toEqual([
    ...[false, true, false],
  ]);
  expect([await said(second), await said(second), await said(first)]).toEqual([true, false, false]);
  expect((await stat(state)).mode & 0o777).toBe(0o700);
  expect(await readFile(file, 'utf8')).toMatch(/^([\da-f]{16}\n){2}$/);
});

test('it is said again if it cannot be remembered, and no error tells of that', async () => {
  const { first, said, state, directory, file } = await home();
  expect([await said(first, { HOME: '/dev/null' }), await said(first, { HOME: '' })]).toEqual([
    ...[true, true],
  ]);
  // Others could have put anything there.
  await mkdir(state, { recursive: true });
  await chmod(state, 0o777);
  expect([await said(first), await said(first)]).toEqual([true, true]);
  await chmod(state, 0o700);
  const mine = join(directory, 'mine');
  await writeFile(mine, 'keep');
  await symlink(mine, file);
  expect([await said(first), await said(first)]).toEqual([true, true]);
  expect(await readFile(mine, 'utf8')).toBe('keep');
});

test('many processes at once lose nothing, and the file stays small', async () => {
  const { env, file } = await home();
  const places = Array.from({ length: 40 }, (_, at) => `/place/${at}`);
  const first = await Promise.all(places.map((at) => isFirstTimeIn(env, 'no-config', at)));
  expect(first).not.toContain(false);
  const again = await Promise.all(places.map((at) => isFirstTimeIn(env, 'no-config', at)));
  expect(again).not.toContain(true);
  await writeFile(file, `${'x'.repeat(16)}\n`.repeat(1_001));
  expect(await isFirstTimeIn(env, 'no-config', '/new')).toBe(true);
  expect((await readFile(file, 'utf8')).length).toBe(17);
});
