import type { Bank } from '../../bank/bank.ts';
import type { Outcome } from '../../bank/judge.ts';
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

/**
 * Carries out the entries of a plan, each in one transaction. Repeatable: what an earlier run did
 * is recognized by its ids.
 */
export async function carryOut(
  bank: Bank,
  entries: readonly PlanEntry[],
  host: RepairHost,
): Promise<RepairRun> {
  const outcomes = new Map<PlanEntry, EntryOutcome>();
  const memory = createMemory();
  const left = entries.values();
  let failure: RepairRun['failure'];
  let unknown = 0;
  const work = async () => {
    for (const entry of left) {
      if (failure || host.context.interrupted.aborted) return;
      try {
        outcomes.set(entry, await carryOutOne(bank, entry, memory, host));
      } catch (error) {
        if (error instanceof OutcomeUnknown) unknown += 1;
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
  return { judged, unknown, failure };
}

/** @throws whatever is not about this entry alone; `OutcomeUnknown` */
async function carryOutOne(
  bank: Bank,
  entry: PlanEntry,
  memory: PostMemory,
  { context, dryRun }: RepairHost,
): Promise<EntryOutcome> {
  const operations = operationsOf(entry);
  const options = { by: context.author, dryRun, atomic: true, memory };
  try {
    const outcomes = await retryThroughOutages(bank.timeoutMs, context, () =>
      post(bank, operations, options),
    );
    const outcome = toOutcome(outcomes);
    return outcome.kind === 'replayed' ? await checkReversal(bank, entry, context) : outcome;
  } catch (error) {
    const refused = refusalOf(error);
    if (refused) return refused;
    throw error;
  }
}

function toOutcome(outcomes: readonly Outcome[]): EntryOutcome {
  const refused = outcomes.find((outcome) => !outcome.applied && outcome.because === undefined);
  if (refused && !refused.applied) return toRefusal(refused.error);
  const isReplay = outcomes.every((outcome) => outcome.applied && outcome.replayed);
  return { kind: isReplay ? 'replayed' : 'repaired' };
}

/** A repair that was taken back is not done, and its id cannot be used again. */
async function checkReversal(
  bank: Bank,
  { id }: PlanEntry,
  context: RepairHost['context'],
): Promise<EntryOutcome> {
  const [reversal] = await retryThroughOutages(
    bank.timeoutMs,
    context,
    async () => (await bank.journal?.findReversals([id])) ?? [],
  );
  if (!reversal) return { kind: 'replayed' };
  const by = quote(reversal._id);
  const message = `It was repaired and has been reversed since, by ${by}; make a new plan for it.`;
  return { kind: 'skipped', error: new BankctlError('already_reversed', message) };
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
