import { describe, expect, test } from 'vitest';
import { createLineJudge } from '../../../src/stress/check/check-history.ts';
import { anomalies } from '../../../src/stress/check/findings.ts';

type Line = Readonly<Record<string, unknown>>;
type Posting = readonly [version: number, id: string, amount: string, balance: string];

interface Stored {
  readonly balance: string;
  readonly version: number;
  readonly postings: readonly Posting[];
}

const X = 'branch1:X';
const Y = 'branch2:Y';

/** Both accounts begin with 10.00 at version 1. */
const init: Line = {
  type: 'ok',
  f: 'init',
  value: {
    accounts: { [X]: { balance: '10.00', version: 1 }, [Y]: { balance: '10.00', version: 1 } },
  },
  kinds: ['increment', 'transfer', 'reverse', 'retry', 'read', 'snapshot'],
};

const postingsX: readonly Posting[] = [
  [2, 'a', '5.00', '15.00'],
  [3, 't', '-4.00', '11.00'],
  [4, 'r', '4.00', '15.00'],
  [5, 'c', '-1.00', '14.00'],
];
const storedX: Stored = { balance: '14.00', version: 5, postings: postingsX };
const storedY: Stored = {
  balance: '10.00',
  version: 3,
  postings: [
    [2, 't', '4.00', '14.00'],
    [3, 'r', '-4.00', '10.00'],
  ],
};
/** The beginning and the end of an increment of X. */
function increment(process: number, id: string, amount: string, balance: string, version: number) {
  const value = { id, account: X, amount };
  return [
    { process, type: 'invoke', f: 'increment', value },
    { process, type: 'ok', f: 'increment', value: { ...value, balance, version } },
  ] as const;
}

const transferT = { id: 't', from: X, to: Y, amount: '4.00' };
const ended = { from_balance: '11.00', from_version: 3, to_balance: '14.00', to_version: 2 };
const back = { id: 'r', from: Y, to: X, amount: '4.00', reverses: 't' };
const undone = { from_balance: '10.00', from_version: 3, to_balance: '15.00', to_version: 4 };

const [beginA, endA] = increment(1, 'a', '5.00', '15.00', 2);
const [beginC, endC] = increment(2, 'c', '-1.00', '14.00', 5);

/**
 * A true history: `a` puts 5.00 on X, `t` moves 4.00 from X to Y, its request is repeated, `r`
 * reverses it, and `c` takes 1.00 from X and at first gets no answer.
 */
const story = {
  init,
  beginA,
  beginT: { process: 2, type: 'invoke', f: 'transfer', value: transferT },
  endA,
  endT: { process: 2, type: 'ok', f: 'transfer', value: { ...transferT, ...ended } },
  again: { process: 1, type: 'invoke', f: 'transfer', value: transferT },
  replayed: { process: 1, type: 'ok', f: 'transfer', value: { ...transferT, ...ended } },
  beginS: { process: 1, type: 'invoke', f: 'snapshot', value: {} },
  endS: snapshot({ [X]: ['11.00', 3], [Y]: ['14.00', 2] }),
  beginR: { process: 1, type: 'invoke', f: 'transfer', value: back },
  endR: { process: 1, type: 'ok', f: 'transfer', value: { ...back, ...undone } },
  beginRead: { process: 1, type: 'invoke', f: 'read', value: { account: X } },
  endRead: {
    process: 1,
    type: 'ok',
    f: 'read',
    value: { account: X, balance: '15.00', version: 4 },
  },
  beginC,
  unanswered: { ...beginC, type: 'info' },
  beginC2: { ...beginC, process: 4 },
  endC: { ...endC, process: 4 },
  applied: applied(['a', 't', 'r', 'c'], {}),
} satisfies Readonly<Record<string, Line>>;

type Name = keyof typeof story;

function snapshot(seen: Readonly<Record<string, readonly [string, number]>>): Line {
  const column = (place: 0 | 1) =>
    Object.fromEntries(Object.entries(seen).map(([name, pair]) => [name, pair[place]]));
  return {
    process: 1,
    type: 'ok',
    f: 'snapshot',
    value: { balances: column(0), versions: column(1) },
  };
}

function applied(ids: readonly string[], changed: Readonly<Record<string, Stored>>): Line {
  const accounts = { [X]: storedX, [Y]: storedY, ...changed };
  return { type: 'ok', f: 'applied', value: { ids, accounts } };
}

