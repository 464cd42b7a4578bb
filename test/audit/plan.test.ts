import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Correction } from '../../src/audit/correction.ts';
import { type FindingCode, findingTable } from '../../src/audit/finding.ts';
import { parsePlan } from '../../src/audit/plan/plan-parser.ts';
import { planText } from '../../src/audit/plan/plan-text.ts';
import { lineInWritten, readWrittenEntry } from '../../src/audit/plan/written-entry.ts';
import { loadConfig } from '../../src/config/parser.ts';
import { readStrictYaml } from '../../src/config/strict-yaml.ts';
import { branchOf, planConfig } from '../commands/plan-fixture.ts';

const config = loadConfig('test.yaml', planConfig);

const head = {
  ...{ database: 'bank', databaseId: '0a1b', madeMs: Date.UTC(2026, 0, 2), by: 'clerk@desk' },
  idPrefix: 'fix',
};

const leg = {
  ...{ branch: 'branch1', account: 'ACC-7', amountMinor: 7001n, balanceMinor: 10_000n },
  ...{ version: 3n, outsideMinor: 0n },
};

const corrections: readonly Correction[] = [
  {
    findings: ['misplaced_write'],
    account: 'ACC-7',
    why: "70.01 of branch1's money is in branch2 (certain).",
    legs: [
      leg,
      {
        ...leg,
        branch: 'branch2',
        amountMinor: -7001n,
        balanceMinor: 17_001n,
        outsideMinor: 7001n,
      },
    ],
  },
  {
    findings: ['lost_write'],
    account: '0042',
    why: '銀行: "25.00" lost \\ # not a comment',
    legs: [{ ...leg, account: '0042', amountMinor: 2500n }],
  },
];

function written(list: readonly Correction[] = corrections): string {
  return [...planText(head, list, branchOf)].join('');
}

