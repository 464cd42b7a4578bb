import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';
import { openShell, type ShellName, type Terminal } from './terminal.ts';

const shells: readonly ShellName[] = ['bash', 'zsh', 'fish'];

/** Numbers that a shell would read as something else, and how one may begin to type them. */
const odd: readonly (readonly [account: string, typed: string])[] = [
  ['A 1', 'A\\ '],
  ["it's", 'it'],
  ["so'so", "'so"],
  ['say "b"', '"say'],
  ['$HOME', "'$H"],
  ['back\\slash', 'back'],
  ['q`x`', 'q'],
  ['semi;colon&', 'semi'],
  ['x:y=z', 'x:y'],
  ['*', '\\*'],
  ['~me', "'~"],
  ['#7', '\\#'],
  ['銀行', '銀'],
];

async function bankWithAccounts(): Promise<Workspace> {
  const bank = await workspace();
  for (const account of ['ACC-1', 'ACC-2', ...odd.map(([number]) => number)]) {
    await bank.run(['open', 'branch1', account, '--balance', '7', '--id', `open ${account}`]);
  }
  return bank;
}

async function open(shell: ShellName, bank: Workspace, env: object = {}): Promise<Terminal> {
  const bin = join(bank.directory, 'bin');
  await mkdir(bin, { recursive: true });
  const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');
  await writeFile(
    join(bin, 'bankctl'),
    `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`,
  );
  await chmod(join(bin, 'bankctl'), 0o755);
  const script = join(bank.directory, `script.${shell}`);
  await writeFile(script, (await bank.run(['completion', shell])).stdout);
  return openShell(shell, {
    cwd: bank.directory,
    env: { ...bank.env, PATH: `${bin}:${bank.env['PATH']}`, ...env },
    script,
  });
}

/**
 * What comes late is not offered, so on a busy machine it takes more than one try.
 *
 * @param already what is at the prompt
 */
async function completeLine(terminal: Terminal, typed: string, already = ''): Promise<string> {
  let line = await terminal.complete(typed);
  for (let tries = 1; line === already + typed && tries < 20; tries += 1) {
    line = await terminal.complete('');
  }
  return line;
}

describe.each(shells)('in %s,', (shell) => {
  test('commands, options, choices, branches, references, operations and files', async () => {
    const bank = await bankWithAccounts();
    await writeFile(join(bank.directory, 'rows.csv'), '');
    const terminal = await open(shell, bank);
    const completed = async (typed: string) => {
      const line = await completeLine(terminal, `bankctl ${typed}`);
      terminal.erase();
      return line.replace(/^bankctl /, '');
    };
    expect(await completed('incr')).toBe('increment ');
    expect(await completed('help incr')).toBe('help increment ');
    expect(await completed('balance --wat')).toBe('balance --watch ');
    expect(await completed('balance -o nd')).toBe('balance -o ndjson ');
    expect(await completed('operations --type=incr')).toBe('operations --type=increment ');
    expect(await completed('open branch2')).toBe('open branch2 ');
    expect(await completed('transfer branch2')).toBe('transfer branch2:');
    expect(await completed('transfer branch1:ACC-1')).toBe('transfer branch1:ACC-1 ');
    expect(await completed('operations --branch branch1 --account ACC-1')).toBe(
      'operations --branch branch1 --account ACC-1 ',
    );
    expect(await completed("show 'open ACC-1")).toBe("show 'open ACC-1' ");
    expect(await completed('apply row')).toBe('apply rows.csv ');
    let listed = await terminal.list('bankctl history branch1 ACC');
    for (let tries = 1; !/ACC-1/.test(listed) && tries < 20; tries += 1) {
      listed = await terminal.list('');
    }
    expect(listed).toMatch(/ACC-1/);
    expect(listed).toMatch(/ACC-2/);
    terminal.erase();
  });

  test('what it completes is what bankctl then reads, whatever the account number', async () => {
    const bank = await bankWithAccounts();
    const terminal = await open(shell, bank);
    for (const [account, typed] of odd) {
      await completeLine(terminal, `bankctl balance -o ndjson branch1 ${typed}`);
      const printed = await terminal.enter();
      const [line = `no line in ${printed}`] = /\{.*\}/.exec(printed) ?? [];
      expect(JSON.parse(line).account).toBe(account);
    }
  });

  test('one goes on typing after what several names have in common', async () => {
    const bank = await workspace();
    for (const account of ["it's $A 1", "it's $A 2"]) await bank.run(['open', 'branch1', account]);
    const terminal = await open(shell, bank);
    const common = await completeLine(terminal, 'bankctl balance -o ndjson branch1 it');
    await completeLine(terminal, '1', common);
    const [line = 'nothing'] = /\{.*\}/.exec(await terminal.enter()) ?? [];
    expect(JSON.parse(line).account).toBe("it's $A 1");
  });

  test('nothing is said if there is no database', async () => {
    const bank = await workspace();
    const terminal = await open(shell, bank, { BANKCTL_URI: 'mongodb://127.0.0.1:1/' });
    const before = terminal.screen().length;
    expect(await terminal.complete('bankctl balance branch1 A')).toBe('bankctl balance branch1 A');
    expect(terminal.screen().slice(before)).not.toMatch(/error|bankctl:|reach|answers/i);
  });
});
