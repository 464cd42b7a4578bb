import { formatAmount } from '../../core/money.ts';
import { type Plan, planCurrency } from '../plan/increments.ts';
import type { LoadEvent, LoadEventKind } from '../subjects/event-window.ts';
import { ownCollection } from '../subjects/shared-model.ts';
import type { OperationRecord, Wrong } from './increment.ts';

/** What a worker did, as data. Collections are named; null is an empty cache. */
export type ScheduleAction =
  | { readonly does: 'remembers'; readonly name: string; readonly cached: string | null }
  | { readonly does: 'switches'; readonly name: string }
  | { readonly does: 'indexes'; readonly collection: string }
  | { readonly does: 'takes'; readonly collection: string | null }
  | { readonly does: 'looks_up'; readonly branch: string }
  | {
      readonly does: 'writes';
      readonly collection: string;
      readonly should_be: string;
      readonly matched: number | null;
      readonly wrong: 'misplaced' | 'lost' | null;
    }
  | { readonly does: 'crashes'; readonly message: string }
  | { readonly does: 'restores'; readonly name: string; readonly cached: string | null };

/** One step of a schedule, from one point to the next. */
export interface ScheduleStep {
  /** From 1. */
  readonly step: number;
  /** From 1. */
  readonly worker: number;
  readonly from: string;
  /** The point where it was paused, or `ended`, `crashed`, `blocked`, `stuck`. */
  readonly to: string;
  readonly actions: readonly ScheduleAction[];
  /** Where the shared model points after the step; null for a model that cannot be pointed. */
  readonly model: { readonly name: string; readonly cached: string | null } | null;
}

/** A schedule to be shown: who did what, why it went wrong, and how to replay it. */
export interface ScheduleStory {
  readonly id: string;
  readonly workers: readonly { readonly worker: number; readonly branch: string }[];
  readonly steps: readonly ScheduleStep[];
  /** A sentence; null if nothing went wrong. */
  readonly reason: string | null;
  /** What to type to run it again. */
  readonly replay: string;
  /** Whether running it a second time ended the same. */
  readonly same_again: boolean;
}

/** The first wrong write of a load, with what is needed to see why. Workers count from 1. */
export interface FirstWrong {
  /** Its index in the plan. */
  readonly operation: number;
  readonly worker: number;
  readonly branch: string;
  readonly account: string;
  readonly amount: string;
  readonly wrong: Wrong;
  /** Where it was sent; null if nothing was sent. */
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
  /** Milliseconds since the first of the steps. */
  readonly at_ms: number;
  readonly worker: number;
  readonly operation: number;
  readonly event: LoadEventKind;
  /** The collection that it is about; null for none. */
  readonly collection: string | null;
  /** The name that the model then has, if the step sets or remembers it. */
  readonly name?: string;
}

/** An action, and whose it is: an operation of a load, or a worker of a schedule. */
interface Moment {
  readonly owner: number;
  /** From 1. */
  readonly worker: number;
  /** Its step in a schedule; 0 in a load. */
  readonly step: number;
  readonly action: ScheduleAction;
}

/** What made the model give a worker the wrong collection, or none. */
interface Cause {
  readonly culprit: Moment;
  /** The worker's own switch, after which it relied on the model. */
  readonly from: Moment;
  /** The worker's own look-up in the cache. */
  readonly to: Moment;
}

/**
 * Finds the last action by which somebody else pointed the model at the wrong collection, between a
 * worker's switch and its look-up in the cache.
 *
 * @param wrong the moment at which it went wrong, or was bound to
 * @param landed the collection that was written to; undefined if the worker had none
 */
function findCause(
  moments: readonly Moment[],
  wrong: Moment,
  landed: string | undefined,
): Cause | undefined {
  const before = moments.slice(0, moments.indexOf(wrong));
  const own = (does: ScheduleAction['does']) =>
    before.findLast(({ owner, action }) => owner === wrong.owner && action.does === does);
  const from = own('switches');
  const to = own('takes') ?? wrong;
  if (!from) return undefined;
  const culprit = moments
    .slice(moments.indexOf(from), moments.indexOf(to))
    .findLast(({ owner, action }) => owner !== wrong.owner && pointsAt(action, landed));
  return culprit && { culprit, from, to };
}

function pointsAt(action: ScheduleAction, landed: string | undefined): boolean {
  // An emptied cache is filled from the name; a crash is a cache found empty.
  if (action.does === 'switches') return landed === undefined || action.name === landed;
  if (action.does !== 'restores') return false;
  return action.cached === null
    ? landed === undefined || action.name === landed
    : action.cached === landed;
}