/** The message with which a text is refused. */
function refusal(text: string): string {
  try {
    parsePlan('plan.yaml', text, config);
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return 'it is accepted';
}

describe('a plan', () => {
  test('is text that a person can review and trim', async () => {
    await expect(written()).toMatchFileSnapshot('printed-plan.yaml');
  });

  test('is read as it was written', () => {
    const plan = parsePlan('plan.yaml', written(), config);
    expect(plan).toMatchObject({ database: 'bank', databaseId: '0a1b', by: 'clerk@desk' });
    expect(plan.entries.map(({ id, line }) => [id, line])).toEqual([
      ['fix-1', 20],
      ['fix-2', 28],
    ]);
    expect(plan.entries[0]?.changes).toEqual([
      { ...leg, outsideMinor: undefined },
      {
        ...{ branch: 'branch2', account: 'ACC-7', amountMinor: -7001n, balanceMinor: 17_001n },
        ...{ version: 3n, outsideMinor: 7001n },
      },
    ]);
  });

  const findingCodes = Object.keys(findingTable).filter((code): code is FindingCode =>
    Object.hasOwn(findingTable, code),
  );
  const minor = fc.bigInt({ min: -(10n ** 24n) + 1n, max: 10n ** 24n - 1n });
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => !/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\uFFFD\u2800]/u.test(text))
    .map((text) => text.normalize('NFC'));
  const someLegs = fc
    .uniqueArray(fc.constantFrom('branch1', 'branch2', 'euro'), { minLength: 1 })
    .chain((branches) =>
      fc.tuple(
        ...branches.map((branch) =>
          fc.record({
            branch: fc.constant(branch),
            amountMinor: minor.filter((it) => it !== 0n),
            balanceMinor: minor,
            version: fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
            outsideMinor: fc.oneof(fc.constant(0n), minor),
          }),
        ),
      ),
    );
  // Money is misplaced only between branches of one currency.
  const other = 'lost_write' as const;
  const correction = fc.record({
    findings: fc
      .uniqueArray(fc.constantFrom(...findingCodes), { minLength: 1, maxLength: 3 })
      .map((codes) => [...codes.filter((code) => code !== 'misplaced_write'), other]),
    account: name,
    why: name,
    legs: someLegs,
  });
  const many = fc.uniqueArray(correction, { selector: ({ account }) => account, maxLength: 6 });

  test('of any corrections is read as it was written, in any order, and trimmed', () => {
    fc.assert(
      fc.property(many, fc.boolean(), fc.nat(), (list, isReversed, left) => {
        const full = list.map((one) => ({
          ...one,
          legs: one.legs.map((it) => ({ ...it, account: one.account })),
        }));
        const [top = '', ...entries] = planText(head, full, branchOf);
        const ids = entries.map((_, index) => `fix-${index + 1}`);
        const keep = <T>(all: readonly T[]) => {
          const some = all.filter((_, index) => index % 3 !== left % 3);
          return isReversed ? some.reverse() : some;
        };
        const plan = parsePlan('plan.yaml', [top, ...keep(entries)].join(''), config);
        expect(plan.entries.map(({ id }) => id)).toEqual(keep(ids));
        expect(
          plan.entries.map(({ account, why, findings, changes }) => ({
            ...{ account, why, findings },
            legs: changes.map((it) => ({ ...it, outsideMinor: it.outsideMinor ?? 0n })),
          })),
        ).toEqual(
          keep(full).map(({ account, why, findings, legs }) => ({ account, why, findings, legs })),
        );
      }),
    );
  });

  test('is the same to a YAML parser, and its lines are where they are said to be', () => {
    fc.assert(
      fc.property(many, (list) => {
        const full = list.map((one) => ({
          ...one,
          legs: one.legs.map((it) => ({ ...it, account: one.account })),
        }));
        const [, ...entries] = planText(head, full, branchOf);
        for (const written of entries.map((entry) => entry.replace(/^\n/, ''))) {
          const read = readWrittenEntry(written);
          const yaml = readStrictYaml(written, 'plan');
          if ('reason' in yaml) throw new Error(yaml.reason);
          expect([read]).toEqual(yaml.value);
          for (const path of [['id'], ['why'], ['changes', 0], ['changes', 0, 'version']]) {
            const before = written.slice(0, yaml.offsetOf([0, ...path])).split('\n').length - 1;
            expect(lineInWritten(path)).toBe(before);
          }
        }
      }),
    );
  });

  test.each([
    ['a comment between', (text: string) => text.replace('    why', '    # so\n    why')],
    ['single quotes', (text: string) => text.replace('"0042"', "'0042'")],
    ['no comment after a change', (text: string) => text.replace(/ # .*becomes.*/g, '')],
    ['keys in another order', (text: string) => text.replace(/( {4}fi.*\n)( {4}ac.*\n)/, '$2$1')],
    [
      'changes over several lines',
      (text: string) => text.replaceAll(', balance', ',\n          balance'),
    ],
    ['an escape of YAML', (text: string) => text.replace('lost', '\\x6cost')],
  ])('may be edited: %s', (_what, edit) => {
    const edited = edit(written());
    expect(edited).not.toBe(written());
    const plain = (text: string) =>
      parsePlan('plan.yaml', text, config).entries.map(({ line: _line, ...rest }) => rest);
    expect(plain(edited)).toEqual(plain(written()));
  });

  test('may be JSON', () => {
    const { entries } = parsePlan('plan.yaml', written(), config);
    const repairs = entries.map(({ id, findings, account, why, changes }) => ({
      ...{ id, findings, account, why },
      changes: changes.map(({ branch, version }) => ({
        ...{ branch, amount: '70.01', balance: '100.00', version: Number(version) },
      })),
    }));
    const json = { plan: 1, database: 'bank', database_id: '0a1b', made: 'x', by: 'y' };
    const findings = ['lost_write'];
    const text = JSON.stringify({ ...json, repairs: repairs.map((it) => ({ ...it, findings })) });
    expect(parsePlan('p.json', text, config).entries.map(({ id }) => id)).toEqual([
      'fix-1',
      'fix-2',
    ]);
  });

  test('may have lines that end like those of Windows, comments, and other indentation', () => {
    const text = written().replaceAll('\n', '\r\n').replace('plan: 1', '# a\r\nplan: 1 # b');
    expect(parsePlan('plan.yaml', text, config).entries).toHaveLength(2);
    const flush = written().replaceAll(/^ {2}/gm, '');
    expect(parsePlan('plan.yaml', flush, config).entries).toHaveLength(2);
  });

  test('may have no entries left', () => {
    const [top = ''] = planText(head, corrections, branchOf);
    expect(parsePlan('plan.yaml', top, config).entries).toEqual([]);
  });

  test('leaves out what would change nothing', () => {
    const nothing = { ...leg, amountMinor: 0n };
    const text = written([
      {
        ...corrections[1],
        account: '0042',
        findings: ['outside_write'],
        why: 'x',
        legs: [nothing],
      },
    ]);
    expect(parsePlan('plan.yaml', text, config).entries).toEqual([]);
  });
});

describe('a plan is refused as a whole', () => {
  const change = (from: string | RegExp, to: string) => written().replace(from, to);

  test.each<[why: string, text: string, message: RegExp]>([
    ['that is empty', '', /plan.yaml, line 1: the plan is not the head of a plan/],
    [
      'that is a config',
      'database: bank\nbranches: {}\n',
      /line 2: branches is a key that no plan/,
    ],
    ['that is prose', 'Dear colleague,\nplease repair this.\n', /line 1/],
    ['that is another version', change('plan: 1', 'plan: 2'), /line 13: plan is not 1/],
    ['that was cut', written().slice(0, -30), /line 33, column \d+: /],
    ['with a tab', change('    account', '\taccount'), /line 20, column 3: .*tab/],
    ['with an anchor', change('why: ', 'why: &a '), /line 23, column 10: there is an anchor/],
    [
      'with a key twice',
      change('    why', '    account: "X"\n    why'),
      /line 23, .* appears twice/,
    ],
    ['with an unknown key', change('    why', '    whom: "X"\n    why'), /line 23: whom is a key/],
    ['without a key', change(/ {4}why.*\n/, ''), /line 20: why is missing/],
    [
      'with an unknown finding',
      change('lost_write', 'lost'),
      /findings.0, "lost", is not a finding/,
    ],
    [
      'with an amount unquoted',
      change('"25.00", b', '25.00, b'),
      /line 33: .*must be text in quotes/,
    ],
    ['with an account unquoted', change('"0042"', '0042'), /line 30: account is .*not text/],
    [
      'with a comma in an amount',
      change('"25.00"', '"25,00"'),
      /amount of change 1, "25,00", is not an amount/,
    ],
    ['with too many decimals', change('"25.00"', '"25.001"'), /3 decimals, but USD has 2/],
    ['with thousands', change('"25.00"', '"2.500"'), /may be 2500.00 USD, or 2.50/],
    ['with an amount of zero', change('"25.00"', '"0.00"'), /line 33: amount of change 1 is zero/],
    ['with a version of zero', change('version: 3', 'version: 0'), /version of change 1 is not 1/],
    ['with half a version', change('version: 3', 'version: 1.5'), /version of change 1 is not/],
    ['with an unknown branch', change('"branch1"', '"brnach1"'), /did you mean branch1\?/],
    [
      'with a branch that left',
      change('"branch1"', '"Lyon"'),
      /"Lyon", is no branch of the config, or no longer/,
    ],
    ['with an id twice', change('fix-2', 'fix-1'), /line 28: the id "fix-1" .* line 20/],
    ["with an id of another entry's part", change('fix-2', 'fix-1/adopt-2'), /line 28: the id/],
    [
      'with a bad id',
      change('fix-2', 'fix\\u200B2'),
      /line 28: id is no good: .*cannot be printed/,
    ],
    ['with an id too long', change('fix-1', 'x'.repeat(128)), /id is no good: .* maximum is 128/],
    ['with a bad account', change('"0042"', '" 42"'), /account is no good: .*begins or ends/],
    ['with a memo too long', change(/why: ".*/, `why: "${'x'.repeat(501)}"`), /maximum is 500/],
    ['with an account twice', change('"0042"', '"ACC-7"'), /line 28: the account "ACC-7"/],
    [
      'with a branch twice',
      change('"branch2"', '"branch1"'),
      /change 2 is a second one of the bran/,
    ],
    ['with misplaced money that is more', change('"-70.01"', '"-70.00"'), /add up to 0.01 and not/],
    [
      'with a list that is none',
      written().replace(/repairs:.*/s, 'repairs: all\n'),
      /repairs is not a list/,
    ],
    ['with an entry that is none', change('  - id: "fix-2"', '  - fix-2\n  - id: "x"'), /line 28/],
    ['with two documents', `${written()}---\nplan: 1\n`, /a second document begins/],
    ['with a control character', change('lost', 'lo\u0007st'), /there is a control character/],
  ])('%s', (_why, text, message) => {
    expect(refusal(text)).toMatch(message);
  });

  const oneSentence = /^plan\.yaml, line \d+[^\p{C}\p{Zl}\p{Zp}]*[.?]$|^it is accepted$/u;

  test('in one sentence, whatever is in it', () => {
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 40 }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const text = edits.reduce((before, [at, length, put]) => {
          const start = at % before.length;
          return before.slice(0, start) + put + before.slice(start + length);
        }, written());
        expect(refusal(text)).toMatch(oneSentence);
      }),
      { numRuns: 500 },
    );
  });

  test('with the first ten of its faults', () => {
    const list = Array.from(
      { length: 12 },
      (_, index): Correction => ({
        ...{ findings: ['lost_write'], account: `A${index}`, why: 'lost' },
        legs: [leg],
      }),
    );
    const text = written(list).replaceAll('"branch1"', '"Lyon"');
    expect(refusal(text)).toMatch(/^plan.yaml, line \d+: .*; and 2 more faults\.$/);
    expect(refusal(text).match(/line \d+: /g)).toHaveLength(10);
  });
});
