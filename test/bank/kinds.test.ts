import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Change,
  type OperationType,
  requestDigest,
  requestOf,
} from '../../src/bank/operations/operation.ts';

const digestOf = (change: Change, memo?: string) =>
  requestDigest(requestOf({ ...change, id: 'x', idGiven: true, memo }));

const acc = { branch: 'branch1', account: 'ACC' };
const other = { branch: 'branch2', account: 'B:C' };

describe('the digest of a request', () => {
  const digests: readonly (readonly [Change, string | undefined, string])[] = [
    [
      { type: 'open', ...acc, amountMinor: 0n },
      undefined,
      'c0d39158998db82d4d3e034590cfa1564df2d011e7ad541055f94d0084000a2c',
    ],
    [
      { type: 'open', ...acc, amountMinor: 12_345n },
      'first',
      '33fdb227f242158448775c1857c29dc2f57be074458790e6108fecfb6e86ce01',
    ],
    [
      { type: 'increment', ...acc, amountMinor: 5000n, create: false },
      undefined,
      '57d13c8094df9ee2a472254adf679b58ddd46204e3de00cf64bf679e8219d41a',
    ],
    [
      { type: 'increment', ...acc, amountMinor: 5000n, create: true },
      undefined,
      '57d13c8094df9ee2a472254adf679b58ddd46204e3de00cf64bf679e8219d41a',
    ],
    [
      { type: 'increment', ...acc, amountMinor: -1n, create: false },
      'Zürich "cash"',
      '6d1f80cb854991637bc2adfddecca6ff1701b93e0b458482ebb137e795218fc8',
    ],
    [
      { type: 'transfer', from: acc, to: other, amountMinor: 2500n },
      undefined,
      'aca902fc8d47bb32ba881c72e01a46a84b3d6164037d616341a4f2bc328cd611',
    ],
    [
      { type: 'transfer', from: other, to: acc, amountMinor: 2500n },
      'rent',
      'ece624745b888ca1344ec61816014209e5e4df4a1abd22e09bdf4f554086bf3e',
    ],
    [
      { type: 'reverse', reverses: 'till-7' },
      undefined,
      'f0218cff638930e416caaeb72ef194d6dc08d4feeda217807342fd26d42e1a3a',
    ],
    [
      { type: 'reverse', reverses: 'till-7' },
      'paid twice',
      '9e4704e115f2367eda373bd7ad87468b8d84337837ef7071dd5927fe85a3992e',
    ],
    [
      { type: 'open', ...acc, amountMinor: 0n, owner: 'Ada', labels: ['kyc', 'vip'] },
      undefined,
      'dd1730cc84f811a7617df00a1e3e169484642d83edca427a765fbfe55c73142a',
    ],
    [
      { type: 'label', ...acc, owner: null, add: ['kyc', 'vip'], remove: ['late'] },
      'left',
      '96503b9fa5ccd1214e4777bd883d538db0a7322710fb83f5851ca46921071fe6',
    ],
    [
      { type: 'freeze', ...acc },
      undefined,
      'fb7ab9bd2d2ce4214eeeb4bc460ebb773b042ab723194229ce2bbdfd799539a4',
    ],
    [
      { type: 'freeze', ...acc },
      'court',
      '320ef1e5e80ec42bcb9c90ac33cc106a4238ad478c197d84760d7bff7cfed04f',
    ],
    [
      { type: 'unfreeze', ...acc },
      undefined,
      'c455e91d6d5975c589ca049aa4b555a84f1bdaa930c6a75f13dc7213d828306c',
    ],
    [
      { type: 'unfreeze', ...acc },
      'court',
      'acc42867a67ba1e3119a48adbc96b60c4ef80307c8028f85e395b3ee15a743a3',
    ],
    [
      { type: 'close', ...acc },
      undefined,
      '71f70c65b44e6911e47dfb4ac1a4731f383df30e31446730226f32c769ec33dc',
    ],
    [
      { type: 'close', ...acc },
      'court',
      '3141ba23207c36c4c6b713c1c7898c28809f39129e5bc88eb23dda36e0fac8af',
    ],
  ];

  test.each(digests)('stays what existing journals contain: %o %s', (change, memo, digest) => {
    expect(digestOf(change, memo)).toBe(digest);
  });

  // Few values, so that two requests often differ in one field alone.
  const name = fc.constantFrom('A', 'B', 'A:B', 'a"b', '10', '');
  const place = fc.record({ branch: fc.constantFrom('A', 'B', 'AB'), account: name });
  const amountMinor = fc.constantFrom(0n, 1n, 10n, -1n, 999n);
  const pinned = fc.record({ balanceMinor: amountMinor, version: fc.constantFrom(0n, 1n) });
  const word = fc.constantFrom('A', 'B', 'A B');
  const words = fc.constantFrom(['A'], ['B'], ['A', 'B']);
  const optionally = <T>(fields: { [Name in keyof T]: fc.Arbitrary<T[Name]> }) =>
    fc.record(fields, { requiredKeys: [] });
  const at = <T extends string>(type: T) => place.map((it) => ({ type, ...it }));
  const kinds: {
    readonly [T in OperationType]: fc.Arbitrary<Extract<Change, { readonly type: T }>>;
  } = {
    open: fc
      .tuple(at('open'), amountMinor, optionally({ owner: word, labels: words }))
      .map(([it, minor, more]) => ({ ...it, amountMinor: minor, ...more })),
    label: fc
      .tuple(at('label'), optionally({ owner: fc.option(word), add: words, remove: words }))
      .map(([it, more]) => ({ ...it, ...more })),
    increment: fc
      .tuple(at('increment'), amountMinor, fc.boolean())
      .map(([it, minor, create]) => ({ ...it, amountMinor: minor, create })),
    transfer: fc.record({
      type: fc.constant('transfer' as const),
      from: place,
      to: place,
      amountMinor,
    }),
    reverse: fc.record({ type: fc.constant('reverse' as const), reverses: name }),
    freeze: at('freeze'),
    unfreeze: at('unfreeze'),
    close: at('close'),
    adopt: fc
      .tuple(at('adopt'), amountMinor, pinned)
      .map(([it, minor, pin]) => ({ ...it, amountMinor: minor, ...pin })),
    repair: fc.record({
      type: fc.constant('repair' as const),
      legs: fc.array(
        fc
          .tuple(place, amountMinor, pinned)
          .map(([it, minor, pin]) => ({ ...it, amountMinor: minor, ...pin })),
        { minLength: 1, maxLength: 2 },
      ),
    }),
  };
  const request = fc.tuple(
    fc.oneof(...Object.values(kinds)),
    fc.constantFrom(undefined, 'A', '10', 'a"b'),
  );

  test('is the same for two requests only if every field of them is', () => {
    const fieldsOf = ([change, memo]: readonly [Change, string | undefined]) => {
      // A condition, which is not part of what an id stands for.
      const { create: _, ...fields } = { create: false, ...change };
      return JSON.stringify(
        [Object.entries(fields).sort(([one], [two]) => (one < two ? -1 : 1)), memo],
        (_key, value) => (typeof value === 'bigint' ? `${value}n` : value),
      );
    };
    fc.assert(
      fc.property(request, request, (left, right) => {
        expect(digestOf(...left) === digestOf(...right)).toBe(fieldsOf(left) === fieldsOf(right));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('a new kind', () => {
  const root = join(import.meta.dirname, '..', '..');
  const members = {
    fields: "{ needed: ['branch', 'account', 'amount'], may: [] }",
    parse: "() => ({ type: 'hold', branch: '', account: '', amountMinor: 0n })",
    request:
      '({ type, branch, account, amountMinor }, memo) => ' +
      '({ type, branch, account, amount: String(amountMinor), memo })',
    changeOf:
      '(_entry, [{ branch, account, amountMinor }]) => ' +
      "({ type: 'hold', branch, account, amountMinor })",
    accounts: '(change) => [change]',
    legs: '() => []',
    creates: '() => false',
    needsJournal: 'true',
    isReversible: 'false',
    showsAmount: 'true',
    status: 'undefined',
  };

  function kindOf(name: string, of: Readonly<Record<string, string>>): string {
    const body = Object.entries(of).map(([member, value]) => `  ${member}: ${value},`);
    return [`export const ${name}: RowKind<Hold> = {`, ...body, '};', ''].join('\n');
  }

  /** The errors of the compiler in a copy of src, each as `FILE: MESSAGE`. */
  function compile(edits: Readonly<Record<string, (text: string) => string>>): readonly string[] {
    const copy = mkdtempSync(join(tmpdir(), 'bankctl-kinds-'));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    const tsconfig = { compilerOptions, include: ['src'], exclude: ['src/render/html/page'] };
    writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(tsconfig));
    writeFileSync(join(copy, 'package.json'), JSON.stringify({ type: 'module' }));
    for (const [file, edit] of Object.entries(edits)) {
      const path = join(copy, 'src', file);
      const before = file.endsWith('/hold.ts') ? '' : readFileSync(path, 'utf8');
      const after = edit(before);
      expect(after).not.toBe(before);
      writeFileSync(path, after);
    }
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '--pretty', 'false'], {
      cwd: copy,
      encoding: 'utf8',
    });
    return [...stdout.matchAll(/^src\/(.*?)\(\d+,\d+\): error TS\d+: (.*)$/gm)].map(
      ([, file, message]) => `${file}: ${message}`,
    );
  }

  const hold = [
    "import type { RowKind } from './kind.ts';",
    "import type { AccountReference } from './names.ts';",
    'export interface Hold extends AccountReference {',
    "  readonly type: 'hold';",
    '  readonly amountMinor: bigint;',
    '}',
    kindOf('hold', members),
  ].join('\n');
  const inUnion = (text: string) =>
    text
      .replace('import { type Increment', "import { type Hold, hold } from './hold.ts';\n$&")
      .replace('export type Change =', '$& | Hold');
  const inTable = (text: string) => inUnion(text).replace('const rowKinds = {', '$& hold,');
  const withCommand = (text: string) => text.replace('const posting = {', '$& hold: open,');

  test('is complete with a file, a row in the table and its command', () => {
    const errors = compile({
      'bank/operations/hold.ts': () => hold,
      'bank/operations/operation.ts': inTable,
      'commands/index.ts': withCommand,
    });
    expect(errors).toEqual([]);
  });

  test('does not compile without its row, its command, every member and every field', () => {
    const without = Object.keys(members).map((left) =>
      kindOf(
        `without_${left}`,
        Object.fromEntries(Object.entries(members).filter(([member]) => member !== left)),
      ),
    );
    const wrong = {
      amountLeftOut: {
        request: '({ type, branch, account }, memo) => ({ type, branch, account, memo })',
      },
      memoLeftOut: {
        request:
          '({ type, branch, account, amountMinor }) => ' +
          '({ type, branch, account, amount: String(amountMinor) })',
      },
      unknownColumn: { fields: "{ needed: ['until'], may: [] }" },
    };
    const errors = compile({
      'bank/operations/hold.ts': () =>
        [
          hold,
          ...without,
          ...Object.entries(wrong).map(([name, change]) => kindOf(name, { ...members, ...change })),
        ].join('\n'),
      'bank/operations/operation.ts': inUnion,
    });
    const inFile = (file: string) =>
      errors
        .filter((error) => error.startsWith(`${file}: `))
        .map((error) => error.slice(file.length + 2).replace(/ is missing.*/, ' is missing'));
    const missing = (member: string) => `Property '${member}' is missing`;
    expect(inFile('bank/operations/hold.ts')).toEqual([
      ...Object.keys(members).map(missing),
      missing('amount'),
      missing('memo'),
      expect.stringContaining('"until"'),
    ]);
    expect(inFile('bank/operations/operation.ts')).toContain(missing('hold'));
    expect(inFile('commands/index.ts')).toEqual([missing('hold')]);
  });
});
