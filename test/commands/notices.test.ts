import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noticeSchema } from '../../src/commands/error-schema.ts';
import { noticeTable } from '../../src/core/notices.ts';
import { faults } from '../result-schemas.ts';
import { type Workspace, workspace } from '../workspace.ts';

/** The codes of what a command says, each of which is one line of JSON: `workspace` checks that. */
async function codesOf(bank: Workspace, line: string): Promise<readonly string[]> {
  const { stderr } = await bank.run(line.split(' '));
  return stderr
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text))
    .map(({ notice, error }) => notice?.code ?? error.code);
}

const only = 'branches: { branch1: { collection: branch1 } }';

async function reconfigure(bank: Workspace, config: string): Promise<void> {
  const path = join(bank.directory, 'bankctl.config.yaml');
  await writeFile(path, `database: ${bank.db.databaseName}\n${config}\n`);
}

test('with JSON, whatever is said is a line of JSON with a code', async () => {
  const bank = await workspace({
    config: 'branches: { branch1: { collection: branch1 }, branch2: { collection: branch2 } }',
  });
  await bank.run(['open', 'branch1', 'A', '--balance', '5']);
  await bank.run(['open', 'branch2', 'A']);
  const rows = ['id,branch,account,amount', 'a,branch1,A,1', 'b,branch1,A,-900', ',,,', ''];
  await writeFile(join(bank.directory, 'rows.csv'), rows.join('\n'));
  const said: readonly (readonly [line: string, ...codes: readonly string[]])[] = [
    ['init --json', 'config_kept'],
    ['increment branch1 A 1 --id i --json'],
    ['increment branch1 A 1 --id i --json', 'replayed'],
    ['increment branch1 A 1 --dry-run -o ndjson', 'dry_run'],
    ['apply rows.csv --json', 'empty_left_out', 'row_refused', 'correct_in_place'],
    ['apply rows.csv -o ndjson --dry-run', 'empty_left_out', 'row_refused', 'correct_in_place'],
    ['apply rows.csv --json -q', 'row_refused'],
    ['history branch1 A --until 2020-01-01 --json', 'range', 'no_postings'],
    ['accounts nobody -o ndjson', 'no_accounts'],
    ['label branch1 A --owner Ada --remove nix --json', 'label_absent'],
  ];
  for (const [line, ...codes] of said) {
    const found = await codesOf(bank, line);
    expect([line, ...found]).toEqual([line, ...codes, ...found.slice(codes.length)]);
    if (codes.length === 0) expect(found).toEqual([]);
  }
  await reconfigure(bank, only);
  expect(await codesOf(bank, 'balance --json')).toEqual(['left_out']);
  expect(await codesOf(bank, 'balance --json -q')).toEqual([]);
});

test('the schema knows the codes of the table, and no other', () => {
  const notice = (code: string) => ({ notice: { code, message: 'It is so.' } });
  for (const code of [...Object.keys(noticeTable), 'invalid_amount']) {
    expect([code, faults(noticeSchema, notice(code))]).toEqual([code, '']);
  }
  expect(faults(noticeSchema, notice('nonsense'))).toMatch(/allowedValues/);
  expect(faults(noticeSchema, { notice: { message: 'It is so.' } })).toMatch(/required/);
});
