import { BankctlError } from '../core/errors.ts';
import { isDefinite, isDuplicate } from '../database/driver-errors.ts';
import { readAccount } from './account.ts';
import type { Bank } from './bank.ts';
import { type AccountState, isState } from './book.ts';
import type { Posting } from './operations/entry.ts';
import { referenceKey } from './operations/names.ts';
import { createsAccount, legsOf, type PlainOperation } from './operations/operation.ts';
import { readBook } from './reading.ts';
import { applyLegs } from './rules.ts';

/** Each round means that another writer came in between; more than a few in a row do not happen. */
const maxRounds = 10;

/** A write was sent, and no answer said that it had no effect. */
export class WriteUnknown extends Error {}

/**
 * An operation in a bank with `journal: false`: one guarded update or insert, atomic by itself, and
 * not protected by an id.
 * @throws the rule that refuses it; `journal_disabled` if an id was given; `WriteUnknown`; any
 *   other error means that nothing was changed
 */
export async function postPlain(
  bank: Bank,
  operation: PlainOperation,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Posting> {
  if (operation.idGiven || operation.memo !== undefined) {
    throw new BankctlError(
      'journal_disabled',
      'The config has journal: false, so an id or a memo has nowhere to be kept.',
    );
  }
  const branch = bank.branches.get(operation.branch);
  if (!bank.identity.isClaimed()) await claimFor(bank, operation, dryRun);
  if (createsAccount(operation)) await (dryRun ? branch.check() : branch.prepare());
  for (let round = 0; round < maxRounds; round += 1) {
    const book = await readBook(bank, [operation]);
    const before = book.accounts.get(referenceKey(operation));
    const { postings } = applyLegs(book, legsOf(operation, book));
    const [posting] = postings;
    const state = book.accounts.get(referenceKey(operation));
    if (!posting || !isState(state)) throw new Error('an accepted operation has no posting');
    if (dryRun) return posting;
    const written = isState(before)
      ? await tryIncrement(bank, operation, before)
      : await tryInsert(bank, operation, state, posting);
    if (written) return written;
  }
  throw new BankctlError(
    'database_failed',
    `${branch.name}:${operation.account} is written by others too often to be changed now.`,
    'Nothing was applied; try again.',
  );
}

/** A refused operation leaves nothing, so it is judged before the bank is claimed. */
async function claimFor(bank: Bank, operation: PlainOperation, dryRun: boolean): Promise<void> {
  await bank.identity.checkClaim();
  if (dryRun) return;
  const book = await readBook(bank, [operation]);
  applyLegs(book, legsOf(operation, book));
  await bank.identity.claim();
}

/**
 * Adds on the server, so that increments made in between do no harm. @returns undefined if the
 * account no longer passes the guard
 */
async function tryIncrement(
  bank: Bank,
  { account, amountMinor, branch: name }: PlainOperation,
  { documentId }: AccountState,
): Promise<Posting | undefined> {
  const branch = bank.branches.get(name);
  const document = await send(bank, () => branch.increment(account, documentId, amountMinor));
  if (!document) return undefined;
  const state = readAccount(document, branch);
  if (state instanceof BankctlError) throw new WriteUnknown(state.message, { cause: state });
  return {
    branch: branch.name,
    account,
    amountMinor,
    balanceBeforeMinor: state.balanceMinor - amountMinor,
    balanceAfterMinor: state.balanceMinor,
    version: state.version,
  };
}

/** @returns undefined if another writer opened the account in between */
async function tryInsert(
  bank: Bank,
  { account, branch: name }: PlainOperation,
  state: AccountState,
  posting: Posting,
): Promise<Posting | undefined> {
  const change = { ...state, account, versionRead: 0n };
  try {
    await send(bank, () => bank.branches.get(name).insert(change));
    return posting;
  } catch (error) {
    if (isDuplicate(error)) return undefined;
    throw error;
  }
}

/** @throws `WriteUnknown` for a write that may have had an effect */
async function send<T>({ commits }: Bank, write: () => Promise<T>): Promise<T> {
  try {
    return await commits.send(write);
  } catch (error) {
    if (error instanceof BankctlError || isDefinite(error)) throw error;
    throw new WriteUnknown('the answer to a write never came', { cause: error });
  }
}
