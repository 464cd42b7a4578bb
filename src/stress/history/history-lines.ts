import { formatAmount } from '../../core/money.ts';
import type { ReadBack } from '../load/check.ts';
import { type Plan, type PlannedIncrement, planCurrency } from '../load/plan.ts';
import type { Outcome } from '../load/record.ts';
import { type LoadModelName, runCollections } from '../subjects/load-models.ts';

/** One event of a history, as a line of NDJSON without its line feed. */
export interface HistoryLine {
  /** Nanoseconds since the start of the run. */
  readonly atNs: number;
  readonly text: string;
}

/** The account of an operation, as `branch1:ACC-1`. */
export function accountOf(plan: Plan, operation: PlannedIncrement): string {
  return `${plan.branchNames[operation.branch]}:${plan.accounts[operation.account]}`;
}

/** The beginning of an operation. Its id says the model and the place in the plan. */
export function invokeLine(
  plan: Plan,
  model: LoadModelName,
  operation: PlannedIncrement,
  atNs: number,
): HistoryLine {
  return line(plan, model, operation, 'invoke', atNs, {});
}

/**
 * The end of an operation: `ok` where the model returned, `fail` where it threw and nothing was
 * written, `info` where that is not known. `collection` and `matched` are added: where the write
 * was really sent, and what the server said it matched.
 */
export function endLine(
  plan: Plan,
  model: LoadModelName,
  operation: PlannedIncrement,
  record: Outcome,
  message: string | undefined,
): HistoryLine {
  const types = { acknowledged: 'ok', crashed: 'fail', unanswered: 'info' } as const;
  return line(plan, model, operation, types[record.ending], record.endNs, {
    collection: runCollections(plan)[record.landed] ?? null,
    ...(record.ending === 'acknowledged' ? { matched: record.matched } : {}),
    ...(message === undefined ? {} : { error: message }),
  });
}

/** The first line of a model's history: what every account holds. */
export function initEvent(plan: Plan, model: LoadModelName, atNs: number) {
  const balance = formatAmount(plan.seedBalanceMinor, planCurrency);
  const accounts = plan.branchNames.flatMap((branch) =>
    plan.accounts.map((account) => [`${branch}:${account}`, { balance }] as const),
  );
  return {
    type: 'ok',
    f: 'init',
    value: { accounts: Object.fromEntries(accounts) },
    model,
    seed: plan.seed,
    time: atNs,
  };
}

/**
 * The last line of a model's history. These models keep no journal, so there are no ids to read
 * back; what can be read back is given: the balance of every document, by collection and account.
 */
export function appliedEvent(plan: Plan, readBack: readonly ReadBack[], atNs: number) {
  const collections = runCollections(plan);
  const balances = readBack.map(({ collection, account, balanceMinor }) => [
    `${collections[collection]}:${account}`,
    balanceMinor === undefined ? null : formatAmount(balanceMinor, planCurrency),
  ]);
  return {
    type: 'ok',
    f: 'applied',
    value: { balances: Object.fromEntries(balances) },
    time: atNs,
  };
}

function line(
  plan: Plan,
  model: LoadModelName,
  operation: PlannedIncrement,
  type: 'invoke' | 'ok' | 'fail' | 'info',
  atNs: number,
  more: Readonly<Record<string, unknown>>,
): HistoryLine {
  const value = {
    id: `${model}-${operation.index}`,
    account: accountOf(plan, operation),
    amount: formatAmount(operation.amountMinor, planCurrency),
  };
  const event = { process: operation.worker + 1, type, f: 'increment', value, ...more, time: atNs };
  return { atNs, text: JSON.stringify(event) };
}