const ids = ['a', 't', 'r', 'c'];

/** The true history with some lines replaced; `undefined` leaves one out. */
function doctored(changes: Partial<Record<Name, Line | readonly Line[] | undefined>>): Line[] {
  const lines = Object.entries({ ...story, ...changes });
  return lines.flatMap(([, line]) => (line === undefined ? [] : line)).flat();
}

function judge(lines: readonly Line[]) {
  const judging = createLineJudge();
  for (const [time, line] of lines.entries()) judging.take(JSON.stringify({ time, ...line }));
  return judging.finish();
}

/** Everything but `c` is as it was; X ends before it. */
const withoutC = { balance: '15.00', version: 4, postings: postingsX.slice(0, 3) };
const failedC = { unanswered: { ...beginC, type: 'fail' }, beginC2: undefined, endC: undefined };
const unknownC = { beginC2: undefined, endC: undefined };

describe('a true history is clean', () => {
  test.each<[string, Line[]]>([
    ['as it is', doctored({})],
    ['never answered, and applied', doctored(unknownC)],
    [
      'never answered, and not applied',
      doctored({ ...unknownC, applied: applied(['a', 't', 'r'], { [X]: withoutC }) }),
    ],
    ['refused', doctored({ ...failedC, applied: applied(['a', 't', 'r'], { [X]: withoutC }) })],
    [
      'never answered, then refused, and applied by the first attempt',
      doctored({ endC: { ...beginC, process: 4, type: 'fail' } }),
    ],
    [
      'with the ids alone, and a snapshot at the end',
      doctored({
        applied: [
          story.beginS,
          snapshot({ [X]: ['14.00', 5], [Y]: ['10.00', 3] }),
          { type: 'ok', f: 'applied', value: { ids } },
        ],
      }),
    ],
    [
      'a snapshot before the transfer',
      doctored({
        beginS: undefined,
        endS: undefined,
        beginT: [story.beginT, { ...story.beginS, process: 3 }],
        endT: [{ ...snapshot({ [X]: ['15.00', 2], [Y]: ['10.00', 1] }), process: 3 }, story.endT],
      }),
    ],
  ])('%s', (_what, lines) => {
    const report = judge(lines);
    expect(report).toMatchObject({ verdict: 'clean', models: [{ wrong: 0 }] });
    expect(report.reason).toBeUndefined();
  });

  test('counts repeated requests, and how unanswered ones ended', () => {
    expect(judge(doctored({})).models[0]).toMatchObject({
      operations: 8,
      acknowledged: 7,
      refused: 0,
      unknown: 1,
      unknown_applied: 1,
      retried: 2,
      branches: [
        { branch: 'branch1', expected: '14.00', actual: '14.00' },
        { branch: 'branch2', expected: '10.00', actual: '10.00' },
      ],
    });
  });
});

