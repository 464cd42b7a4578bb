import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtInConfig } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/parser.ts';
import { findConfig } from '../../src/config/search.ts';
import { configTemplate, ensureConfigFile } from '../../src/config/template.ts';

const branches = 'branches: { branch1: { collection: branch1 } }';

const refused: readonly [why: string, text: string, reason: string][] = [
  ['an unknown key', `${branches}\nbranchs: 1`, 'branchs is unknown; did you mean branches?'],
  [
    'an unknown key of a branch',
    'branches: { a: { collection: a, minbalance: "1" } }',
    'branches.a.minbalance is unknown; did you mean minBalance?',
  ],
  [
    'two branches with one collection',
    'branches: { a: { collection: x }, b: { collection: x } }',
    'branches.b.collection is x, which already belongs to branch a',
  ],
  [
    "the journal's collection",
    'branches: { a: { collection: journal } }',
    'branches.a.collection is journal, which already belongs to the journal',
  ],
  ['system.*', 'branches: { a: { collection: system.users } }', 'begins with system.'],
  ['a $', 'branches: { a: { collection: a$b } }', 'branches.a.collection has a $'],
  ['a null byte', 'branches: { a: { collection: "a\\0b" } }', 'has a null byte'],
  ['a dot at the end', 'branches: { a: { collection: a. } }', 'has a dot where'],
  [
    'a long collection',
    `branches: { a: { collection: ${'x'.repeat(251)} } }`,
    "is longer than MongoDB's 255 bytes",
  ],
  ['a colon in a name', 'branches: { "a:b": { collection: a } }', 'branches.a:b has a colon'],
  ['white space in a name', 'branches: { "a b": { collection: a } }', 'has white space'],
  ['an empty name', 'branches: { "": { collection: a } }', 'is empty'],
  ['__proto__', 'branches: { "__proto__": { collection: a } }', '__proto__'],
  ['no collection', 'branches: { a: {} }', 'branches.a.collection is missing'],
  ['a bad currency', `currency: DOLLAR\n${branches}`, 'currency is not an ISO 4217'],
  [
    'a currency of a branch',
    'branches: { a: { collection: a, currency: XYZ } }',
    'branches.a.currency is not an ISO 4217',
  ],
  [
    'an amount that is not text',
    'branches: { a: { collection: a, minBalance: -1.5 } }',
    'branches.a.minBalance must be text',
  ],
  [
    'an amount',
    'branches: { a: { collection: a, minBalance: "ten" } }',
    'branches.a.minBalance is not an amount',
  ],
  [
    'digits below the currency',
    'branches: { a: { collection: a, currency: JPY, minBalance: "1.5" } }',
    'branches.a.minBalance cannot be used: "1.5" has 1 decimal, but JPY has no decimals',
  ],
  [
    'another storage',
    'branches: { a: { collection: a, storage: float } }',
    'branches.a.storage is neither decimal nor double',
  ],
  [
    'doubles without a journal',
    'journal: false\nbranches: { a: { collection: a }, b: { collection: b, storage: double } }',
    'branches.b.storage is double, which needs the journal, but journal is false',
  ],
  ['no branch', 'branches: {}', 'branches is empty'],
  ['no branches', 'database: bank', 'branches is missing'],
  ['a list', '- a', 'the file is missing or not a mapping'],
  ['an empty file', '', 'branches is missing'],
  ['a database', `database: "a/b"\n${branches}`, 'database has a character'],
  ["MongoDB's database", `database: admin\n${branches}`, "database is one of MongoDB's own"],
  ['a journal', `journal: true\n${branches}`, 'journal is neither'],
  ...[
    'authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:x',
    'authMechanism=MONGODB-OIDC',
    'authMechanism=MONGODB-AWS',
    'authMechanism=GSSAPI',
    'authM%65chanism=MONGODB-OIDC',
    'AUTHMECHANISMPROPERTIES=ENVIRONMENT:gcp',
    'a=b&%61uthMechanismProperties=ENVIRONMENT:gcp',
    'proxyHost=evil',
    'proxyPort=1',
    'tlsCAFile=/etc/secret',
    'tlsCertificateKeyFile=/etc/secret',
    'tlsCRLFile=/etc/secret',
    'tlsInsecure=true',
    'tlsAllowInvalidCertificates=true',
    'tlsAllowInvalidHostnames=true',
    'srvServiceName=x',
    'promoteValues=false',
    '?w=1',
    'authMechanism=PLAIN&authMechanism=SCRAM-SHA-256',
  ].map((option): [string, string, string] => [
    option,
    `uri: "mongodb://h/?${option}"\n${branches}`,
    'which no config may set',
  ]),
  ['a password', `uri: mongodb://u:secret@h/\n${branches}`, 'uri has a password'],
  ['another URI', `uri: http://h\n${branches}`, 'uri does not begin with mongodb://'],
  ['wrong syntax', 'branches: {', 'line 1, column 12'],
  [
    'a repeated key',
    `${branches}\n${branches}`,
    'line 2, column 1: the key branches appears twice',
  ],
  [
    'a repeated branch',
    'branches: { a: { collection: a }, a: { collection: b } }',
    'line 1, column 35: the key a appears twice',
  ],
  ['a tag', 'branches: !!js/function "x"', 'line 1, column 11: there is a tag'],
  ['two documents', `${branches}\n---\n${branches}`, 'a second document begins'],
  ['an anchor', `database: &secret x\n${branches}`, 'line 1, column 11: there is an anchor'],
  ['an alias', `${branches}\ndatabase: *secret`, 'line 2, column 11: there is an alias'],
  ['a directive', `%secret\n---\n${branches}`, 'line 1, column 1: there is a directive'],
  ['a merge key', 'branches: { a: { <<: { collection: b } } }', 'branches.a.<< is unknown'],
  ['a control character', `database: a\u001f&b\n${branches}`, 'column 12: there is a control'],
  ['a tab', 'branches:\n\tsecret: 1', 'line 2, column 1: there is a tab'],
  ['a key 0042', 'branches:\n  0042: { collection: c }', 'line 2, column 3: the key 0042 must be'],
  ['a key that is true', 'branches: { true: { collection: c } }', 'the key true must be in quotes'],
  ['a key that is null', 'branches: { ~: { collection: c } }', 'the key ~ must be in quotes'],
  ['a key 1e3', 'branches: { 1e3: { collection: c } }', 'the key 1e3 must be in quotes'],
  ['a key that is a list', 'branches: { [secret]: 1 }', 'a key is not text'],
  ['a branch no', 'branches: { no: { collection: c } }', 'write no in quotes'],
  ['a journal no', `journal: no\n${branches}`, 'line 1, column 10: write no in quotes'],
  ['a journal OFF', `journal: OFF\n${branches}`, 'write OFF in quotes'],
  ['a collection yes', 'branches: { a: { collection: yes } }', 'write yes in quotes'],
  ['a line that is not YAML', 'user secret: pass: secret', 'there is one colon too many'],
  ['a text in bad quotes', 'database: "\\secret"', 'a \\ that is not a valid escape'],
  ['another file', 'root_secret: x\nsecret: y', 'the file has none of the keys'],
  ['a line of text', 'my secret', 'the file has none of the keys'],
  ['the collection of the identity', 'branches: { a: { collection: bankctl } }', 'where bankctl'],
  ['a journal of that name', `journal: bankctl\n${branches}`, 'where bankctl records'],
];

