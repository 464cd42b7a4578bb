import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { helpPages } from '../src/cli/help-page.ts';
import { commands } from '../src/commands/index.ts';
import { createContext, main } from '../src/main.ts';
import { run } from './workspace.ts';

const dist = join(import.meta.dirname, '..', 'dist');
const ran = (...argv: string[]) => run(argv, '/', {});

describe('help', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']]])('bankctl %j', async (argv) => {
    const { status, stdout, stderr } = await ran(...argv);
    expect([status, stderr]).toEqual([0, '']);
    for (const { name } of commands) expect(stdout).toContain(`  ${name} `);
  });

  test.each(commands.map(({ name }) => [name]))('bankctl %s --help', async (name) => {
    const { status, stdout } = await ran(name, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: bankctl ${name}`);
    expect(stdout).toContain('Examples:\n  bankctl');
    expect((await ran('help', name)).stdout).toBe(stdout);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
  });

  test.each(commands.map(({ name }) => [name]))('%s --help has no short line', async (name) => {
    const { stdout } = await ran(name, '--help');
    const lines = stdout.slice(0, stdout.indexOf('Examples:')).split('\n');
    for (const [index, line] of lines.entries()) {
      const next = /^ *\S+/.exec(lines[index + 1] ?? '')?.[0].trim();
      const continues = line !== '' && next !== undefined && /^\S/.test(lines[index + 1] ?? '');
      if (continues) expect(`${line} ${next}`.length).toBeGreaterThan(80);
    }
  });

  test('every example is a command line that parses', () => {
    const names = new Set(commands.map(({ name }) => name));
    for (const { examples } of commands) {
      for (const line of examples) expect(names).toContain(/bankctl (\S+)/.exec(line)?.[1]);
    }
  });
});

test.each([80, 100])('the help that the build stored for %i columns', async (width) => {
  const stored = readFileSync(join(dist, `help-${width}.txt`), 'utf8');
  expect(stored).toBe((await run(['--help'], '/', {}, { width })).stdout);
});

test.each([['--version'], ['-V'], ['balance', '-V']])('the version once: %s', async (...argv) => {
  const { status, stdout } = await ran(...argv);
  expect([status, stdout.split('\n').length]).toEqual([0, 2]);
});

test('an error in JSON, wherever the option stands', async () => {
  for (const argv of [
    ['--json', 'nonsense'],
    ['nonsense', '-o', 'json'],
    ['-o=json', 'nonsense'],
    ['nonsense', '--output=ndjson'],
  ]) {
    const { status, stderr } = await ran(...argv);
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: expect.any(String),
        message: expect.stringMatching(/\.$/),
        hint: expect.any(String),
        retryable: false,
      },
    });
  }
});

test('a wrong command line names the help of its command', async () => {
  const hintOf = async (...argv: string[]) =>
    JSON.parse((await ran(...argv, '--json', '-q')).stderr).error.hint;
  expect(await hintOf('increment', 'branch1')).toBe(
    'For example: bankctl increment branch1 ACC 50. For more, see bankctl increment --help.',
  );
  expect(await hintOf('balance', '--at', '2026-01-01', '--watch')).toBe(
    'See bankctl balance --help.',
  );
  expect(await hintOf('--nonsense')).toBe('See bankctl --help.');
});

test('a command that there is not is named in one way', async () => {
  for (const argv of [['opne'], ['help', 'opne']]) {
    const { stderr } = await ran(...argv);
    expect(stderr).toMatch(/There is no command "opne"\.\n.*ean bankctl (help )?open\?$/m);
  }
});

test('a command that is missing has no name', async () => {
  for (const argv of [['--json'], ['-q', '-o', 'json'], ['--json', '--quiet']]) {
    const { status, stdout, stderr } = await ran(...argv);
    expect([status, stdout, JSON.parse(stderr).error]).toMatchObject([
      2,
      '',
      { code: 'unknown_command', message: 'The command is missing.' },
    ]);
  }
});

test.each([
  [['-v'], '--version'],
  [['version'], '--version'],
  [['--verison'], '--version'],
])('%j: the version has one spelling', async (argv, meant) => {
  expect((await ran(...argv)).stderr).toContain(`Did you mean bankctl ${meant}?`);
});

test('help prints the pages that come with bankctl, but no other file', async () => {
  for (const name of helpPages) {
    const { status, stdout } = await ran('help', name);
    expect([name, status, stdout.slice(0, 2)]).toEqual([name, 0, '# ']);
  }
  for (const name of ['../package', 'nonsense', 'reference/../config']) {
    expect(await ran('help', name)).toMatchObject({ status: 2, stdout: '' });
  }
  expect((await ran('help', 'stress')).stdout).toContain('Usage: bankctl stress');
});

test('help, completion and a wrong command line load neither the bank nor the driver', () => {
  const loaded = new Set<string>();
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const code = readFileSync(join(dist, file), 'utf8');
    // What is loaded late is required in a function.
    for (const [, name] of code.matchAll(/(?<!=>)require\("\.\/([^"]+)"\)/g)) load(name ?? '');
  };
  load('main.cjs');
  expect(loaded).toEqual(new Set(['main.cjs']));
  load('program.cjs');
  expect(loaded).toContain('core.cjs');
  expect(loaded).not.toContain('bank.cjs');
  expect(loaded).not.toContain('driver.cjs');
  for (const name of readdirSync(dist)) if (/^complete-/.test(name)) load(name);
  expect([...loaded].some((name) => name.startsWith('complete-'))).toBe(true);
  for (const late of ['bank.cjs', 'driver.cjs', 'config-reader.cjs'])
    expect(loaded).not.toContain(late);
});

test('ends only when all that was said is written, however slow the reader', async () => {
  let read = '';
  const stderr = new Writable({
    write: (chunk, _, done) =>
      void setImmediate(() => {
        read += chunk;
        done();
      }),
  });
  expect(await main(['no-such'], { ...createContext(), stderr })).toBe(2);
  expect(read).toMatch(/bankctl --help lists the commands\.\n$/);
});