/**
 * Why a schedule went wrong, in one sentence: what was written where, and which step of another
 * worker came in between. Null if nothing went wrong.
 */
export function explainSchedule(steps: readonly ScheduleStep[]): string | null {
  const moments = steps.flatMap(({ worker, step, actions }) =>
    actions.map((action): Moment => ({ owner: worker, worker, step, action })),
  );
  for (const wrong of moments) {
    const { action, worker } = wrong;
    if (action.does === 'crashes') {
      const what = `Worker ${worker} crashed with no collection to write to`;
      return `${what}${becauseOfStep(findCause(moments, wrong, undefined), true)}.`;
    }
    if (action.does !== 'writes' || action.wrong === null) continue;
    const { collection, should_be } = action;
    const what =
      action.wrong === 'lost'
        ? `Worker ${worker}'s write went to ${collection} and matched nothing, not to ${should_be}`
        : `Worker ${worker} wrote to ${collection} instead of ${should_be}`;
    return `${what}${becauseOfStep(findCause(moments, wrong, collection), false)}.`;
  }
  return null;
}

function becauseOfStep(cause: Cause | undefined, emptied: boolean): string {
  if (!cause) return '';
  const { culprit, from, to } = cause;
  const did = emptied ? "emptied the model's cache" : 're-pointed the model';
  return (
    `, because worker ${culprit.worker}'s step ${culprit.step} ${did} ` +
    `between worker ${from.worker}'s steps ${from.step} and ${to.step}`
  );
}

/**
 * Explains how the first wrong operation of a load came about, from the events around it.
 *
 * @param record the operation, and how it went wrong
 * @param events the thread's latest events, oldest first; those of other operations are ignored
 * @param landed the name of the collection that the write went to, if one did
 */
export function explainFirstWrong(
  plan: Plan,
  record: OperationRecord & { readonly wrong: Wrong },
  events: readonly LoadEvent[],
  landed: string | undefined,
  error: string | undefined,
): FirstWrong {
  const operation = plan.at(record.index);
  const branch = plan.branchNames[operation.branch] ?? '';
  const moments = events.flatMap(momentOf);
  const took = moments.findLast(
    ({ owner, action }) => owner === record.index && action.does === 'takes',
  );
  const culprit = took && findCause(moments, took, landed)?.culprit;
  const shown = events.filter(({ index }) => index === record.index || index === culprit?.owner);
  const facts = {
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
    ...facts,
    reason: `${outcome(facts)}${becauseOf(culprit, facts.worker)}.`,
    workers: [facts.worker, ...(culprit ? [culprit.worker] : [])],
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

/** What an event says about where the model points; nothing for any other event. */
function momentOf(event: LoadEvent): readonly Moment[] {
  const { index: owner, kind, name = '', collection = null } = event;
  const moment = (action: ScheduleAction) => [{ owner, worker: event.worker + 1, step: 0, action }];
  if (kind === 'switched') return moment({ does: 'switches', name });
  if (kind === 'resolved') return moment({ does: 'takes', collection });
  if (kind === 'restored') return moment({ does: 'restores', name, cached: collection });
  return [];
}

type Facts = Pick<
  FirstWrong,
  'worker' | 'branch' | 'amount' | 'wrong' | 'collection' | 'account' | 'error'
>;

function outcome({ worker, branch, amount, wrong, collection, account, error }: Facts): string {
  const what = `Worker ${worker}'s ${amount} for ${account} of ${branch}`;
  if (wrong === 'crashed') return `${what} was not written (${error ?? 'the model crashed'})`;
  if (wrong === 'misplaced') return `${what} landed in ${collection ?? 'another collection'}`;
  const place =
    collection === ownCollection ? `${collection}, which has no such account` : collection;
  return `${what} is lost: acknowledged, but sent to ${place ?? 'no collection at all'}`;
}

function becauseOf(culprit: Moment | undefined, worker: number): string {
  if (culprit?.action.does !== 'switches' && culprit?.action.does !== 'restores') return '';
  const { does, name } = culprit.action;
  const did =
    does === 'switches' ? 're-pointed the shared model at' : 'restored the shared model to';
  const window = `between worker ${worker}'s switch and its write`;
  return `, because worker ${culprit.worker} ${did} ${name} ${window}`;
}
