import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { questionOf } from '../../src/cli/completion/answer.ts';
import { firstWord, parseWords } from '../../src/cli/completion/shell-words.ts';
import { commands } from '../../src/commands/index.ts';
import { isPrintable } from '../../src/core/text.ts';
import { stopLocal } from '../../src/database/local/local-database.ts';
import { testHost } from '../database/host.ts';
import { freshEnv, pidsOf } from '../database/local-env.ts';
import { mongodWith } from '../database/own-mongod.ts';
import { listening } from '../database/stand-in-server.ts';
import { type RunOptions, run, type Workspace, workspace } from '../workspace.ts';

/** What a shell is offered for words, of which the last is at the cursor. */
async function offered(
  bank: Pick<Workspace, 'run'>,
  words: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly manner: string | undefined; readonly values: readonly string[] }> {
  const { status, stdout, stderr } = await bank.run(['__complete', 'zsh', ...words], options);
  expect([status, stderr]).toEqual([0, '']);
  const [manner, ...lines] = stdout.split('\n');
  expect(lines.slice(-2)).toEqual(['.', '']);
  return { manner, values: lines.slice(0, -2).map((line) => line.split('\t')[0] ?? '') };
}

/** What comes late is not offered: on a busy machine, it takes more than one try. */
async function found(
  bank: Pick<Workspace, 'run'>,
  words: readonly string[],
): ReturnType<typeof offered> {
  let last = await offered(bank, words);
  for (let tries = 1; last.values.length === 0 && tries < 20; tries += 1) {
    last = await offered(bank, words);
  }
  return last;
}

const noBank = {
  run: (argv: readonly string[], options?: RunOptions) => run(argv, '/', {}, options),
};

describe('without asking anybody', () => {
  const names = commands.map(({ name }) => name);
  const global = [
    '--config',
    '--uri',
    '--uri-file',
    '--output',
    '--json',
    '--no-color',
    '--no-pager',
    '--quiet',
  ];
  const options = [...global, '--verbose', '--timeout', '--help', '--version'];

  test.each<[words: string, values: readonly string[]]>([
    ['', [...names, 'help']],
    ['ex', ['export']],
    ['-q --json ex', ['export']],
    ['--config x.yaml ex', ['export']],
    ['--config=x.yaml ex', ['export']],
    ['-o json ex', ['export']],
    ['-ojson ex', ['export']],
    ['help ex', ['export']],
    ['help export ', []],
    ['--', options],
    ['balance --', ['--at', '--watch', ...options]],
    ['balance --watch --', ['--at', ...options]],
    ['--json --', options.filter((flag) => flag !== '--json')],
    ['balance -o ', ['table', 'json', 'ndjson', 'csv', 'spreadsheet', 'spreadsheet-comma']],
    ['balance --output=nd', ['--output=ndjson']],
    ['balance -ond', ['-ondjson']],
    ['operations --type=re', ['--type=reverse', '--type=repair']],
    ['accounts --status ', ['open', 'frozen', 'closed']],
    ['history branch1 A --m', ['--month']],
    ['history branch1 A --month ', []],
    ['adopt branch1 branch2 --outs', ['--outside-writes']],
    ['repair plan.yaml --y', ['--yes']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['db st', ['start', 'stop', 'status']],
    ['stress ', ['check']],
    ['stress --faults ', ['kill', 'failover']],
    ['open branch1 A --balance ', []],
    ['increment branch1 A -5', []],
    ['increment branch1:A -5', []],
    ['freeze branch1:A --m', ['--memo']],
    ['increment branch1 A --cr', ['--create']],
    ['increment branch1 A -5 --cr', ['--create']],
    ['increment -- branch1 A --cr', []],
    ['nonsense ', []],
    ['nonsense --', []],
    ['branches ', options],
  ])('%s', async (line, values) => {
    expect(await offered(noBank, line.split(' '))).toEqual({ manner: 'words', values });
  });

  test.each([
    ['apply '],
    ['--config '],
    ['import branch1 '],
    ['apply f.csv --results '],
    ['apply f.csv --results=r'],
    ['stress check '],
    ['repair '],
    ['audit branch1 --plan '],
    ['audit --intended=log'],
  ])('%s takes a path', async (line) => {
    expect(await offered(noBank, line.split(' '))).toEqual({ manner: 'files', values: [] });
  });

  test('whatever was typed', async () => {
    const word = fc.oneof(
      fc.constantFrom(...names, '--', '-', '--uri', '-o', '--x=', 'help'),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (words) => {
        const env = { HOME: '/nowhere' };
        const { status, stderr } = await run(['__complete', 'fish', ...words], '/', env);
        expect([status, stderr]).toEqual([0, '']);
      }),
      { numRuns: 60 },
    );
  });
});

