import { BankctlError } from '../core/errors.ts';
import type { Currency } from '../core/money.ts';
import { type AppliedDocument, fromJournalDocument } from './journal-document.ts';
import type { Entry } from './operations/entry.ts';
import { kindNamed, requestDigest, requestOfEntry } from './operations/operation.ts';

/**
 * True if what an applied operation says is not what was asked for when it was written, so that
 * somebody changed its document since. The digest covers type, memo and what the kind's id stands
 * for, so not every change is seen. False for what cannot be read, or is of a later version.
 *
 * @param currencyOf throws `unknown_branch` for a branch that the config leaves out
 */
export function isAltered(
  document: AppliedDocument,
  currencyOf: (branch: string) => Currency,
): boolean {
  const entry = readEntry(document, currencyOf);
  if (!entry || !kindNamed(entry.type)) return false;
  return requestDigest(requestOfEntry(entry)) !== entry.request;
}

function readEntry(
  document: AppliedDocument,
  currencyOf: (branch: string) => Currency,
): Entry | undefined {
  try {
    return fromJournalDocument(document, currencyOf);
  } catch (error) {
    if (error instanceof BankctlError) return undefined;
    throw error;
  }
}