describe('each anomaly has a canary', () => {
  const astray = { id: 'c', account: Y, amount: '-1.00', balance: '9.00', version: 4 };
  const appliedAstray = applied(ids, {
    [X]: withoutC,
    [Y]: {
      balance: '9.00',
      version: 4,
      postings: [...storedY.postings, [4, 'c', '-1.00', '9.00']],
    },
  });
  const told = { ...transferT, ...ended, to_balance: '-1.00' };
  const belowZero = doctored({
    init: {
      ...init,
      value: {
        accounts: { [X]: { balance: '10.00', version: 1 }, [Y]: { balance: '-5.00', version: 1 } },
      },
    },
    endT: { ...story.endT, value: told },
    replayed: { ...story.replayed, value: told },
    endS: snapshot({ [X]: ['11.00', 3], [Y]: ['-1.00', 2] }),
    endR: { ...story.endR, value: { ...back, ...undone, from_balance: '-5.00' } },
    applied: applied(ids, {
      [Y]: {
        balance: '-5.00',
        version: 3,
        postings: [
          [2, 't', '4.00', '-1.00'],
          [3, 'r', '-4.00', '-5.00'],
        ],
      },
    }),
  });
  /** An increment of Y by 1.00, after the reversal, or as the first of all. */
  const incrementP = { id: 'p', account: Y, amount: '1.00' };
  const beginP = { type: 'invoke', f: 'increment', value: incrementP };
  const endP = {
    type: 'ok',
    f: 'increment',
    value: { ...incrementP, balance: '11.00', version: 4 },
  };
  const later = { ...ended, to_balance: '15.00', to_version: 3 };
  const shiftedY = {
    endT: { ...story.endT, value: { ...transferT, ...later } },
    replayed: { ...story.replayed, value: { ...transferT, ...later } },
    endS: snapshot({ [X]: ['11.00', 3], [Y]: ['15.00', 3] }),
    endR: { ...story.endR, value: { ...back, ...undone, from_balance: '11.00', from_version: 4 } },
    applied: applied(['p', 'a', 't', 'r', 'c'], {
      [Y]: {
        balance: '11.00',
        version: 4,
        postings: [
          [2, 'p', '1.00', '11.00'],
          [3, 't', '4.00', '15.00'],
          [4, 'r', '-4.00', '11.00'],
        ],
      },
    }),
  } satisfies Partial<Record<Name, Line>>;
  const backAgain = { ...incrementP, id: 'q', account: X, amount: '-5.00', reverses: 'a' };
  const backOnce = { ...backAgain, id: 'q2' };
  const takenBackTwice = doctored({
    endC: [
      { ...endC, process: 4 },
      { process: 6, type: 'invoke', f: 'increment', value: backAgain },
      {
        process: 6,
        type: 'ok',
        f: 'increment',
        value: { ...backAgain, balance: '9.00', version: 6 },
      },
      { process: 6, type: 'invoke', f: 'increment', value: backOnce },
      {
        process: 6,
        type: 'ok',
        f: 'increment',
        value: { ...backOnce, balance: '4.00', version: 7 },
      },
    ],
    applied: applied([...ids, 'q', 'q2'], {
      [X]: {
        balance: '4.00',
        version: 7,
        postings: [...postingsX, [6, 'q', '-5.00', '9.00'], [7, 'q2', '-5.00', '4.00']],
      },
    }),
  });
  /**
   * `c`, which nobody was told about, before `r`, which somebody was told about before `c` began.
   */
  const early: Stored = {
    balance: '14.00',
    version: 5,
    postings: [...postingsX.slice(0, 2), [4, 'c', '-1.00', '10.00'], [5, 'r', '4.00', '14.00']],
  };
  const twice: readonly Posting[] = [...postingsX, [6, 'c', '-1.00', '13.00']];
  const canaries: readonly [(typeof anomalies)[number], string, Line[]][] = [
    [
      'lost',
      'acknowledged, not in the journal',
      doctored({ applied: applied(['a', 't', 'r'], { [X]: withoutC }) }),
    ],
    [
      'lost',
      'one leg has no posting',
      doctored({ ...unknownC, applied: applied(ids, { [X]: withoutC }) }),
    ],
    [
      'duplicate',
      'posted twice',
      doctored({
        applied: applied(ids, { [X]: { balance: '13.00', version: 6, postings: twice } }),
      }),
    ],
    ['duplicate', 'in the journal twice', doctored({ applied: applied([...ids, 'c'], {}) })],
    [
      'duplicate',
      'answered with two versions',
      doctored({
        endC: [
          { ...endC, process: 4 },
          { ...beginC, process: 4 },
          { ...endC, process: 4, value: { ...endC.value, balance: '13.00', version: 6 } },
        ],
        applied: { type: 'ok', f: 'applied', value: { ids } },
      }),
    ],
    [
      'phantom',
      'never asked for',
      doctored({
        applied: applied([...ids, 'z'], {
          [X]: {
            balance: '15.00',
            version: 6,
            postings: [...postingsX, [6, 'z', '1.00', '15.00']],
          },
        }),
      }),
    ],
    ['phantom', 'refused', doctored(failedC)],
    [
      'phantom',
      'said to be not applied',
      doctored({ ...unknownC, unanswered: { ...beginC, type: 'info', said: 'not_applied' } }),
    ],
    [
      'torn',
      'the money is on its way',
      doctored({
        beginT: [story.beginT, { ...story.beginS, process: 3 }],
        endT: [{ ...snapshot({ [X]: ['11.00', 3], [Y]: ['10.00', 1] }), process: 3 }, story.endT],
      }),
    ],
    [
      'torn',
      'the money exists twice',
      doctored({
        beginT: [story.beginT, { ...story.beginS, process: 3 }],
        endT: [{ ...snapshot({ [X]: ['15.00', 2], [Y]: ['14.00', 2] }), process: 3 }, story.endT],
      }),
    ],
    [
      'wrong_total',
      'a cent more',
      doctored({ endS: snapshot({ [X]: ['11.01', 3], [Y]: ['14.00', 2] }) }),
    ],
    ['wrong_total', 'an account is missing', doctored({ endS: snapshot({ [X]: ['11.00', 3] }) })],
    ['negative', 'in a snapshot, and wherever it is told', belowZero],
    [
      'misplaced',
      'answered for another account, and posted there',
      doctored({ endC: { ...endC, process: 4, value: astray }, applied: appliedAstray }),
    ],
    ['misplaced', 'posted on another account', doctored({ ...unknownC, applied: appliedAstray })],
    [
      'misplaced',
      'stored, though never opened',
      doctored({
        applied: applied(ids, { 'branch2:X': { balance: '0.00', version: 1, postings: [] } }),
      }),
    ],
    [
      'stale',
      'a read',
      doctored({
        endRead: { ...story.endRead, value: { account: X, balance: '11.00', version: 3 } },
      }),
    ],
    ['stale', 'a snapshot', doctored({ endS: snapshot({ [X]: ['15.00', 2], [Y]: ['10.00', 1] }) })],
    [
      'stale',
      'a snapshot that saw a later operation, but not what was finished before that began',
      doctored({
        ...shiftedY,
        beginA: [{ ...story.beginS, process: 7 }, beginA],
        endT: [
          { ...beginP, process: 8 },
          { ...endP, process: 8, value: { ...endP.value, balance: '11.00', version: 2 } },
          { ...snapshot({ [X]: ['10.00', 1], [Y]: ['11.00', 2] }), process: 7 },
          shiftedY.endT,
        ],
      }),
    ],
    [
      'torn',
      'two snapshots of which neither is the older one',
      doctored({
        beginA: [
          { ...story.beginS, process: 7 },
          { ...story.beginS, process: 9 },
          { ...beginP, process: 8 },
          beginA,
          { ...snapshot({ [X]: ['15.00', 2], [Y]: ['10.00', 1] }), process: 7 },
          { ...snapshot({ [X]: ['10.00', 1], [Y]: ['11.00', 2] }), process: 9 },
          { ...endP, process: 8, value: { ...endP.value, balance: '11.00', version: 2 } },
        ],
        ...shiftedY,
      }),
    ],
    ['duplicate', 'taken back twice', takenBackTwice],
    [
      'wrong_total',
      'an account that nobody opened',
      doctored({
        endS: snapshot({ [X]: ['11.00', 3], [Y]: ['14.00', 2], 'branch2:Z': ['1.00', 1] }),
      }),
    ],
    [
      'gap',
      'the last version has no posting, though the account has it',
      doctored({
        applied: applied(ids, { [Y]: { ...storedY, version: 4 } }),
      }),
    ],
    [
      'gap',
      'by the ids alone, a version that nobody was told about',
      doctored({
        endC: { ...endC, process: 4, value: { ...endC.value, version: 6 } },
        applied: { type: 'ok', f: 'applied', value: { ids } },
      }),
    ],
    [
      'drift',
      'a snapshot with the right total and wrong balances',
      doctored({ endS: snapshot({ [X]: ['12.00', 3], [Y]: ['13.00', 2] }) }),
    ],
    [
      'phantom',
      'posted, and not in the journal',
      doctored({ ...unknownC, applied: applied(['a', 't', 'r'], {}) }),
    ],
    [
      'regressed',
      'posted before what was finished when it began',
      doctored({
        ...unknownC,
        endR: { ...story.beginR, type: 'info' },
        beginRead: { ...story.beginRead, process: 5 },
        endRead: {
          ...story.endRead,
          process: 5,
          value: { account: X, balance: '10.00', version: 4 },
        },
        applied: applied(ids, { [X]: early }),
      }),
    ],
    [
      'regressed',
      'two postings of one version',
      doctored({
        endC: { ...endC, process: 4, value: { ...endC.value, balance: '15.00', version: 4 } },
        applied: { type: 'ok', f: 'applied', value: { ids } },
      }),
    ],
    [
      'regressed',
      'the account lags behind its postings',
      doctored({ applied: applied(ids, { [X]: { ...storedX, version: 4 } }) }),
    ],
    [
      'gap',
      'the account is ahead of its postings',
      doctored({ applied: applied(ids, { [X]: { ...storedX, version: 6 } }) }),
    ],
    [
      'drift',
      'the account holds a cent more',
      doctored({ applied: applied(ids, { [X]: { ...storedX, balance: '14.01' } }) }),
    ],
    [
      'drift',
      'a caller was told another balance',
      doctored({
        endRead: { ...story.endRead, value: { account: X, balance: '15.01', version: 4 } },
      }),
    ],
    [
      'drift',
      'posted with another amount',
      doctored({
        applied: applied(ids, {
          [Y]: {
            balance: '9.99',
            version: 3,
            postings: [
              [2, 't', '4.00', '14.00'],
              [3, 'r', '-4.01', '9.99'],
            ],
          },
        }),
        endR: { ...story.endR, value: { ...back, ...undone, from_balance: '9.99' } },
      }),
    ],
  ];

  test.each(canaries)('%s: %s', (anomaly, _what, lines) => {
    const report = judge(lines);
    const [model] = report.models;
    const found = anomalies.filter((name) => (model?.[name] ?? 0) > 0);
    expect(found, model?.first_wrong?.detail).toContain(anomaly);
    expect(found, model?.first_wrong?.detail).toEqual([anomaly]);
    expect(model?.first_wrong).toMatchObject({ anomaly });
    expect(report.verdict).toBe('violation');
  });

  test('every anomaly has a canary', () => {
    const covered = new Set(canaries.map(([name]) => name));
    // Only a model without a journal can crash in the middle: see the history tests.
    expect(anomalies.filter((name) => !covered.has(name))).toEqual(['crashed']);
  });
});