describe('names of the bank', () => {
  test('branches of the config that applies', async () => {
    const bank = await workspace();
    const other = join(bank.directory, 'other.yaml');
    await writeFile(other, 'branches: { milan: { collection: m, title: Via Roma } }\n');
    const branches = { manner: 'words', values: ['branch1', 'branch2'] };
    expect(await found(bank, ['open', ''])).toEqual(branches);
    expect(await found(bank, ['operations', '--branch', 'branch'])).toEqual(branches);
    expect(await found(bank, ['accounts', ''])).toEqual(branches);
    expect(await found(bank, ['audit', '--trace', ''])).toEqual(branches);
    expect(await found(bank, ['adopt', 'branch1', 'branch'])).toEqual(branches);
    expect(await found(bank, ['operations', '--branch=branch2'])).toEqual({
      ...{ manner: 'words', values: ['--branch=branch2'] },
    });
    expect((await found(bank, ['--config', other, 'open', ''])).values).toEqual(['milan']);
    expect(await found(bank, ['transfer', 'br'])).toEqual({
      ...{ manner: 'nospace', values: ['branch1:', 'branch2:'] },
    });
    const { stdout } = await bank.run(['__complete', 'zsh', '--config', other, 'open', '']);
    expect(stdout).toBe('words\nmilan\tVia Roma\n.\n');
  });

  test('accounts of the branch that was typed, at most 50, by the index alone', async () => {
    const bank = await workspace();
    const numbers = Array.from({ length: 60 }, (_, index) => `A-${index + 100}`);
    const rows = numbers.map((number) => `${number},branch1,${number},1,open\n`);
    await writeFile(
      join(bank.directory, 'a.csv'),
      `id,branch,account,amount,type\n${rows.join('')}z,branch2,Z,1,open\n`,
    );
    await bank.run(['apply', 'a.csv']);
    await bank.db
      .collection('branch1')
      .insertOne({ account_number: 'A-1000' }, { bypassDocumentValidation: true });
    await bank.db.command({ profile: 2 });
    expect((await found(bank, ['balance', 'branch1', 'A-1'])).values).toEqual(numbers.slice(0, 50));
    expect((await found(bank, ['history', 'branch1', 'A-15'])).values).toEqual(numbers.slice(50));
    expect((await found(bank, ['history', 'branch2', ''])).values).toEqual(['Z']);
    expect((await offered(bank, ['history', 'nowhere', ''])).values).toEqual([]);
    expect((await found(bank, ['transfer', 'branch1:A-155'])).values).toEqual(['branch1:A-155']);
    expect((await found(bank, ['balance', 'branch1:A-155'])).values).toEqual(['branch1:A-155']);
    expect((await offered(bank, ['open', 'branch1:A-155'])).values).toEqual([]);
    const typed = ['operations', '--branch', 'branch2', '--account', ''];
    expect((await found(bank, typed)).values).toEqual(['Z']);
    expect((await found(bank, ['operations', '--account=branch2:'])).values).toEqual([
      '--account=branch2:Z',
    ]);
    expect((await offered(bank, ['open', 'branch1', 'A'])).values).toEqual([]);
    expect((await found(bank, ['show', ''])).values).toHaveLength(50);
    expect((await found(bank, ['show', ''])).values[0]).toBe('z');
    expect((await found(bank, ['reverse', 'A-10'])).values).toEqual(numbers.slice(0, 10));
    await bank.db.command({ profile: 0 });
    const reads = await bank.db
      .collection('system.profile')
      .find({ op: 'query', ns: /branch|journal/, 'command.limit': 50 })
      .toArray();
    expect(reads.length).toBeGreaterThan(8);
    for (const { docsExamined, hasSortStage = false } of reads) {
      expect([docsExamined <= 51, hasSortStage]).toEqual([true, false]);
    }
  });

  test('a number that a terminal would obey is not offered', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'A']);
    await bank.db.collection('branch1').insertMany(
      ['A\u001B[31m', 'A\nB', 'A\tB'].map((account_number) => ({
        account_number,
        branch: 'branch1',
      })),
      { ordered: false, bypassDocumentValidation: true },
    );
    expect((await found(bank, ['balance', 'branch1', ''])).values).toEqual(['A']);
  });
});

