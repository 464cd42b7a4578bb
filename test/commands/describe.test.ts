import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commands } from '../../src/commands/index.ts';
import { errorTable } from '../../src/core/errors.ts';
import { faults } from '../result-schemas.ts';
import { run, workspace } from '../workspace.ts';

test('describe names every command, option, error and finding, itself too', async () => {
  const { status, stdout, stderr } = await run(['describe'], '/', {});
  expect([status, stderr]).toEqual([0, '']);
  const described = JSON.parse(stdout);
  expect(described.commands.map(({ name }: { name: string }) => name)).toEqual(
    commands.map(({ name }) => name),
  );
  expect(described.errors.map(({ code }: { code: string }) => code)).toEqual(
    Object.keys(errorTable),
  );
  expect(described.findings).toContainEqual(expect.objectContaining({ code: 'outside_write' }));
  expect(described.statuses).toContainEqual({ status: 130, meaning: 'interrupted' });
  const increment = described.commands.find(({ name }: { name: string }) => name === 'increment');
  expect(increment).toMatchObject({
    usage: 'bankctl increment [options] <branch> <account> <amount>',
    arguments: [
      { name: 'branch', required: true, variadic: false, stands_for: 'branch', choices: null },
      { name: 'account', stands_for: 'account' },
      { name: 'amount', stands_for: 'text' },
    ],
    options: [
      { name: '--id', short: null, value: 'ID' },
      {},
      { name: '--dry-run', value: null },
      {},
    ],
  });
  expect((await run(['describe', '--json'], '/', {})).stdout).toBe(stdout);
});

test('whether an error may pass by itself', async () => {
  const { stdout } = await run(['describe'], '/', {});
  const passing = JSON.parse(stdout)
    .errors.filter(({ retryable }: { retryable: boolean }) => retryable)
    .map(({ code }: { code: string }) => code);
  expect(passing).toEqual([
    ...['unreachable', 'timed_out', 'snapshot_too_old', 'outcome_unknown', 'interrupted'],
  ]);
});

test('a schema objects to a field that is missing, unknown, or of another type', () => {
  for (const { name, results } of commands) {
    for (const { schema } of results) {
      const isOpen = schema['additionalProperties'] !== false;
      if (!isOpen) expect(faults(schema, { nonsense: 1 }), name).toMatch(/additional|required/);
      expect(faults(schema, 7), name).toMatch(/object/);
    }
  }
  const [balance] = commands.find(({ name }) => name === 'open')?.results ?? [];
  const right = {
    ...{ operation: 'a', replayed: false, dry_run: false, branch: 'b', account: 'c' },
    ...{ balance: '1.00', currency: 'USD', version: 1 },
  };
  expect(faults(balance?.schema ?? {}, right)).toBe('');
  expect(faults(balance?.schema ?? {}, { ...right, balance: 1 })).toMatch(/balance/);
  expect(faults(balance?.schema ?? {}, { ...right, version: '1' })).toMatch(/version/);
});

test('errors in JSON name the operations that they are about', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'A', '--balance', '5', '--id', 'open-A']);
  await bank.run(['increment', 'branch1', 'A', '1', '--id', 'till-1']);
  await bank.run(['reverse', 'till-1', '--id', 'back-1']);
  const errorOf = async (...argv: string[]) =>
    JSON.parse((await bank.run([...argv, '--json'])).stderr).error;
  expect(await errorOf('increment', 'branch1', 'A', '2', '--id', 'till-1')).toMatchObject({
    ...{ code: 'operation_id_conflict', retryable: false, operations: ['till-1'] },
  });
  expect(await errorOf('reverse', 'till-1')).toMatchObject({
    ...{ code: 'already_reversed', operations: ['till-1', 'back-1'] },
  });
  expect(await errorOf('reverse', 'open-A')).toMatchObject({
    ...{ code: 'not_reversible', operations: ['open-A'] },
  });
  await bank.run(['increment', 'branch1', 'A', '1', '--id', 'till-2']);
  expect(await errorOf('show', 'till')).toMatchObject({
    ...{ code: 'operation_ambiguous', operations: ['till-1', 'till-2'] },
  });
  const refused = await errorOf('increment', 'branch1', 'NOBODY', '1');
  expect([refused.code, 'operations' in refused]).toEqual(['account_not_found', false]);
});

test('the sample files of the help do what they show', async () => {
  const samples = commands.flatMap((command) =>
    (command.samples ?? []).map((sample) => ({ command: command.name, ...sample })),
  );
  expect(samples.map(({ name }) => name)).toEqual([
    ...['orders.csv', 'bank.csv', 'orders.ndjson', 'branch1.csv', 'branch1.ndjson'],
  ]);
  for (const { command, name, text } of samples) {
    const bank = await workspace();
    await writeFile(join(bank.directory, name), `${text}\n`);
    const isForeign = name === 'bank.csv';
    if (isForeign) await bank.run(['open', 'branch1', 'ACC-1', '--balance', '100']);
    await bank.run(['open', 'branch1', command === 'import' ? 'OTHER' : 'ACC-2']);
    const example = commands
      .find((one) => one.name === command)
      ?.examples.find((line) => isForeign && line.includes(` ${name} `));
    const words = command === 'import' ? ['import', 'branch1', name] : ['apply', name];
    const line = example?.split(' ').slice(1) ?? words;
    const { status, stdout, stderr } = await bank.run([...line, '--json', '-q']);
    expect([status, stderr, name]).toEqual([0, '', name]);
    const rows = isForeign ? 1 : 3;
    expect(JSON.parse(stdout)[command === 'import' ? 'created' : 'applied']).toBe(rows);
    const help = await run(['help', command], '/', {});
    expect(help.stdout).toContain(`${name}:\n${text.replace(/^/gm, '  ')}\n`);
  }
});
