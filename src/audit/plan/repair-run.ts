import type { Bank } from '../../bank/bank.ts';
import type { Outcome } from '../../bank/judge.ts';
import type { Operation } from '../../bank/operations/operation.ts';
import { OutcomeUnknown } from '../../bank/outcome-unknown.ts';
import { post } from '../../bank/post.ts';
import { createMemory, type PostMemory } from '../../bank/post-memory.ts';
import type { Context } from '../../core/context.ts';
import { BankctlError, type ErrorCode, Status } from '../../core/errors.ts';
import { quote } from '../../core/text.ts';
import { isAboutDocument } from '../../database/driver-errors.ts';
import { retryThroughOutages } from '../../database/outage-retries.ts';
import { operationsOf, type PlanEntry } from './plan.ts';

/** What became of an entry of a plan. */
export type EntryOutcome =
  /** Carried out now; or what a dry run would carry out. */
  | { readonly kind: 'repaired' }
  /** Carried out by an earlier run. */
  | { readonly kind: 'replayed' }
  /** Its accounts are no longer as they were: nothing was done. */
  | { readonly kind: 'moved'; readonly error: BankctlError }
  /** A rule refused it: nothing was done. */
  | { readonly kind: 'skipped'; readonly error: BankctlError };

/** An entry and what became of it. */
export interface JudgedEntry {
  readonly entry: PlanEntry;
  readonly outcome: EntryOutcome;
}

/** What a run takes from its caller. */
export interface RepairHost {
  readonly context: Pick<Context, 'interrupted' | 'monotonicNs' | 'author'>;
  readonly dryRun: boolean;
  /** Called after each entry, with how many are done. */
  readonly progress: (done: number) => void;
}

/** How far a run got, and what ended it if that was not the end of the plan. */
export interface RepairRun {
  /** In the order of the plan; without those that were not reached. */
  readonly judged: readonly JudgedEntry[];
  /** Entries that were sent and not answered: each is carried out, or not at all. */
  readonly unknown: number;
  readonly failure: { readonly error: unknown } | undefined;
}

/** Entries have no account in common, so some can wait for the disk together. */
const maxAtOnce = 4;

/** Of one transaction. More would wait longer for the payments that go on meanwhile. */
const maxOperations = 100;

/** A run, and what has become of its entries so far. */
interface Progress {
  readonly bank: Bank;
  readonly host: RepairHost;
  readonly memory: PostMemory;
  readonly outcomes: Map<PlanEntry, EntryOutcome>;
  /** Sent, and not answered since, whatever ended the attempts that came later. */
  readonly unsure: Set<PlanEntry>;
}

/**
 * Carries out the entries of a plan, some in one transaction, and of each all or nothing.
 * Repeatable: what an earlier run did is recognized by its ids.
 */
export async function carryOut(
  bank: Bank,
  entries: readonly PlanEntry[],
  host: RepairHost,
): Promise<RepairRun> {
  const outcomes = new Map<PlanEntry, EntryOutcome>();
  const unsure = new Set<PlanEntry>();
  const run = { bank, host, memory: createMemory(), outcomes, unsure };
  const left = groupsOf(entries);
  let failure: RepairRun['failure'];
  const work = async () => {
    for (const group of left) {
      if (failure || host.context.interrupted.aborted) return;
      try {
        await carryOutGroup(run, group);
      } catch (error) {
        failure ??= { error };
      }
      host.progress(outcomes.size);
    }
  };
  await Promise.all(Array.from({ length: maxAtOnce }, work));
  const judged = entries.flatMap((entry) => {
    const outcome = outcomes.get(entry);
    return outcome ? [{ entry, outcome }] : [];
  });
  return { judged, unknown: unsure.size, failure };
}

/** Shared by the workers: each group is given out once. */
function* groupsOf(entries: readonly PlanEntry[]): Generator<readonly PlanEntry[]> {
  let group: PlanEntry[] = [];
  let operations = 0;
  for (const entry of entries) {
    group.push(entry);
    operations += operationsOf(entry).length;
    if (operations < maxOperations) continue;
    yield group;
    group = [];
    operations = 0;
  }
  if (group.length > 0) yield group;
}

/**
 * Without those that are refused, the others are carried out in the next attempt. If an error of
 * the whole group is due to one of them, each gets a transaction of its own.
 *
 * @throws whatever is not about these entries alone; `OutcomeUnknown`
 */
