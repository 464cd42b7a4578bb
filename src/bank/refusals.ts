import { BankctlError, type ErrorCode, errorTable } from '../errors.ts';
import type { Entry, JournalDocument, Refusal } from './journal.ts';

/**
 * What the rules refuse in a batch of a file is remembered with the batch's first applied
 * operation, in the same transaction. Otherwise a file that is run again after an interruption
 * would have its refused rows judged anew, by what later rows have done meanwhile, and could end in
 * another state than without the interruption.
 */
export interface RefusalRule {
  /** Remembered refusals stand. Without it, they are judged anew. */
  readonly stand: boolean;
  /** Remembered refusals that were met earlier, by operation id. */
  readonly known: ReadonlyMap<string, Refusal>;
}

/** The refusals that stand for a batch, by operation id: known ones and those of its entries. */
export function standingRefusals(
  rule: RefusalRule | undefined,
  entries: Iterable<Entry>,
): ReadonlyMap<string, Refusal> {
  const standing = new Map<string, Refusal>();
  if (!rule?.stand) return standing;
  for (const [id, refusal] of rule.known) standing.set(id, refusal);
  for (const { refused } of entries) {
    for (const refusal of refused ?? []) standing.set(refusal.id, refusal);
  }
  return standing;
}

/** The error of a remembered refusal. */
export function toError({ code, message }: Refusal): BankctlError {
  return new BankctlError(
    isErrorCode(code) ? code : 'refused_by_server',
    message,
    'It was refused when the file was run before; --retry-refused tries it again.',
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

/** The documents of a batch, the first of them with what was refused in the batch. */
export function withRefusals(
  documents: readonly JournalDocument[],
  refused: readonly Refusal[],
): readonly JournalDocument[] {
  const [first, ...others] = documents;
  return first && refused.length > 0 ? [{ ...first, refused }, ...others] : documents;
}
