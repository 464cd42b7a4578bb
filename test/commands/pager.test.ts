import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Context, createContext } from '../../src/core/context.ts';
import { pagerCommand } from '../../src/core/terminal.ts';
import { OutputClosed } from '../../src/render/output.ts';
import { page } from '../../src/render/paging.ts';
import { Captured, type Workspace, workspace } from '../workspace.ts';

const realContext = createContext();
const program = join(import.meta.dirname, '..', '..', 'bin', 'bankctl.js');

class FirstDescriptor extends Captured {
  readonly fd = 1;
}

test.each<[env: Record<string, string>, command: string | undefined]>([
  [{}, 'less'],
  [{ PAGER: 'more' }, 'more'],
  [{ PAGER: 'more', BANKCTL_PAGER: 'less -S' }, 'less -S'],
  [{ PAGER: '' }, undefined],
  [{ PAGER: 'cat' }, undefined],
  [{ PAGER: 'more', BANKCTL_PAGER: '' }, undefined],
  [{ TERM: 'dumb' }, undefined],
])('with %j the pager is %j', (env, command) => {
  const context = { env, stdout: new FirstDescriptor(), stdoutIsTerminal: true };
  expect(pagerCommand(context)).toBe(command);
  expect(pagerCommand({ ...context, stdoutIsTerminal: false })).toBe(undefined);
  expect(pagerCommand({ ...context, stdout: new Captured() })).toBe(undefined);
});

describe('a pager', () => {
  async function paged(
    bank: Workspace,
    command: string,
    texts: AsyncIterable<string>,
    interrupted = new AbortController().signal,
  ) {
    const [stdout, stderr] = [new Captured(), new Captured()];
    const env = { ...bank.env, FILE: join(bank.directory, 'shown') };
    const terminal = { stdout, stderr, stderrIsTerminal: true };
    const own: Context = { ...realContext, ...terminal, env, interrupted };
    const error = await page(command, texts, own).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const shown = await readFile(env.FILE, 'utf8').catch(() => undefined);
    return { stdout: stdout.text, shown, error, said: stderr.text };
  }

  async function* lines(): AsyncIterable<string> {
    yield 'one\n';
    yield 'two\n';
  }

  test('shows all, and nothing is printed beside it', async () => {
    const ran = await paged(await workspace(), 'cat > "$FILE"', lines());
    expect(ran).toEqual({ stdout: '', shown: 'one\ntwo\n', error: undefined, said: '' });
  });

  test.each(['no-such-pager', 'no-such-pager "x"', '/etc/passwd'])(
    'that cannot be run, %s, is done without',
    async (command) => {
      const ran = await paged(await workspace(), `${command} 2>/dev/null`, lines());
      const error = undefined;
      expect(ran).toEqual({ stdout: 'one\ntwo\n', shown: undefined, error, said: '' });
    },
  );

  test('that is quit early ends the work, which was not far ahead of it', async () => {
    let asked = 0;
    let isEnded = false;
    async function* endless(): AsyncIterable<string> {
      try {
        for (;;) {
          asked += 1;
          yield `${'x'.repeat(2 ** 16 - 1)}\n`;
        }
      } finally {
        isEnded = true;
      }
    }
    const { error, shown, said } = await paged(await workspace(), 'head -n 2 > "$FILE"', endless());
    expect(error).toBeInstanceOf(OutputClosed);
    expect(said).toBe('');
    expect(shown).toHaveLength(2 ** 17);
    expect(isEnded).toBe(true);
    expect(asked).toBeLessThan(100);
  });

  test('ends when bankctl is asked to end', async () => {
    const controller = new AbortController();
    async function* interrupting(): AsyncIterable<string> {
      yield 'one\n';
      controller.abort('SIGTERM');
    }
    const ran = paged(await workspace(), 'tail -f /dev/null', interrupting(), controller.signal);
    expect(await ran).toMatchObject({ stdout: '', error: undefined, said: '' });
  });

  test.each([
    ['false', 'The pager "false" ended with status 1. Add --no-pager to do without.\n'],
    ['exec sh -c "exit 3"', expect.stringMatching(/^The pager .* ended with status 3\./)],
    ['kill -9 $$', 'The pager "kill -9 $$" was ended by SIGKILL. Add --no-pager to do without.\n'],
    ['cat > "$FILE"; exit 141', ''],
    ['cat > "$FILE"; kill -PIPE $$', ''],
  ])('that fails, %j, is named', async (command, said) => {
    const many = Array.from({ length: 40 }, () => `${'x'.repeat(2 ** 14)}\n`);
    for (const texts of [
      lines(),
      (async function* () {
        yield* many;
      })(),
    ]) {
      const ran = await paged(await workspace(), command, texts);
      expect([ran.said, ran.stdout]).toEqual([said, '']);
    }
  });

  test('does not hide what ended the work', async () => {
    async function* failing(): AsyncIterable<string> {
      yield 'one\n';
      throw new Error('no more');
    }
    const ran = await paged(await workspace(), 'no-such-pager 2>/dev/null', failing());
    expect([ran.stdout, ran.error]).toEqual(['one\n', new Error('no more')]);
  });
});

test('at a terminal, Ctrl-C is the pager’s, and what is said comes after it', async () => {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC', '--id', 'first']);
  const pager = join(bank.directory, 'pager');
  // No shell script: a shell that waits for a line may hear a signal only after it.
  await writeFile(
    pager,
    [
      `#!${process.execPath}`,
      "process.on('SIGINT', () => console.log('caught'));",
      "const lines = require('node:readline').createInterface({ input: process.stdin });",
      "lines.on('line', (line) => console.log('paged:', line));",
      "lines.on('close', () => {",
      "  console.log('options', process.env.LESS);",
      "  require('node:fs').createReadStream('/dev/tty').on('data', () => {",
      "    console.log('over');",
      '    process.exit();',
      '  });',
      '});',
    ].join('\n'),
  );
  await chmod(pager, 0o755);
  const line = `${process.execPath} ${program} history branch1 ACC --since 2020-01-01`;
  const child = spawn('script', ['-qfec', `stty -echo; exec ${line}`, '/dev/null'], {
    cwd: bank.directory,
    env: { ...bank.env, TERM: 'xterm', PAGER: pager, SHELL: '/bin/sh' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let screen = '';
  let look: () => void = () => undefined;
  child.stdout.on('data', (chunk) => {
    screen += chunk;
    look();
  });
  const closed = once(child, 'close');
  const until = (text: string) =>
    new Promise<void>((resolve, reject) => {
      look = () => screen.includes(text) && resolve();
      look();
      void closed.then(() => reject(new Error(`It ended without ${text}: ${screen}`)));
    });
  await until('options FRX');
  child.stdin.write('\u0003');
  await until('caught');
  child.stdin.write('\u0003');
  await until('caught\r\ncaught');
  child.stdin.write('\r');
  const [status] = await closed;
  expect(status).toBe(0);
  expect(screen).toMatch(/paged: .*first/);
  expect(screen).toMatch(/over\s+Showing what was posted from 2020-01-01/);
  expect(screen).not.toContain('bankctl:');
});