async function carryOutGroup(run: Progress, group: readonly PlanEntry[]): Promise<void> {
  let left = group;
  try {
    while (left.length > 0) left = await attempt(run, left);
  } catch (error) {
    const refused = refusalOf(error);
    if (!refused) throw error;
    const [first] = left;
    if (first && left.length === 1) run.outcomes.set(first, refused);
    else for (const entry of left) await carryOutGroup(run, [entry]);
  }
}

/** @returns the entries that were not carried out only because others were refused */
async function attempt(
  run: Progress,
  entries: readonly PlanEntry[],
): Promise<readonly PlanEntry[]> {
  const { bank, host, outcomes } = run;
  const operations = entries.map(operationsOf);
  const posted = await postAll(run, entries, operations.flat());
  let start = 0;
  const found = operations.map(({ length }) => {
    start += length;
    return toOutcome(posted.slice(start - length, start));
  });
  const isRefused = ({ kind }: EntryOutcome) => kind === 'moved' || kind === 'skipped';
  const isOver = !found.some(isRefused);
  const replayed: PlanEntry[] = [];
  // What was carried out is recorded before anything that may fail.
  for (const [index, outcome] of found.entries()) {
    const entry = entries[index];
    if (!entry || !(isOver || isRefused(outcome))) continue;
    if (outcome.kind === 'replayed') replayed.push(entry);
    else outcomes.set(entry, outcome);
  }
  const reversed = await findReversed(bank, replayed, host.context);
  for (const entry of replayed) {
    outcomes.set(entry, reversed.get(entry.id) ?? { kind: 'replayed' });
  }
  return entries.filter((entry) => !outcomes.has(entry));
}

async function postAll(
  { bank, host: { context, dryRun }, memory, unsure }: Progress,
  entries: readonly PlanEntry[],
  operations: readonly Operation[],
): Promise<readonly Outcome[]> {
  const options = { by: context.author, dryRun, atomic: true, memory };
  const posted = await retryThroughOutages(bank.timeoutMs, context, async () => {
    try {
      return await post(bank, operations, options);
    } catch (error) {
      if (error instanceof OutcomeUnknown) for (const entry of entries) unsure.add(entry);
      throw error;
    }
  });
  for (const entry of entries) unsure.delete(entry);
  return posted;
}

/** If the operations of other entries were refused too: only what was refused for its own sake. */
function toOutcome(outcomes: readonly Outcome[]): EntryOutcome {
  const refused = outcomes.find((outcome) => !outcome.applied && outcome.because === undefined);
  if (refused && !refused.applied) return toRefusal(refused.error);
  const isReplay = outcomes.every((outcome) => outcome.applied && outcome.replayed);
  return { kind: isReplay ? 'replayed' : 'repaired' };
}

/** By id: a repair that was taken back is not done, and its id cannot be used again. */
async function findReversed(
  bank: Bank,
  replayed: readonly PlanEntry[],
  context: RepairHost['context'],
): Promise<ReadonlyMap<string, EntryOutcome>> {
  if (replayed.length === 0) return new Map();
  const ids = replayed.map(({ id }) => id);
  const reversals = await retryThroughOutages(
    bank.timeoutMs,
    context,
    async () => (await bank.journal?.findReversals(ids)) ?? [],
  );
  return new Map(
    reversals.map(({ _id, reverses = '' }) => {
      const message =
        `It was repaired and has been reversed since, by ${quote(_id)}; ` +
        'make a new plan for it.';
      return [reverses, { kind: 'skipped', error: new BankctlError('already_reversed', message) }];
    }),
  );
}

/** What shows that another program, or another command, came first. */
const movedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'account_moved',
  'account_not_found',
  'behind_journal',
]);

function toRefusal(error: BankctlError): EntryOutcome {
  return { kind: movedCodes.has(error.code) ? 'moved' : 'skipped', error };
}

/** Errors of a whole batch that are due to one entry: the others have nothing to do with it. */
function refusalOf(error: unknown): EntryOutcome | undefined {
  if (error instanceof BankctlError) {
    const isOwn = error.status === Status.refused && error.code !== 'bad_identity';
    return isOwn ? toRefusal(error) : undefined;
  }
  if (!isAboutDocument(error)) return undefined;
  const message = `The server refused it: ${error.message}.`;
  return {
    kind: 'skipped',
    error: new BankctlError('refused_by_server', message, undefined, { cause: error }),
  };
}