describe('nothing passes that was not tested', () => {
  const kill = (type: string, pid: number): Line => ({
    process: 'nemesis',
    type,
    f: 'kill',
    value: { pid },
  });
  const down: Line = { process: 'nemesis', type: 'info', f: 'down', value: {} };
  const faulty: Line = { ...init, faults: 'kill' };

  test.each<[RegExp, Line[]]>([
    [
      /no reverse succeeded/,
      doctored({
        endR: { ...story.beginR, type: 'info' },
        beginRead: { ...story.beginRead, process: 5 },
        endRead: { ...story.endRead, process: 5 },
      }),
    ],
    [/no snapshot succeeded/, doctored({ beginS: undefined, endS: undefined })],
    [/no kill struck/, doctored({ init: faulty })],
    // Nothing was under way.
    [
      /1 of 1 faults did not bite/,
      doctored({ init: faulty, beginS: [kill('invoke', 1), down, kill('info', 2), story.beginS] }),
    ],
    // The same process as before.
    [
      /1 of 1 faults did not bite/,
      doctored({ init: faulty, beginT: [story.beginT, kill('invoke', 1), down, kill('info', 1)] }),
    ],
    // What was under way was answered before the server went down.
    [
      /1 of 1 faults did not bite/,
      doctored({
        init: faulty,
        beginS: [story.beginS, kill('invoke', 1)],
        endS: [story.endS, down, kill('info', 2)],
      }),
    ],
    // Its own worker gave up on it.
    [
      /1 of 1 faults did not bite/,
      doctored({
        init: faulty,
        beginC: [beginC, kill('invoke', 1)],
        unanswered: [{ ...beginC, type: 'info', gave_up: true }, kill('info', 2)],
      }),
    ],
    [/a snapshot without balances and versions/, doctored({ endS: { ...story.endS, value: {} } })],
    [
      /something else with the id/,
      doctored({ again: { ...story.again, value: { ...transferT, amount: '9.00' } } }),
    ],
  ])('%s', (reason, lines) => {
    const report = judge(lines);
    expect(report.reason).toMatch(reason);
    expect(report.verdict).toBe('undecided');
  });

  test.each<[string, Line[]]>([
    [
      'waited for the server',
      doctored({ init: faulty, beginT: [story.beginT, kill('invoke', 1), down, kill('info', 2)] }),
    ],
    [
      'got no answer',
      doctored({
        init: faulty,
        beginC: [beginC, kill('invoke', 1)],
        beginC2: [kill('info', 2), story.beginC2],
      }),
    ],
  ])('a fault bites where an operation %s', (_what, lines) => {
    expect(judge(lines)).toMatchObject({
      verdict: 'clean',
      models: [{ faults: { kind: 'kill', planned: 1, bitten: 1 } }],
    });
  });
});
