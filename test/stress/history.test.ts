import { describe, expect, test } from 'vitest';
import { createLineJudge } from '../../src/stress/check/check-history.ts';

type Line = Readonly<Record<string, unknown>> | string;

/** Two workers, one increment each, at the same time; `branch1` begins with 1.00 at version 1. */
function ledger(changes: Readonly<Record<number, Line | readonly Line[]>> = {}): readonly Line[] {
  const first = { id: 'a', account: 'branch1:X', amount: '5.00' };
  const second = { id: 'b', account: 'branch1:X', amount: '2.00' };
  const lines: readonly Line[] = [
    {
      type: 'ok',
      f: 'init',
      value: { accounts: { 'branch1:X': { balance: '1.00', version: 1 } } },
    },
    { process: 1, type: 'invoke', f: 'increment', value: first },
    { process: 2, type: 'invoke', f: 'increment', value: second },
    { process: 1, type: 'ok', f: 'increment', value: { ...first, balance: '6.00', version: 2 } },
    { process: 2, type: 'ok', f: 'increment', value: { ...second, balance: '8.00', version: 3 } },
    { type: 'ok', f: 'applied', value: { ids: ['a', 'b'] } },
  ];
  return lines.flatMap((line, index) => changes[index] ?? [line]);
}

/** The same for a model without a journal: it says where each write went. */
function branch(
  model: string,
  landed: string,
  matched: number,
  balances: Readonly<Record<string, string>>,
): readonly Line[] {
  const first = { id: 'a', account: 'branch1:X', amount: '5.00' };
  const second = { id: 'b', account: 'branch2:X', amount: '2.00' };
  const accounts = { 'branch1:X': { balance: '1.00' }, 'branch2:X': { balance: '1.00' } };
  const ok = { type: 'ok', f: 'increment', matched: 1 };
  return [
    { type: 'ok', f: 'init', model, value: { accounts } },
    { process: 1, type: 'invoke', f: 'increment', value: first },
    { process: 2, type: 'invoke', f: 'increment', value: second },
    { ...ok, process: 1, value: first, collection: landed, matched },
    { ...ok, process: 2, value: second, collection: 'branch2' },
    { type: 'ok', f: 'applied', value: { balances } },
  ];
}

function judge(lines: readonly Line[]) {
  const judgeLines = createLineJudge();
  for (const [time, line] of lines.entries()) {
    judgeLines.take(typeof line === 'string' ? line : JSON.stringify({ time, ...line }));
  }
  return judgeLines.finish();
}

/** What `branch1:X` holds with each version; the last one is for an increment that came twice. */
const balances: Readonly<Record<number, string>> = { 1: '1.00', 2: '6.00', 3: '8.00', 4: '13.00' };
const ok = (id: string, version: number, more: object = {}) => ({
  process: id === 'a' ? 1 : 2,
  type: 'ok',
  f: 'increment',
  value: {
    id,
    account: 'branch1:X',
    amount: id === 'a' ? '5.00' : '2.00',
    balance: balances[version],
    version,
    ...more,
  },
});
const read = (version: number): readonly Line[] => [
  { process: 3, type: 'invoke', f: 'read', value: { account: 'branch1:X' } },
  {
    process: 3,
    type: 'ok',
    f: 'read',
    value: { account: 'branch1:X', balance: balances[version], version },
  },
];
const applied = (...ids: readonly string[]) => ({ type: 'ok', f: 'applied', value: { ids } });
/** Somebody reads the account at the end: without that, ids alone prove nothing. */
const readBack = (lines: readonly Line[], version: number): readonly Line[] => [
  ...lines.slice(0, -1),
  ...read(version).map((line) => ({ ...(typeof line === 'string' ? {} : line), process: 9 })),
  ...lines.slice(-1),
];
const refused = { ...ok('b', 3), type: 'fail' };
const sound = { 'branch1:X': '6.00', 'branch2:X': '3.00' };
const again = [ok('b', 3), { ...ok('a', 2), process: 4, type: 'invoke' }];

