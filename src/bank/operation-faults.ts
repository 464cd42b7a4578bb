import type { MongoServerError } from 'mongodb';
import { BankctlError, Status } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { isAboutDocument } from '../database/driver-errors.ts';
import type { Operation } from './operations/operation.ts';

/** Errors due to a journal document that one operation names by its id, or reverses. */
const ofJournal: ReadonlySet<string> = new Set(['unknown_branch', 'bad_document', 'bad_balance']);

/**
 * True for an error that may be due to one operation, and not to the server or network. If each
 * operation has a caller of its own, that includes whatever keeps one from being judged at all.
 */
export function isFaultOfOne(
  error: unknown,
  ofManyCallers: boolean,
): error is MongoServerError | BankctlError {
  if (error instanceof BankctlError) {
    const { code, status } = error;
    if (code === 'config_mismatch' || code === 'bad_identity') return false;
    if (ofJournal.has(code)) return true;
    return ofManyCallers && (status === Status.refused || status === Status.usage);
  }
  return isAboutDocument(error);
}

/** The error of an operation that the server, and no rule, refused. */
export function refusalOf(operation: Operation, error: unknown): BankctlError {
  if (error instanceof BankctlError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new BankctlError(
    'refused_by_server',
    `The server refused operation ${quote(operation.id)}: ${reason}.`,
    undefined,
    { cause: error, operationIds: [operation.id] },
  );
}