function line(lines: number, text: (index: number) => string): string {
  return Array.from({ length: lines }, (_, index) => `\n${text(index)}`).join('');
}

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
  test.each([
    'mongodb://h/?replicaSet=rs0&retryWrites=true&w=majority&authSource=admin&tls=true',
    'mongodb+srv://me@cluster.example.net/?appName=x&maxStalenessSeconds=120',
    'mongodb://me@h/?authMechanism=SCRAM-SHA-256',
  ])('one with %s', (uri) => {
    expect(loadConfig('x', `uri: "${uri}"\n${branches}`).uri).toBe(uri);
  });

  test('with names in quotes, whatever they look like', () => {
    const text = `branches: { "0042": { collection: c1 }, 'no': { collection: "on" } }`;
    const made = loadConfig('x', text).branches.map(({ name, collection }) => [name, collection]);
    expect(made).toEqual([
      ['0042', 'c1'],
      ['no', 'on'],
    ]);
  });

  test.each([
    ['20,000 branches', `branches:${line(20_000, (i) => `  b${i}: { collection: c${i} }`)}`],
    ['60,000 anchors', `${line(60_000, (i) => `k${i}: &a${i} x`)}`],
    ['300,000 aliases', `a: &a [1]\nb: [${'*a,'.repeat(300_000)}]`],
    ['200,000 tags', '!!x '.repeat(200_000)],
    ['200,000 directives', '%a\n'.repeat(200_000)],
  ])('read or refused in a time linear in its length: %s', (_what, text) => {
    const started = process.cpuUsage().user;
    try {
      expect(loadConfig('x', text).branches).toHaveLength(20_000);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_config' });
    }
    expect(process.cpuUsage().user - started).toBeLessThan(5_000_000);
  });

  test('the template, which is the built-in one', () => {
    expect(loadConfig('x', configTemplate)).toEqual({
      ...builtInConfig,
      source: 'x',
      databaseGiven: true,
    });
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
        storage: 'decimal',
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
    await expect(findConfig(undefined, { cwd: top, env: {} })).rejects.toThrow(
      'only one can be used',
    );
  });

  test.each([
    ['a directory', (path: string) => mkdir(path), 'is a directory'],
    ['not a regular file', (path: string) => symlink('/dev/zero', path), 'is not a regular file'],
    ['UTF-16', (path: string) => writeFile(path, `\uFEFF${branches}`, 'utf16le'), 'is UTF-16'],
    [
      'UTF-16 without its mark',
      (path: string) => writeFile(path, branches, 'utf16le'),
      'is UTF-16',
    ],
    [
      'too large',
      (path: string) => writeFile(path, '#'.repeat(2 ** 20 + 1)),
      'has more than 1024 KiB',
    ],
    ['a dangling link', (path: string) => symlink('/nowhere', path), 'is a symbolic link to /now'],
    [
      'a link to itself',
      (path: string) => symlink(path, path),
      'cannot be read: the path has too many symbolic links',
    ],
    [
      'a pipe',
      async (path: string) => void execFileSync('mkfifo', [path]),
      'is not a regular file',
    ],
    ['not UTF-8', (path: string) => writeFile(path, Buffer.from([0xff])), 'is not UTF-8 text'],
  ])('as %s: refused', async (_why, make, reason) => {
    const path = join(await directory(), 'bankctl.config.yaml');
    await make(path);
    for (const [given, cwd] of [
      [path, '/'],
      [undefined, dirname(path)],
    ] as const) {
      await expect(findConfig(given, { cwd, env: {} })).rejects.toMatchObject({
        code: 'config_unreadable',
        message: expect.stringContaining(`${path} ${reason}`),
      });
    }
  });

  test('with a byte order mark', async () => {
    const path = join(await directory(), 'bankctl.config.yaml');
    await writeFile(path, `\uFEFF${branches}`);
    expect(await findConfig(path, { cwd: '/', env: {} })).toMatchObject({ source: path });
  });

  describe('unasked only if nobody else could have put it there:', () => {
    const name = 'bankctl.config.yaml';
    const superuser = process.getuid?.() === 0;
    /** Gives a file to another user; whoever may not do that takes a mode that says as much. */
    const giveAway = (path: string) =>
      superuser ? chown(path, 65_534, 65_534) : chmod(path, 0o666);
    const giveLinkAway = async (path: string) => {
      if (superuser) await lchown(path, 65_534, 65_534);
      else await chmod(dirname(path), 0o777);
    };
    const situations: readonly [what: string, make: (top: string) => Promise<unknown>, RegExp][] = [
      ["another user's", (top) => giveAway(join(top, name)), /nobody|mode 0666/],
      ['writable by all', (top) => chmod(join(top, name), 0o646), /mode 0646/],
      ['in a directory that all can write', (top) => chmod(top, 0o777), /mode 0777/],
      ['in a sticky one', (top) => chmod(top, 0o1777), /mode 1777/],
      [
        "in another user's directory",
        (top) => (superuser ? chown(top, 65_534, 0) : chmod(top, 0o702)),
        /nobody|0702/,
      ],
      [
        "by another user's link",
        async (top) => {
          await rename(join(top, name), join(top, 'x'));
          await symlink('x', join(top, name));
          await giveLinkAway(join(top, name));
        },
        /nobody|mode/,
      ],
      [
        'by a link into a directory that all can write',
        async (top) => {
          await mkdir(join(top, 'open'));
          await chmod(join(top, 'open'), 0o777);
          await rename(join(top, name), join(top, 'open', 'x'));
          await symlink(join(top, 'open', 'x'), join(top, name));
        },
        /open, on the way to it, belongs .*\(mode 0777/,
      ],
      [
        'by way of a link that lies in such a directory',
        async (top) => {
          await mkdir(join(top, 'mine'));
          await mkdir(join(top, 'open'));
          await rename(join(top, name), join(top, 'mine', 'x'));
          await symlink('../mine', join(top, 'open', 'way'));
          await symlink('open/way/x', join(top, name));
          await chmod(join(top, 'open'), 0o777);
        },
        /open, on the way to it, belongs .*\(mode 0777/,
      ],
    ];

    test.each(situations)('not one %s', async (_what, make, reason) => {
      const top = await directory();
      const path = join(top, name);
      await writeFile(path, `uri: mongodb://evil/\n${branches}`);
      await make(top);
      await mkdir(join(top, 'below'));
      for (const cwd of [top, join(top, 'below')]) {
        await expect(findConfig(undefined, { cwd, env: {} })).rejects.toMatchObject({
          code: 'config_not_trusted',
          message: expect.stringMatching(reason),
          hint: expect.stringContaining(`--config ${path}`),
        });
      }
      expect(await findConfig(path, { cwd: '/', env: {} })).toMatchObject({ source: path });
      expect(
        await findConfig(undefined, { cwd: top, env: { BANKCTL_CONFIG: path } }),
      ).toMatchObject({ source: path });
    });

    test("one that the user's own group can write, but no other group", async () => {
      const top = await directory();
      const path = join(top, name);
      await writeFile(path, branches);
      await chmod(path, 0o664);
      // Whether a group has one member only is read in the files of this machine.
      const ownGroup = readFileSync('/etc/group', 'utf8').match(/^root:[^:]*:0:(root)?$/m);
      if (superuser && ownGroup) {
        expect(await findConfig(undefined, { cwd: top, env: {} })).toMatchObject({ source: path });
        await chown(path, 0, 100);
      } else await chmod(path, 0o666);
      await expect(findConfig(undefined, { cwd: top, env: {} })).rejects.toMatchObject({
        code: 'config_not_trusted',
      });
    });

    test('one of root, for another user', async () => {
      const top = await directory();
      await chmod(top, 0o755);
      await writeFile(join(top, name), branches);
      await asNobody(async () => {
        expect(await findConfig(undefined, { cwd: top, env: {} })).toMatchObject({
          source: join(top, name),
        });
      });
    });

    test('so init writes none that would not be taken', async () => {
      const top = await directory();
      const write = (cwd: string) =>
        ensureConfigFile(undefined, { cwd, env: {} }, { dryRun: false, database: undefined });
      await chmod(top, 0o1777);
      await expect(write(top)).rejects.toMatchObject({ code: 'config_not_trusted' });
      expect(await readdir(top)).toEqual([]);
      await chmod(top, 0o700);
      const before = process.umask(0);
      try {
        expect(await write(top)).toMatchObject({ written: true });
      } finally {
        process.umask(before);
      }
      expect((await stat(join(top, name))).mode & 0o777).toBe(0o644);
      expect(await findConfig(undefined, { cwd: top, env: {} })).toMatchObject({
        database: 'bank',
      });
    });
  });

  test('unreadable: refused', async () => {
    const path = join(await directory(), 'bankctl.config.yaml');
    await writeFile(path, branches);
    await chmod(path, 0);
    await asNobody(() =>
      expect(findConfig(path, { cwd: '/', env: {} })).rejects.toThrow('permission denied'),
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
    ['Europe/Pariss', /timezone is not a time zone .*; did you mean Europe\/Paris\?/],
    ['Paris', /timezone is not a time zone of the IANA database, such as Europe\/Paris/],
    ['"+01:00"', /timezone is not a time zone/],
    ['""', /timezone is not a time zone/],
    ['1', /timezone is missing or not text/],
  ])('%s is refused', (zone, reason) => {
    expect(() => loadConfig('x', text(zone))).toThrow(reason);
  });
});
