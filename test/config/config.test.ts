import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtInConfig } from '../../src/config/config.ts';
import { findConfig } from '../../src/config/find.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configTemplate } from '../../src/config/template.ts';

const branches = 'branches: { branch1: { collection: branch1 } }';

const refused: readonly [why: string, text: string, reason: string][] = [
  ['an unknown key', `${branches}\nbranchs: 1`, 'branchs: is unknown'],
  [
    'an unknown key of a branch',
    'branches: { a: { collection: a, minbalance: "1" } }',
    'branches.a.minbalance: is unknown',
  ],
  [
    'two branches with one collection',
    'branches: { a: { collection: x }, b: { collection: x } }',
    'branches.b.collection: x belongs to branch a already',
  ],
  [
    "the journal's collection",
    'branches: { a: { collection: journal } }',
    'branches.a.collection: journal belongs to the journal already',
  ],
  ['system.*', 'branches: { a: { collection: system.users } }', 'begins with system.'],
  ['a $', 'branches: { a: { collection: a$b } }', 'branches.a.collection: has a $'],
  ['a null byte', 'branches: { a: { collection: "a\\0b" } }', 'has a null byte'],
  ['a point at the end', 'branches: { a: { collection: a. } }', 'has a point where'],
  [
    'a long collection',
    `branches: { a: { collection: ${'x'.repeat(251)} } }`,
    "is longer than MongoDB's 255 bytes",
  ],
  ['a colon in a name', 'branches: { "a:b": { collection: a } }', 'branches.a:b: has a colon'],
  ['white space in a name', 'branches: { "a b": { collection: a } }', 'has white space'],
  ['an empty name', 'branches: { "": { collection: a } }', 'is empty'],
  ['__proto__', 'branches: { "__proto__": { collection: a } }', '__proto__'],
  ['no collection', 'branches: { a: {} }', 'branches.a.collection: is missing'],
  ['a bad currency', `currency: DOLLAR\n${branches}`, 'currency: is not an ISO 4217'],
  [
    'a currency of a branch',
    'branches: { a: { collection: a, currency: XYZ } }',
    'branches.a.currency: is not an ISO 4217',
  ],
  [
    'an amount that is no text',
    'branches: { a: { collection: a, minBalance: -1.5 } }',
    'branches.a.minBalance: must be text',
  ],
  [
    'an amount',
    'branches: { a: { collection: a, minBalance: "ten" } }',
    'branches.a.minBalance: is not an amount',
  ],
  [
    'digits below the currency',
    'branches: { a: { collection: a, currency: JPY, minBalance: "1.5" } }',
    'branches.a.minBalance: "1.5" has 1 decimals',
  ],
  ['no branch', 'branches: {}', 'branches: is empty'],
  ['no branches', 'database: bank', 'branches: is missing'],
  ['a list', '- a', 'the file: is missing or not a mapping'],
  ['an empty file', '', 'branches: is missing'],
  ['a database', `database: "a/b"\n${branches}`, 'database: has a character'],
  ["MongoDB's database", `database: admin\n${branches}`, "database: is one of MongoDB's own"],
  ['a journal', `journal: true\n${branches}`, 'journal: is neither'],
  ['a password', `uri: mongodb://u:secret@h/\n${branches}`, 'uri: has a password'],
  ['another URI', `uri: http://h\n${branches}`, 'uri: does not begin with mongodb://'],
  ['wrong syntax', 'branches: {', 'line 1, column 12'],
  [
    'a key that stands twice',
    `${branches}\n${branches}`,
    'line 2, column 1: Map keys must be unique',
  ],
  [
    'a branch that stands twice',
    'branches: { a: { collection: a }, a: { collection: b } }',
    'unique',
  ],
  ['a tag', 'branches: !!js/function "x"', 'Unresolved tag'],
  ['two documents', `${branches}\n---\n${branches}`, 'multiple documents'],
];

describe('a config is refused', () => {
  test.each(refused)('for %s', (_why, text, reason) => {
    expect(() => loadConfig('bank.yaml', text)).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining(reason),
      }),
    );
    expect(() => loadConfig('bank.yaml', text)).toThrow(/^bank\.yaml/);
    expect(() => loadConfig('bank.yaml', text)).not.toThrow(/secret/);
  });
});

