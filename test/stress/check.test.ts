import { describe, expect, test } from 'vitest';
import { decide, type Evidence, type Verdict } from '../../src/stress/check/verdict.ts';
import { judgeRun, type LoadRun, type ReadBack } from '../../src/stress/load/check.ts';
import { makePlan } from '../../src/stress/load/plan.ts';
import { elsewhere, nowhere, type Outcome, Recorder } from '../../src/stress/load/record.ts';
import { collectionOfBranch } from '../../src/stress/subjects/load-models.ts';

const plan = makePlan({ seed: 3, operations: 20, branches: 2, accountsPerBranch: 2, workers: 4 });

/** What every operation did in a run without fault: it overlaps the next one. */
function right(index: number): Outcome {
  const landed = collectionOfBranch(plan.at(index).branch);
  const startNs = index * 10;
  return { index, landed, matched: 1, ending: 'acknowledged', startNs, endNs: startNs + 15 };
}

interface Doctored {
  readonly model?: LoadRun['model'];
  readonly operations?: number;
  readonly unattributed?: number;
  /** Changes the operation with that index. */
  readonly change?: Readonly<Record<number, Partial<Outcome>>>;
  readonly readBack?: (rows: readonly ReadBack[]) => readonly ReadBack[];
}

/** A run whose balances are what its record says, unless they are doctored too. */
function run(doctored: Doctored = {}): LoadRun {
  const recorder = new Recorder();
  const sums = new Map<string, bigint>();
  for (let index = 0; index < (doctored.operations ?? plan.operations); index += 1) {
    const outcome = { ...right(index), ...doctored.change?.[index] };
    recorder.add(outcome, outcome.ending === 'acknowledged' ? undefined : 'doctored');
    const { account, amountMinor } = plan.at(index);
    const place = `${outcome.landed}:${account}`;
    if (outcome.ending === 'acknowledged' && outcome.matched > 0) {
      sums.set(place, (sums.get(place) ?? 0n) + amountMinor);
    }
  }
  const rows = [0, 1].flatMap((branch) =>
    plan.accounts.map((account, at) => {
      const collection = collectionOfBranch(branch);
      const landed = sums.get(`${collection}:${at}`) ?? 0n;
      return { collection, account, balanceMinor: plan.seedBalanceMinor + landed };
    }),
  );
  return {
    model: doctored.model ?? 'branch',
    plan,
    records: [recorder.columns()],
    unattributed: doctored.unattributed ?? 0,
    leftSwitched: 0,
    readBack: doctored.readBack?.(rows) ?? rows,
  };
}

const judge = (doctored?: Doctored) => judgeRun(run(doctored), collectionOfBranch);
const other = (index: number) => collectionOfBranch(1 - plan.at(index).branch);

describe('what went wrong is seen', () => {
  test.each<[string, Doctored, object]>([
    ['nothing', {}, { wrong: 0, acknowledged: 20 }],
    ['misplaced', { change: { 5: { landed: other(5) } } }, { misplaced: 1, wrong: 1 }],
    ['lost in bank_account', { change: { 5: { landed: 0, matched: 0 } } }, { lost: 1, wrong: 1 }],
    ['lost at home', { change: { 5: { matched: 0 } } }, { lost: 1, wrong: 1 }],
    [
      'crashed',
      { change: { 5: { landed: nowhere, matched: 0, ending: 'crashed' } } },
      { crashed: 1, wrong: 1, acknowledged: 19 },
    ],
    [
      'two that cancel out in the balances',
      { change: { 0: { landed: other(0) }, 1: { landed: other(1) } } },
      { misplaced: 2 },
    ],
  ])('%s', (_what, doctored, counts) => {
    const judgement = judge(doctored);
    expect(judgement.counts).toMatchObject(counts);
    expect(judgement.doubt).toBeUndefined();
  });

  test('the first wrong one is the one that ended first', () => {
    const { firstWrong } = judge({
      change: { 4: { landed: other(4), endNs: 900 }, 9: { landed: other(9) } },
    });
    expect(firstWrong).toMatchObject({ index: 9, wrong: 'misplaced' });
  });

  test('expected is what was acknowledged, actual is what is there', () => {
    const [intended, landed] = plan.at(5).branch === 0 ? [0, 1] : [1, 0];
    const { counts } = judge({ change: { 5: { landed: other(5) } } });
    const sound = judge().counts;
    expect(counts.branches[intended]?.expected).toBe(sound.branches[intended]?.expected);
    expect(counts.branches[intended]?.actual).not.toBe(sound.branches[intended]?.actual);
    expect(counts.branches[landed]?.actual).not.toBe(sound.branches[landed]?.expected);
  });
});