describe('a correct history', () => {
  test.each<[string, readonly Line[]]>([
    ['clean', readBack(ledger(), 3)],
    ['clean', readBack(ledger({ 4: { ...ok('b', 3), type: 'info' } }), 3)],
    ['clean', readBack(ledger({ 4: { ...ok('b', 3), type: 'info' }, 5: applied('a') }), 2)],
    ['clean', readBack(ledger({ 4: refused, 5: applied('a') }), 2)],
    ['clean', ledger({ 4: [ok('b', 3), ...read(3)] })],
    ['clean', readBack(ledger({ 4: [...again, { ...ok('a', 2), process: 4 }] }), 3)],
    ['clean', branch('branch', 'branch1', 1, sound)],
    ['not_reproduced', branch('shared', 'branch1', 1, sound)],
    ['demonstrated', branch('shared', 'branch2', 1, { 'branch1:X': '1.00', 'branch2:X': '8.00' })],
    ['demonstrated', branch('shared', 'bank_account', 0, { ...sound, 'branch1:X': '1.00' })],
  ])('%s', (verdict, lines) => {
    const report = judge(lines);
    expect(report).toMatchObject({ verdict });
    expect(report.reason).toBeUndefined();
  });
});

describe('a doctored history is a violation', () => {
  test.each<[string, readonly Line[]]>([
    ['lost', ledger({ 5: applied('a') })],
    ['duplicate', ledger({ 5: applied('a', 'b', 'b') })],
    ['duplicate', ledger({ 4: [...again, { ...ok('a', 4), process: 4 }] })],
    ['phantom', ledger({ 5: applied('a', 'b', 'c') })],
    ['phantom', ledger({ 4: refused })],
    ['drift', ledger({ 4: ok('b', 3, { balance: '8.01' }) })],
    ['stale', ledger({ 4: [ok('b', 3), ...read(2)] })],
    ['regressed', ledger({ 4: ok('b', 2) })],
    ['gap', ledger({ 4: ok('b', 4) })],
    ['misplaced', branch('branch', 'branch2', 1, { 'branch1:X': '1.00', 'branch2:X': '8.00' })],
    ['lost', branch('branch', 'branch1', 0, { ...sound, 'branch1:X': '1.00' })],
  ])('%s', (anomaly, lines) => {
    const report = judge(lines);
    expect(report.models).toMatchObject([{ wrong: 1, [anomaly]: 1, first_wrong: { anomaly } }]);
    expect(report.verdict).toBe('violation');
  });
});

describe('a history that proves nothing is undecided', () => {
  test.each<[RegExp, readonly Line[]]>([
    [/empty/, []],
    [/before any init/, ledger({ 0: [] })],
    [/inside another/, [...ledger({ 5: [] }), ...ledger()]],
    [/breaks off/, ledger({ 5: [] })],
    [/have no end/, ledger({ 4: [], 5: applied('a') })],
    [/not begun/, ledger({ 2: [] })],
    [
      /begins an operation inside another/,
      ledger({ 2: { process: 1, type: 'invoke', f: 'read', value: { account: 'branch1:X' } } }),
    ],
    [/earlier than the line before/, ledger({ 3: { ...ok('a', 2), time: 0 } })],
    [/no ids/, ledger({ 5: { type: 'ok', f: 'applied', value: {} } })],
    [
      /not judged/,
      ledger({ 5: [{ process: 3, type: 'invoke', f: 'close', value: {} }, applied('a', 'b')] }),
    ],
    [/branch1:X was not read after its last posting/, ledger()],
    [/branch1:X was not read after its last/, ledger({ 4: [...read(2), ok('b', 3)] })],
    [/no write succeeded/, readBack(ledger({ 1: [], 2: [], 3: [], 4: [], 5: applied() }), 1)],
    [/no write succeeded/, readBack(ledger({ 1: [], 2: [], 3: read(1), 4: [], 5: applied() }), 1)],
    [/same time/, readBack(ledger({ 2: [], 4: [], 5: applied('a') }), 2)],
    [
      /branch1:X holds 9.00, but/,
      branch('branch', 'branch1', 1, { ...sound, 'branch1:X': '9.00' }),
    ],
    [/not there at the start/, branch('branch', 'branch1', 1, { ...sound, 'bank_account:X': '0' })],
  ])('%s', (reason, lines) => {
    const report = judge(lines);
    expect(report.verdict).toBe('undecided');
    expect(report.reason).toMatch(reason);
  });
});