describe('nothing is said, and nothing happens, if there is', () => {
  const typed = ['balance', 'branch1', ''];

  async function expectNothing(bank: Pick<Workspace, 'run'>, ...more: readonly string[]) {
    const started = performance.now();
    expect(await offered(bank, [...more, ...typed])).toEqual({ manner: 'words', values: [] });
    return performance.now() - started;
  }

  test('no server', async () => {
    await expectNothing(await workspace(), '--uri', 'mongodb://127.0.0.1:1/');
  });

  test('a server that does not answer, for more than about a second', async () => {
    const server = createServer(() => undefined);
    const uri = `mongodb://${await listening(server)}/`;
    const tookMs = await expectNothing(await workspace(), '--uri', uri);
    expect(tookMs).toBeLessThan(3_000);
  });

  test('a user whom the server does not know', async () => {
    const uri = inject('uri').replace('://', '://nobody:nothing@');
    await expectNothing(await workspace(), '--uri', uri);
  });

  test('a standalone server', async () => {
    const socket = encodeURIComponent(await mongodWith());
    await expectNothing(await workspace(), '--uri', `mongodb://${socket}/?directConnection=true`);
  });

  test('a URI that is none', async () => {
    await expectNothing(await workspace(), '--uri', 'nonsense');
    await expectNothing(await workspace(), '--uri-file', 'nowhere');
  });

  test('a URI or a config that only a pipe or the terminal has, which is not read', async () => {
    const bank = await workspace();
    const pipe = join(bank.directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expectNothing(bank, '--uri-file', pipe);
    await expectNothing(bank, '--config', pipe);
  });

  test('a config that is broken, untrusted or contradicts the database', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'A']);
    expect((await found(bank, typed)).values).toEqual(['A']);
    const config = join(bank.directory, 'c.yaml');
    await writeFile(
      config,
      `database: ${bank.db.databaseName}\nbranches: { branch1: { collection: branch2 } }\n`,
    );
    await expectNothing(bank, '--config', config);
    await writeFile(config, 'nonsense');
    await expectNothing(bank, '--config', config);
    await chmod(join(bank.directory, 'bankctl.config.yaml'), 0o666);
    await expectNothing(bank);
  });

  test('no local database, which is not made', async () => {
    const bank = await workspace();
    const home = join(bank.directory, 'home');
    await mkdir(home);
    const env = { HOME: home };
    await expectNothing({ run: (argv) => run(argv, home, env) });
    expect(readdirSync(home)).toEqual([]);
  });

  test('a local database that is stopped, which is not started', async () => {
    const { PATH = '', ...env } = await freshEnv();
    const local = { run: (argv: readonly string[]) => run(argv, '/', { PATH, ...env }) };
    expect((await local.run(['open', 'branch1', 'LOCAL'])).status).toBe(0);
    expect((await found(local, typed)).values).toEqual(['LOCAL']);
    await stopLocal(testHost(env));
    await expectNothing(local);
    expect(pidsOf({ PATH, ...env })).toEqual([]);
    expect(existsSync(env.BANKCTL_DATA_DIR)).toBe(true);
  });
});

describe('bash', () => {
  const printable = fc
    .string({
      unit: fc.constantFrom(...'aB1 \'"\\$`!*?~#&|;<>(){}[]=:@%^,.-é銀'),
      minLength: 1,
      maxLength: 12,
    })
    .filter((value) => isPrintable(value) && value.trim() === value);

  test('reads what is inserted as it was meant, wherever the user began', () => {
    const styles = ['', "'", '"', "$'"] as const;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(printable, fc.nat(12), fc.constantFrom(...styles)), {
          minLength: 40,
          maxLength: 40,
        }),
        (cases) => {
          const lines = cases.map(([value, length, style]) => {
            const begun = [...value].slice(0, length).join('');
            const typed = typedAs(begun, style);
            const line = `bankctl balance b ${typed}`;
            // Readline replaces what is after the last word break outside quotation marks.
            const replaced = style === '' ? '' : typed.slice(style.length);
            const question = questionOf('bash', [line, replaced]);
            expect(question.current).toBe(begun);
            const [, rest = ''] = question.answer({
              expected: { before: '', begun },
              candidates: [{ value }],
              manner: 'words',
            });
            const kept = line.slice(0, line.length - replaced.length) + rest;
            return closed(kept.slice('bankctl balance b '.length));
          });
          const script = `set +H\nprintf '%s\\0' ${lines.join(' ')}`;
          const read = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0');
          expect(read.slice(0, -1)).toEqual(cases.map(([value]) => value));
        },
      ),
      { numRuns: 20 },
    );
  });

  /** How somebody may have typed a text that is not complete yet. */
  function typedAs(text: string, style: '' | "'" | '"' | "$'"): string {
    if (style === '') return text.replace(/[^\p{L}\p{N}]/gu, '\\$&');
    if (style === "'") return `'${text.replaceAll("'", "'\\''")}`;
    if (style === '"') return `"${text.replace(/["\\$`]/g, '\\$&')}`;
    return `$'${text.replace(/['\\]/g, '\\$&')}`;
  }

  /** As readline does when a word is complete. */
  function closed(word: string): string {
    const { quote } = firstWord(word);
    return quote === '' ? word : word + quote.at(-1);
  }

  test('words are parted as bash parts them', () => {
    const lines = ['a b', "a'b c'd e", 'a"b \\" c" d', 'a\\ b c', "$'it\\'s' x", '  a   b '];
    for (const line of lines) {
      const script = `printf '%s\\0' ${line}`;
      const read = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0');
      const values = parseWords(line).map(({ value }) => value);
      expect(line.endsWith(' ') ? values.slice(0, -1) : values).toEqual(read.slice(0, -1));
    }
  });
});
