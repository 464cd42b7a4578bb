import { describe, expect, test } from 'vitest';
import {
  elsewhere,
  type IncrementFacts,
  incrementEvidence,
  nowhere,
  type OperationRecord,
} from '../../src/stress/check/increment.ts';
import { createHistoryJudge } from '../../src/stress/check/judge.ts';
import { decide, type Evidence, type Verdict } from '../../src/stress/check/verdict.ts';
import { incrementEvents } from '../../src/stress/drive/increment-events.ts';
import { makePlan, planAmount } from '../../src/stress/plan/increments.ts';
import { collectionOfBranch, runCollections } from '../../src/stress/subjects/load-models.ts';

const plan = makePlan({ seed: 3, operations: 20, branches: 2, accountsPerBranch: 2, workers: 4 });
const collections = runCollections(plan);

interface Outcome extends OperationRecord {
  readonly startNs: number;
  readonly endNs: number;
}

/** What every operation did in a run without faults: it overlaps the next one. */
function right(index: number): Outcome {
  const landed = collectionOfBranch(plan.at(index).branch);
  const startNs = index * 10;
  return { index, landed, matched: 1, type: 'ok', startNs, endNs: startNs + 15 };
}

type Balances = Readonly<Record<string, string | null>>;

interface Doctored extends Partial<IncrementFacts> {
  readonly operations?: number;
  /** Changes the operation with that index. */
  readonly change?: Readonly<Record<number, Partial<Outcome>>>;
  readonly readBack?: (balances: Balances) => Balances;
}

/** A run whose balances are what its history says, unless they are doctored too. */
function judge(doctored: Doctored = {}) {
  const { operations = plan.operations, change, readBack, unattributed = 0, twice } = doctored;
  const outcomes = Array.from({ length: operations }, (_, index) => ({
    ...right(index),
    ...change?.[index],
  }));
  const events = incrementEvents(plan, 'branch');
  const marks = outcomes.flatMap(({ startNs, endNs, ...outcome }) => [
    { ...outcome, type: 'invoke' as const, atNs: startNs, error: undefined },
    { ...outcome, atNs: endNs, error: outcome.type === 'ok' ? undefined : 'doctored' },
  ]);
  marks.sort((left, right) => left.atNs - right.atNs);
  const judging = createHistoryJudge();
  judging.take(events.init(0));
  for (const mark of marks) judging.take(events.of(mark));
  const sums = new Map(
    [1, 2].flatMap((place) =>
      plan.accounts.map((account) => [`${collections[place]}:${account}`, plan.seedBalanceMinor]),
    ),
  );
  for (const { index, landed, matched, type } of outcomes) {
    const { account, amountMinor } = plan.at(index);
    const place = `${collections[landed]}:${plan.accounts[account]}`;
    const sum = sums.get(place);
    if (type === 'ok' && matched > 0 && sum !== undefined) sums.set(place, sum + amountMinor);
  }
  const sound = Object.fromEntries([...sums].map(([place, sum]) => [place, planAmount(sum)]));
  const value = { balances: readBack?.(sound) ?? sound };
  judging.take({ type: 'ok', f: 'applied', value, time: 1000 });
  const [judgement] = judging.finish().models;
  if (!judgement) throw new Error('no model was judged');
  const evidence = incrementEvidence(judgement, { unattributed, twice });
  return { ...judgement.report, branches: judgement.branches, evidence };
}

const other = (index: number) => collectionOfBranch(1 - plan.at(index).branch);

describe('what went wrong is found', () => {
  test.each<[string, Doctored, object]>([
    ['nothing', {}, { wrong: 0, acknowledged: 20 }],
    ['misplaced', { change: { 5: { landed: other(5) } } }, { misplaced: 1, wrong: 1 }],
    ['lost in bank_account', { change: { 5: { landed: 0, matched: 0 } } }, { lost: 1, wrong: 1 }],
    ['lost at home', { change: { 5: { matched: 0 } } }, { lost: 1, wrong: 1 }],
    [
      'crashed',
      { change: { 5: { landed: nowhere, matched: 0, type: 'fail' } } },
      { crashed: 1, wrong: 1, acknowledged: 19 },
    ],
    [
      'two that cancel out in the balances',
      { change: { 0: { landed: other(0) }, 1: { landed: other(1) } } },
      { misplaced: 2 },
    ],
  ])('%s', (_what, doctored, counts) => {
    const judged = judge(doctored);
    expect(judged).toMatchObject(counts);
    expect(judged.evidence).toEqual({ model: 'branch', wrong: judged.wrong });
  });

  test('the first wrong one is the one that ended first', () => {
    const judged = judge({
      change: { 17: { landed: other(17), endNs: 900 }, 19: { landed: other(19) } },
    });
    expect(judged.first_wrong).toMatchObject({ anomaly: 'misplaced' });
    expect(judged.first_wrong?.detail).toMatch(/^branch-19 of/);
  });

  test('expected is what was acknowledged, actual is what is there', () => {
    const [intended, landed] = plan.at(5).branch === 0 ? [0, 1] : [1, 0];
    const { branches } = judge({ change: { 5: { landed: other(5) } } });
    const sound = judge().branches;
    expect(branches[intended]?.expected).toBe(sound[intended]?.expected);
    expect(branches[intended]?.actual).not.toBe(sound[intended]?.actual);
    expect(branches[landed]?.actual).not.toBe(sound[landed]?.expected);
  });
});

describe('a run that proves nothing is doubted', () => {
  const place = 'branch1:ACC-2';
  const with_ = (changed: Balances) => (balances: Balances) => ({ ...balances, ...changed });
  const onlyOneBranch = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => index)
      .filter((index) => plan.at(index).branch === 1)
      .map((index) => [index, { landed: nowhere, matched: 0, type: 'fail' as const }]),
  );
  const oneAfterAnother = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [at, { endNs: at * 10 + 5 }]),
  );

  test.each<[string, Doctored, RegExp]>([
    [
      'a balance that somebody else changed',
      { readBack: with_({ [place]: '0.01' }) },
      /holds 0.01/,
    ],
    ['a balance that is no amount', { readBack: with_({ [place]: null }) }, /no amount/],
    [
      'an account that has disappeared',
      { readBack: ({ [place]: _, ...others }) => others },
      /branch1:ACC-2 is gone/,
    ],
    [
      'an account that came from nowhere',
      { readBack: with_({ 'bank_account:X': '0.00' }) },
      /were not there/,
    ],
    ['one account twice', { twice: place }, /twice/],
    ['a write on the wire that is nobody’s', { unattributed: 1 }, /belong to no operation/],
    ['an answer that never came', { change: { 19: { type: 'info', matched: 0 } } }, /no answer/],
    ['an acknowledged write that was not seen', { change: { 3: { landed: nowhere } } }, /not seen/],
    ['a write to somewhere else', { change: { 3: { landed: elsewhere } } }, /not seen/],
    ['nothing done', { operations: 0 }, /no write succeeded/],
    ['one branch only', { change: onlyOneBranch }, /one branch only/],
    ['one after another', { change: oneAfterAnother }, /at the same time/],
  ])('%s', (_what, doctored, doubt) => {
    const { evidence } = judge(doctored);
    expect(evidence.doubt).toMatch(doubt);
    expect(decide([evidence]).verdict).toBe('undecided');
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
