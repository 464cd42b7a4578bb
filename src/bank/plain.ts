import { MongoServerError } from 'mongodb';
import { BankctlError } from '../errors.ts';
import { readAccount } from './account.ts';
import type { Bank } from './bank.ts';
import type { Posting } from './journal.ts';
import {
  createsAccount,
  type IncrementOperation,
  type OpenOperation,
  type Operation,
  referenceKey,
} from './operation.ts';
import { readBook } from './reading.ts';
import { applyOperation } from './rules.ts';

/** The operations that need no journal. */
export type PlainOperation = Operation & (OpenOperation | IncrementOperation);

/** Each round means that another writer came in between; more than a few in a row do not happen. */
const mostRounds = 10;

/**
 * An operation in a bank with `journal: false`: one guarded update or insert, atomic by itself,
 * without an id that makes sure of it.
 *
 * @throws the rule that refuses it; `journal_disabled` where an id was given
 */
export async function postPlain(
  bank: Bank,
  operation: PlainOperation,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Posting> {
  if (operation.idGiven || operation.memo !== undefined) {
    throw new BankctlError(
      'journal_disabled',
      'The config has journal: false, so there is nothing that could keep an id or a memo.',
    );
  }
  const branch = bank.branches.get(operation.branch);
  if (!bank.identity.isClaimed()) await claimFor(bank, operation, dryRun);
  if (createsAccount(operation) && !dryRun) await branch.prepare();
  for (let round = 0; round < mostRounds; round += 1) {
    const incremented = dryRun ? undefined : await tryIncrement(bank, operation);
    if (incremented) return incremented;
    const book = await readBook(bank, [operation]);
    const { postings } = applyOperation(book, operation);
    const [posting] = postings;
    const state = book.accounts.get(referenceKey(operation));
    if (!posting || typeof state !== 'object')
      throw new Error('an accepted operation has no posting');
    if (dryRun) return posting;
    if (posting.version !== 1n) continue;
    const change = { ...state, account: operation.account, versionRead: 0n };
    if (await inserted(branch.insert(change))) return posting;
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
  applyOperation(await readBook(bank, [operation]), operation);
  await bank.identity.claim();
}

async function tryIncrement(bank: Bank, operation: PlainOperation): Promise<Posting | undefined> {
  const { account, amountMinor } = operation;
  if (operation.type === 'open' || amountMinor === 0n) return undefined;
  const branch = bank.branches.get(operation.branch);
  const document = await branch.increment(account, amountMinor);
  if (!document) return undefined;
  const state = readAccount(document, branch.currency);
  if (state === 'bad_balance') throw new Error('the guard let an inexact balance through');
  return {
    branch: branch.name,
    account,
    amountMinor,
    balanceBeforeMinor: state.balanceMinor - amountMinor,
    balanceAfterMinor: state.balanceMinor,
    version: state.version,
  };
}

/** False where another writer opened the account in between. */
async function inserted(insert: Promise<void>): Promise<boolean> {
  try {
    await insert;
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === 11000) return false;
    throw error;
  }
}