describe('a run that proves nothing is doubted', () => {
  const replace = (at: number, changed: Partial<ReadBack>) => (rows: readonly ReadBack[]) =>
    rows.map((row, index) => (index === at ? { ...row, ...changed } : row));
  const onlyOneBranch = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => index)
      .filter((index) => plan.at(index).branch === 1)
      .map((index) => [index, { landed: nowhere, matched: 0, ending: 'crashed' as const }]),
  );

  test.each<[string, Doctored, RegExp]>([
    [
      'a balance that somebody else changed',
      { readBack: replace(1, { balanceMinor: 1n }) },
      /holds 0.01/,
    ],
    [
      'a balance that is no amount',
      { readBack: replace(1, { balanceMinor: undefined }) },
      /no amount/,
    ],
    ['an account that is gone', { readBack: (rows) => rows.slice(1) }, /is gone/],
    [
      'an account that came from nowhere',
      { readBack: (rows) => [...rows, { collection: 0, account: 'X', balanceMinor: 0n }] },
      /were not there/,
    ],
    ['one account twice', { readBack: (rows) => [...rows, ...rows.slice(0, 1)] }, /twice/],
    ['a write on the wire that is nobody’s', { unattributed: 1 }, /belong to no operation/],
    [
      'an answer that never came',
      { change: { 3: { ending: 'unanswered', matched: 0 } } },
      /no answer/,
    ],
    ['an acknowledged write that was not seen', { change: { 3: { landed: nowhere } } }, /not seen/],
    ['a write to somewhere else', { change: { 3: { landed: elsewhere } } }, /not seen/],
    ['nothing done', { operations: 0 }, /no operation succeeded/],
    ['one branch only', { change: onlyOneBranch }, /one branch only/],
    [
      'one after another',
      {
        change: Object.fromEntries(
          Array.from({ length: 20 }, (_, at) => [at, { endNs: at * 10 + 5 }]),
        ),
      },
      /at the same time/,
    ],
  ])('%s', (_what, doctored, doubt) => {
    const judgement = judge(doctored);
    expect(judgement.doubt).toMatch(doubt);
    expect(decide([{ model: 'branch', wrong: 0, doubt: judgement.doubt }]).verdict).toBe(
      'undecided',
    );
  });
});

describe('the verdict', () => {
  const clean: Evidence = { model: 'branch', wrong: 0 };
  const wrong: Evidence = { model: 'branch', wrong: 1 };
  const control: Evidence = { model: 'shared', wrong: 3 };
  const rightControl: Evidence = { model: 'shared', wrong: 0 };
  const doubt = 'so.';
  const vacuity = 'nothing was tried.';

  test.each<[Verdict, readonly Evidence[], broken?: string]>([
    ['demonstrated', [control, clean]],
    ['demonstrated', [control]],
    ['demonstrated', [{ ...control, vacuity }, clean]],
    ['clean', [clean]],
    ['not_reproduced', [rightControl, clean]],
    ['not_reproduced', [rightControl]],
    ['violation', [control, wrong]],
    ['violation', [wrong]],
    ['violation', [{ ...wrong, vacuity }]],
    ['violation', [{ ...control, doubt }, wrong]],
    ['violation', [wrong], 'It breaks off.'],
    ['undecided', [control, { ...clean, doubt }]],
    ['undecided', [control, { ...clean, vacuity }]],
    ['undecided', [{ ...rightControl, vacuity }, clean]],
    ['undecided', [{ ...control, doubt }, clean]],
    ['undecided', [{ ...wrong, doubt }]],
    ['undecided', [control, clean], 'It breaks off.'],
    ['undecided', []],
  ])('%s', (verdict, models, broken) => {
    const decided = decide(models, broken);
    expect(decided.verdict).toBe(verdict);
    expect(decided.reason !== undefined).toBe(verdict === 'undecided');
  });
});
