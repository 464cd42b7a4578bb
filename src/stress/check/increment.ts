import type { Evidence } from './verdict.ts';

/** Where a command went, as command monitoring saw it: an index into the collections, or: */
export const nowhere = 255;
/** A namespace that is not one of the run's collections. */
export const elsewhere = 254;

/** What became of one increment of a load run. */
export interface OperationRecord {
  /** Its position in the plan, which determines worker, branch, account and amount. */
  readonly index: number;
  /** `fail` if certainly nothing was written, `info` if that is not known. */
  readonly type: 'ok' | 'fail' | 'info';
  /** Index into the run's collections, `elsewhere` or `nowhere`. */
  readonly landed: number;
  /** Documents that the write matched, as the server answered; 0 if it did not answer. */
  readonly matched: number;
}

/** How an increment can go wrong. */
export type Wrong = 'misplaced' | 'lost' | 'crashed';

/**
 * How an increment went wrong, or undefined if it did not. It is judged by the collection that it
 * was sent to and by what it matched there, not by balances: two swapped writes cancel out in
 * those.
 *
 * @param owner the collection of the branch that it was meant for, by the same name as `landed`
 */
export function wrongOf<Place>(
  { type, landed, matched }: { type: string; landed: Place; matched: number | undefined },
  owner: Place,
): Wrong | undefined {
  if (type === 'fail') return 'crashed';
  if (type === 'info') return undefined;
  if (matched === 0) return 'lost';
  return landed === owner ? undefined : 'misplaced';
}

/** What is known about a run of increments besides its history. */
export interface IncrementFacts {
  /** Writes that command monitoring could not attribute to an operation. */
  readonly unattributed: number;
  /** An account that was read back twice. */
  readonly twice: string | undefined;
}

/**
 * The result of a run of increments. The run was made to test the model: if nothing was tested, its
 * result does not count.
 *
 * @param judged the judgement of its history
 */
export function incrementEvidence(
  { model, wrong, doubt, vacuity }: Evidence,
  { unattributed, twice }: IncrementFacts,
): Evidence {
  const strange =
    unattributed > 0
      ? `${unattributed} of the writes seen on the wire belong to no operation.`
      : twice && `the account ${twice} was read back twice.`;
  return { model, wrong, doubt: strange ?? doubt ?? vacuity };
}