describe('a config is', () => {
  test('the template, which is the built-in one', () => {
    expect(loadConfig('x', configTemplate)).toEqual({ ...builtInConfig, source: 'x' });
  });

  test('JSON as well', () => {
    const text = JSON.stringify(
      { branches: { a: { collection: 'a', currency: 'KWD' } } },
      null,
      '\t',
    );
    expect(loadConfig('x', text).branches).toEqual([
      {
        name: 'a',
        collection: 'a',
        title: undefined,
        currency: { code: 'KWD', digits: 3 },
        minBalanceMinor: 0n,
      },
    ]);
  });

  test('frozen to its last field', () => {
    for (const config of [builtInConfig, loadConfig('x', configTemplate)]) {
      const [branch] = config.branches;
      for (const part of [config, config.branches, branch, branch?.currency]) {
        expect(Object.isFrozen(part)).toBe(true);
      }
    }
  });
});

describe('a config is found', () => {
  async function directory(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'bankctl-config-'));
    onTestFinished(() => rm(made, { recursive: true }));
    return made;
  }

  test('from here upward, by --config and by BANKCTL_CONFIG', async () => {
    const top = await directory();
    const deep = join(top, 'a', 'b');
    await mkdir(deep, { recursive: true });
    const path = join(top, 'bankctl.config.yml');
    await writeFile(path, branches);
    const other = join(deep, 'other.yaml');
    await writeFile(other, branches);
    const found = async (given?: string, env = {}) =>
      (await findConfig(given, { cwd: deep, env })).source;
    expect(await found()).toBe(path);
    expect(await found('other.yaml')).toBe(other);
    expect(await found(undefined, { BANKCTL_CONFIG: other })).toBe(other);
    expect(await found(path, { BANKCTL_CONFIG: other })).toBe(path);
  });

  test('nowhere: the built-in one holds', async () => {
    expect(await findConfig(undefined, { cwd: await directory(), env: {} })).toBe(builtInConfig);
  });

  test('twice in one directory: refused', async () => {
    const top = await directory();
    await writeFile(join(top, 'bankctl.config.yaml'), branches);
    await writeFile(join(top, 'bankctl.config.json'), '{}');
    await expect(findConfig(undefined, { cwd: top, env: {} })).rejects.toThrow('only one can hold');
  });

  test.each([
    ['a directory', (path: string) => mkdir(path), 'is a directory, not a config file'],
    ['not a regular file', (path: string) => symlink('/dev/zero', path), 'is not a regular file'],
    ['not UTF-8', (path: string) => writeFile(path, Buffer.from([0xff])), 'is not UTF-8 text'],
  ])('as %s: refused', async (_why, make, reason) => {
    const path = join(await directory(), 'bankctl.config.yaml');
    await make(path);
    await expect(findConfig(path, { cwd: '/', env: {} })).rejects.toThrow(
      expect.objectContaining({
        code: 'config_unreadable',
        message: `${path} ${reason}.`,
      }),
    );
  });

  test('unreadable: refused', async () => {
    const path = join(await directory(), 'bankctl.config.yaml');
    await writeFile(path, branches);
    await chmod(path, 0);
    await asNobody(() =>
      expect(findConfig(path, { cwd: '/', env: {} })).rejects.toThrow('may not be read by you'),
    );
  });

  /** The superuser may read everything, so it has to become somebody else for a moment. */
  async function asNobody(work: () => Promise<void>): Promise<void> {
    const superuser = process.getuid?.() === 0;
    if (superuser) process.seteuid?.(65534);
    try {
      await work();
    } finally {
      if (superuser) process.seteuid?.(0);
    }
  }
});

describe('the timezone', () => {
  const text = (zone: string) => `timezone: ${zone}\nbranches: { a: { collection: a } }\n`;

  test('is UTC unless the file says otherwise', () => {
    expect(loadConfig('x', 'branches: { a: { collection: a } }').timezone).toBe('UTC');
    expect(loadConfig('x', text('Europe/Paris')).timezone).toBe('Europe/Paris');
  });

  test.each([
    ['Europe/Pariss', /timezone: is not a time zone .*; did you mean Europe\/Paris\?/],
    ['Paris', /timezone: is not a time zone of the IANA database, such as Europe\/Paris/],
    ['"+01:00"', /timezone: is not a time zone/],
    ['""', /timezone: is not a time zone/],
    ['1', /timezone: is missing or not a text/],
  ])('%s is refused', (zone, reason) => {
    expect(() => loadConfig('x', text(zone))).toThrow(reason);
  });
});
