import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stopLocal } from '../../src/database/local/local-database.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { testHost } from '../database/host.ts';
import { run } from '../workspace.ts';

/** A home with nothing in it; a server that comes to run there is stopped after the test. */
async function freshHome() {
  const home = mkdtempSync('/tmp/bankctl-test-');
  const env = {
    HOME: home,
    PATH: process.env['PATH'] ?? '',
    BANKCTL_MONGOD: await findMongod(testHost()),
  };
  onTestFinished(async () => {
    await stopLocal(testHost(env));
    rmSync(home, { recursive: true });
  });
  const dataDir = join(home, '.local', 'share', 'bankctl');
  writeFileSync(
    join(home, 'rows.ndjson'),
    '{"type":"open","id":"1","branch":"branch1","account":"A"}\n',
  );
  writeFileSync(join(home, 'accounts.csv'), 'account,balance\nA,1.00\n');
  return { home, env, dataDir, bankctl: (...argv: string[]) => run(argv, home, env) };
}

describe('with another HOME, as in a cron job', () => {
  const readers = [
    ['balance'],
    ['balance', 'branch1', 'ACC', '--json'],
    ['branches'],
    ['history', 'branch1', 'ACC'],
    ['show', 'x'],
    ['export'],
    ['increment', 'branch1', 'ACC', '5'],
    ['transfer', 'branch1:A', 'branch1:B', '5'],
    ['reverse', 'x'],
    ['freeze', 'branch1', 'ACC'],
    ['close', 'branch1', 'ACC'],
    ['open', 'branch1', 'ACC', '--dry-run'],
    ['increment', 'branch1', 'ACC', '5', '--create', '--dry-run'],
    ['import', 'branch1', 'accounts.csv', '--dry-run'],
    ['apply', 'rows.ndjson', '--dry-run'],
  ];
  test.each(readers.map((argv) => [argv.join(' '), argv] as const))(
    '%s makes no bank',
    async (_, argv) => {
      const { home, dataDir, bankctl } = await freshHome();
      const { status, stdout, stderr } = await bankctl(...argv);
      expect([status, stdout]).toEqual([3, '']);
      expect(stderr).toContain(
        `There is no local database in ${dataDir}, where HOME=${home} says to look.`,
      );
      expect(stderr).toContain('bankctl init');
      expect(existsSync(join(home, '.local', 'share'))).toBe(false);
    },
  );

  test('the variable that leads elsewhere is named', async () => {
    const { home, env } = await freshHome();
    const elsewhere = { ...env, XDG_DATA_HOME: join(home, 'xdg') };
    const { stderr } = await run(['balance'], home, elsewhere);
    expect(stderr).toContain(`XDG_DATA_HOME=${join(home, 'xdg')} says to look`);
  });

  test.each([
    [['init', '--sample']],
    [['open', 'branch1', 'ACC']],
    [['increment', 'branch1', 'ACC', '5', '--create']],
    [['import', 'branch1', 'accounts.csv']],
    [['apply', 'rows.ndjson']],
    [['db', 'start']],
  ])('%s makes one, which any command starts again', async (argv) => {
    const { env, bankctl } = await freshHome();
    expect(await bankctl(...argv)).toMatchObject({ status: 0 });
    expect(await stopLocal(testHost(env))).toBe(true);
    expect(await bankctl('balance', '--json')).toMatchObject({ status: 0 });
  });
});

test('a directory that is there but holds no data is no database', async () => {
  const { dataDir, bankctl } = await freshHome();
  mkdirSync(join(dataDir, 'data'), { recursive: true, mode: 0o700 });
  expect(await bankctl('balance')).toMatchObject({ status: 3 });
  expect(readdirSync(join(dataDir, 'data'))).toEqual([]);
});
