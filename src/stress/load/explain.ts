import { formatAmount } from '../../core/money.ts';
import type { OperationRecord, Wrong } from '../check/increment.ts';
import { type Plan, planCurrency } from '../plan/increments.ts';
import { ownCollection } from '../shared-model.ts';
import type { LoadEvent, LoadEventKind } from './event-window.ts';

/** The first wrong write of a run, with what is needed to see why. Workers count from 1. */
export interface FirstWrong {
  /** Its index in the plan. */
  readonly operation: number;
  readonly worker: number;
  readonly branch: string;
  readonly account: string;
  readonly amount: string;
  readonly wrong: Wrong;
  /** Where it was sent; null where nothing was sent. */
  readonly collection: string | null;
  /** Where it should have been sent. */
  readonly expected_collection: string;
  readonly matched: number;
  readonly error?: string;
  /** One sentence. */
  readonly reason: string;
  /** The workers that took part, the one that went wrong first. */
  readonly workers: readonly number[];
  readonly events: readonly FirstWrongEvent[];
}

/** One step of one of those workers. */
export interface FirstWrongEvent {
  /** Since the first of the steps. */
  readonly at_ms: number;
  readonly worker: number;
  readonly operation: number;
  readonly event: LoadEventKind;
  /** The collection that it is about; null for none. */
  readonly collection: string | null;
  /** The name that the model then has, where the step sets or remembers it. */
  readonly name?: string;
}

/**
 * Tells how the first wrong operation came about, from the events around it.
 *
 * @param record the operation, and how it went wrong
 * @param events the thread's latest events, oldest first; those of other operations are left out
 * @param landed the name of the collection that the write went to, where one did
 */
export function explain(
  plan: Plan,
  record: OperationRecord & { readonly wrong: Wrong },
  events: readonly LoadEvent[],
  landed: string | undefined,
  error: string | undefined,
): FirstWrong {
  const operation = plan.at(record.index);
  const branch = plan.branchNames[operation.branch] ?? '';
  const cause = causeOf(record.index, events, landed);
  const shown = events.filter(({ index }) => index === record.index || index === cause?.index);
  const told = {
    operation: record.index,
    worker: operation.worker + 1,
    branch,
    account: plan.accounts[operation.account] ?? '',
    amount: formatAmount(operation.amountMinor, planCurrency),
    wrong: record.wrong,
    collection: landed ?? null,
    expected_collection: branch,
    matched: record.matched,
    ...(error === undefined ? {} : { error }),
  };
  return {
    ...told,
    reason: `${outcome(told)}${because(told, cause)}.`,
    workers: [told.worker, ...(cause ? [cause.worker + 1] : [])],
    events: shown.map((event) => ({
      at_ms: Math.round((event.atNs - (shown[0]?.atNs ?? 0)) / 1000) / 1000,
      worker: event.worker + 1,
      operation: event.index,
      event: event.kind,
      collection: event.collection ?? null,
      ...(event.name === undefined ? {} : { name: event.name }),
    })),
  };
}

/**
 * The other worker's step that made the model give the collection it gave: the last one, between
 * this operation's switch and its look at the cache, that pointed the model there.
 */
function causeOf(
  index: number,
  events: readonly LoadEvent[],
  landed: string | undefined,
): LoadEvent | undefined {
  const own = (kind: LoadEventKind) =>
    events.findIndex((event) => event.index === index && event.kind === kind);
  const from = own('switched');
  const to = own('resolved');
  if (from < 0 || to < 0) return undefined;
  return events
    .slice(from + 1, to)
    .findLast((event) => event.index !== index && pointedAt(event, landed));
}

function pointedAt({ kind, collection, name }: LoadEvent, landed: string | undefined): boolean {
  // An emptied cache is filled from the name; a crash is a cache found empty.
  if (kind === 'switched') return landed === undefined || name === landed;
  return kind === 'restored' && (collection === landed || (!collection && name === landed));
}

type Told = Pick<
  FirstWrong,
  'worker' | 'branch' | 'amount' | 'wrong' | 'collection' | 'account' | 'error'
>;

function outcome({ worker, branch, amount, wrong, collection, account, error }: Told): string {
  const what = `Worker ${worker}'s ${amount} for ${account} of ${branch}`;
  if (wrong === 'crashed') return `${what} was not written (${error ?? 'the model crashed'})`;
  if (wrong === 'misplaced') return `${what} landed in ${collection ?? 'another collection'}`;
  const place =
    collection === ownCollection ? `${collection}, which has no such account` : collection;
  return `${what} is lost: acknowledged, but sent to ${place ?? 'no collection at all'}`;
}

function because({ worker }: Told, cause: LoadEvent | undefined): string {
  if (!cause) return '';
  const other = `worker ${cause.worker + 1}`;
  const window = `between worker ${worker}'s switch and its write`;
  return cause.kind === 'switched'
    ? `, because ${other} re-pointed the shared model at ${cause.name} ${window}`
    : `, because ${other} restored the shared model to ${cause.name} ${window}`;
}
