import { expect } from 'vitest';
import type { Damage } from './damage.ts';
import { netMisplaced, type Truth } from './truth.ts';

/** A finding of `audit --json`, as far as the proof looks at it. */
export interface Finding {
  readonly code: string;
  readonly account: string | null;
  readonly branch?: string;
  readonly from?: string;
  readonly to?: string;
  readonly amount?: string;
  readonly certain?: boolean;
  readonly detail: string;
  /** Of a single call, with `--trace`: the id of its row, and where it may have gone. */
  readonly operation?: string;
  readonly fates?: readonly string[];
}

/** An amount of the JSON as cents. */
function centsOf(amount: string | undefined): number {
  return Math.round(100 * Number(amount));
}

/** What is wrong with money, as opposed to documents: what a source of intentions tells. */
export function aboutMoney(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ certain }) => certain !== undefined);
}

/** What other programs added, in cents, by `branch:account`. */
export function outsideOf(findings: readonly Finding[]): ReadonlyMap<string, number> {
  return new Map(
    findings
      .filter(({ code }) => code === 'outside_write')
      .map(({ branch, account, amount }) => [`${branch}:${account}`, centsOf(amount)]),
  );
}

/**
 * Expects every certain statement about balances to be true; and of every account number without
 * crashed calls that the money said to be lost is what was lost, certain or not.
 *
 * @param isExcused account numbers whose log is known not to be whole
 * @returns whether there was a certain statement at all
 */
export function expectTrue(
  findings: readonly Finding[],
  truth: Pick<Truth, 'numbers'>,
  isExcused: (account: string) => boolean = () => false,
): boolean {
  const statements = findings.filter(
    ({ account, certain }) => certain !== undefined && !isExcused(account ?? ''),
  );
  const certain = statements.filter((one) => one.certain);
  expect(certain.filter((one) => !isTrue(one, truth))).toEqual([]);
  for (const [account, { lost, crashed }] of truth.numbers) {
    if (crashed > 0 || isExcused(account)) continue;
    const own = statements.filter((one) => one.account === account);
    const said = (code: string) => sum(own.filter((one) => one.code === code));
    expect([account, said('lost_write'), said('outside_write')]).toEqual([
      ...[account, [...lost.values()].reduce((a, b) => a + b, 0), 0],
    ]);
  }
  return certain.length > 0;
}

function isTrue(
  { code, account, branch, from, to, amount }: Finding,
  truth: Pick<Truth, 'numbers'>,
): boolean {
  const number = truth.numbers.get(account ?? '');
  if (code === 'misplaced_write') {
    return netMisplaced(number, from ?? '', to ?? '') === centsOf(amount);
  }
  if (code !== 'lost_write') return false;
  const lost = [...(number?.lost ?? [])].filter(
    ([name]) => branch === undefined || name === branch,
  );
  return lost.reduce((all, [, cents]) => all + cents, 0) === centsOf(amount);
}

function sum(findings: readonly Finding[]): number {
  return findings.reduce((all, { amount }) => all + centsOf(amount), 0);
}

/**
 * Expects the fate of every call to be among those that the trace says it may have had.
 *
 * @param isSilent calls of which the trace may say nothing; of the others, silence says that they
 *   went right
 * @returns how many calls it is certain of
 */
export function expectTraced(
  findings: readonly Finding[],
  { plan, log, fates }: Damage,
  isSilent: (id: string) => boolean = () => false,
): number {
  const said = new Map(findings.map((one) => [one.operation, one]));
  const meant = new Map(plan.calls.map(({ id, branch }) => [id, branch]));
  const logged = new Set(log.map(({ id }) => id));
  const untrue = fates
    .filter(({ id }) => logged.has(id) && (said.has(id) || !isSilent(id)))
    .map(({ id, collection, matched }) => {
      const truth = matched === 1 ? collection : 'lost';
      const { fates: possible = [meant.get(id)], certain, detail } = said.get(id) ?? {};
      return { id, truth, possible, certain, detail };
    })
    // An empty set says that the log and the history contradict each other.
    .filter(({ possible, certain }) => possible.length > 0 || certain)
    .filter(({ truth, possible }) => !possible.includes(truth ?? ''));
  expect(untrue).toEqual([]);
  return findings.filter(({ operation, certain }) => operation !== undefined && certain).length;
}
