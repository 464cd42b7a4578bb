import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount, maxMinor } from '../core/money.ts';
import { quote, shellWord } from '../core/text.ts';
import type { AccountStatus, DocumentId } from './account.ts';
import type { Entry, Posting, Refusal } from './journal-document.ts';
import { type AccountReference, type Operation, referenceKey } from './operation.ts';

/** An account as the rules see it. */
export interface AccountState {
  readonly version: bigint;
  readonly balanceMinor: bigint;
  readonly status: AccountStatus;
  readonly openedAt: Date;
  /** When the newest posting was made. */
  readonly postedAt: Date;
  /** When the next posting is made at the earliest. */
  readonly nextAt: Date;
  /** The `_id` of its document, which the write's filter repeats; undefined for a new one. */
  readonly documentId: DocumentId;
}

/** What is known of an account when the rules are applied: its state, or why it has none. */
export type Reading = AccountState | 'missing' | BankctlError;

/**
 * The reading of a batch: it starts as what the database said and moves on as operations are
 * accepted, so that the second operation on an account sees what the first one did.
 */
export interface Book {
  /** The server's time at the reading. */
  readonly now: Date;
  readonly accounts: Map<string, Reading>;
  /** Applied operations by id: those of the batch's ids and of what it reverses. */
  readonly entries: Map<string, Entry>;
  /** Refused operations by id, which exclude applied ones of the same id. */
  readonly refusals: Map<string, Refusal>;
  /** Reversals by the id of what they reverse. */
  readonly reversals: Map<string, Entry>;
  /** Accounts whose next version is in the journal already, with the refusal of a posting. */
  readonly behind: ReadonlyMap<string, BankctlError>;
  readonly branch: (name: string) => BranchConfig;
}

/** What an operation does, once the rules let it through. */
export interface Accepted {
  readonly at: Date;
  readonly postings: readonly Posting[];
}

/** One leg of an operation: what it asks of one account. */
interface Leg extends AccountReference {
  readonly amountMinor: bigint;
  readonly missing: 'create' | 'refuse';
  readonly existing: 'use' | 'refuse';
  /** Where the leg changes the status. */
  readonly status?: AccountStatus;
  /** The status that the account must have; open where left out. */
  readonly needs?: AccountStatus;
}

/**
 * Applies the rules to one operation and moves the book on. Pure but for the book.
 *
 * The time is the server's, or a millisecond after the newest posting that an earlier transaction
 * made on one of the accounts, so that times alone put transactions in order. An account takes one
 * transaction at a time, and each waits for the disk: only one that took more than a thousand a
 * second would run ahead of the clock, by a millisecond for each beyond that. After a clock was set
 * back, times go on from the newest posting until the clock has caught up.
 *
 * @throws `BankctlError` with the code of the rule that refuses it; the book is then unchanged
 */
export function applyOperation(book: Book, operation: Operation): Accepted {
  const legs = legsOf(book, operation);
  const changes = legs.map((leg) => ({ leg, before: stateBefore(book, leg) }));
  const latest = Math.max(
    book.now.getTime(),
    ...changes.map(({ before }) => before.nextAt.getTime()),
  );
  const at = new Date(latest);
  const states = changes.map(({ leg, before }) => stateAfter(book, leg, before, at));
  for (const { leg } of states) {
    const behind = book.behind.get(referenceKey(leg));
    if (behind) throw behind;
  }
  for (const { leg, after } of states) book.accounts.set(referenceKey(leg), after);
  return {
    at,
    postings: states.map(({ leg, before, after }) => ({
      branch: leg.branch,
      account: leg.account,
      amountMinor: leg.amountMinor,
      balanceBeforeMinor: before.balanceMinor,
      balanceAfterMinor: after.balanceMinor,
      version: after.version,
    })),
  };
}

/** What the operation asks of each account it touches; a reversal asks the opposite of its past. */
function legsOf(book: Book, operation: Operation): readonly Leg[] {
  switch (operation.type) {
    case 'open':
      return [leg(operation, operation.amountMinor, { missing: 'create', existing: 'refuse' })];
    case 'increment': {
      if (operation.amountMinor === 0n) throw zero();
      const missing = operation.create ? 'create' : 'refuse';
      return [leg(operation, operation.amountMinor, { missing })];
    }
    case 'transfer':
      return transferLegs(book, operation);
    case 'reverse':
      return reversedEntry(book, operation.reverses).postings.map((posting) =>
        leg(posting, -posting.amountMinor),
      );
    case 'freeze':
      return [leg(operation, 0n, { status: 'frozen' })];
    case 'unfreeze':
      return [leg(operation, 0n, { status: 'open', needs: 'frozen' })];
    case 'close':
      return [leg(operation, 0n, { status: 'closed' })];
  }
}

function leg(
  { branch, account }: AccountReference,
  amountMinor: bigint,
  more: Partial<Omit<Leg, 'branch' | 'account' | 'amountMinor'>> = {},
): Leg {
  return { branch, account, amountMinor, missing: 'refuse', existing: 'use', ...more };
}

function zero(): BankctlError {
  return new BankctlError('amount_zero', 'The amount is zero, which would move nothing.');
}

function transferLegs(
  book: Book,
  { from, to, amountMinor }: Extract<Operation, { type: 'transfer' }>,
): readonly Leg[] {
  if (amountMinor === 0n) throw zero();
  if (amountMinor < 0n) {
    throw new BankctlError(
      'amount_negative',
      'The amount of a transfer is below zero.',
      'Give the amount without a sign; to move money back, swap the two accounts.',
    );
  }
  if (referenceKey(from) === referenceKey(to)) {
    throw new BankctlError('same_account', `${referenceKey(from)} is both ends of the transfer.`);
  }
  const [source, target] = [book.branch(from.branch).currency, book.branch(to.branch).currency];
  if (source.code !== target.code) {
    throw new BankctlError(
      'currency_mismatch',
      `${from.branch} keeps ${source.code} and ${to.branch} keeps ${target.code}: ` +
        'a transfer has one currency.',
    );
  }
  return [leg(from, -amountMinor), leg(to, amountMinor)];
}

function reversedEntry(book: Book, id: string): Entry {
  const entry = book.entries.get(id);
  if (!entry) {
    throw new BankctlError('operation_not_found', `There is no operation ${quote(id)} to reverse.`);
  }
  if (entry.type !== 'increment' && entry.type !== 'transfer') {
    throw new BankctlError(
      'not_reversible',
      `The operation ${quote(id)} is of type ${entry.type}, which cannot be reversed.`,
    );
  }
  const reversal = book.reversals.get(id);
  if (reversal) {
    throw new BankctlError(
      'already_reversed',
      `The operation ${quote(id)} was reversed already, by ${quote(reversal.id)}.`,
      `See the reversal with bankctl show ${shellWord(reversal.id)}.`,
    );
  }
  return entry;
}

function stateBefore(book: Book, leg: Leg): AccountState {
  const branch = book.branch(leg.branch);
  const reading = book.accounts.get(referenceKey(leg)) ?? 'missing';
  if (reading instanceof BankctlError) throw reading;
  if (reading === 'missing') {
    if (leg.missing === 'create') return newAccount(book.now);
    throw new BankctlError(
      'account_not_found',
      `There is no account ${leg.account} in ${branch.name}.`,
      `Open it with bankctl open ${shellWords(leg)}.`,
    );
  }
  checkStatus(leg, reading);
  return reading;
}

function newAccount(now: Date): AccountState {
  const times = { openedAt: now, postedAt: now, nextAt: now };
  return { version: 0n, balanceMinor: 0n, status: 'open', ...times, documentId: undefined };
}

function checkStatus(leg: Leg, { status }: AccountState): void {
  const shown = referenceKey(leg);
  const words = shellWords(leg);
  if (leg.existing === 'refuse') {
    throw new BankctlError(
      'account_exists',
      `There is an account ${shown} already.`,
      `See it with bankctl balance ${words}.`,
    );
  }
  if (status === (leg.needs ?? 'open')) return;
  if (status === leg.status && status !== 'open') {
    throw new BankctlError(
      status === 'closed' ? 'account_closed' : 'account_frozen',
      `The account ${shown} is ${status} already.`,
      `See it with bankctl balance ${words}.`,
    );
  }
  if (status === 'closed') {
    throw new BankctlError('account_closed', `The account ${shown} is closed.`);
  }
  if (status === 'frozen') {
    throw new BankctlError(
      'account_frozen',
      `The account ${shown} is frozen.`,
      `Unfreeze it with bankctl unfreeze ${words}.`,
    );
  }
  throw new BankctlError(
    'account_not_frozen',
    `The account ${shown} is not frozen.`,
    `See its status with bankctl balance ${words}.`,
  );
}

function shellWords({ branch, account }: AccountReference): string {
  return `${shellWord(branch)} ${shellWord(account)}`;
}

function stateAfter(book: Book, leg: Leg, before: AccountState, at: Date) {
  const branch = book.branch(leg.branch);
  const balanceMinor = before.balanceMinor + leg.amountMinor;
  if (leg.status === undefined) checkBounds(branch, leg, before.balanceMinor, balanceMinor);
  if (leg.status === 'closed' && balanceMinor !== 0n) {
    throw new BankctlError(
      'balance_not_zero',
      `The account ${referenceKey(leg)} still has ${formatAmount(balanceMinor, branch.currency)} ` +
        `${branch.currency.code}.`,
    );
  }
  const after: AccountState = {
    version: before.version + 1n,
    balanceMinor,
    status: leg.status ?? before.status,
    openedAt: before.openedAt,
    postedAt: at,
    // A second posting of the same transaction has its place by `seq`.
    nextAt: at,
    documentId: before.documentId,
  };
  return { leg, before, after };
}

function checkBounds(
  branch: BranchConfig,
  leg: Leg,
  beforeMinor: bigint,
  afterMinor: bigint,
): void {
  const { currency } = branch;
  const shown = (minor: bigint) => formatAmount(minor, currency);
  if (afterMinor < branch.minBalanceMinor) {
    throw new BankctlError(
      'below_minimum',
      `The account ${referenceKey(leg)} has ${shown(beforeMinor)} ${currency.code}; ` +
        `${shown(leg.amountMinor)} would leave ${shown(afterMinor)}, below the minimum of ` +
        `${shown(branch.minBalanceMinor)}.`,
      `See it with bankctl balance ${shellWords(leg)}.`,
    );
  }
  if (afterMinor > maxMinor) {
    throw new BankctlError(
      'balance_limit',
      `The account ${referenceKey(leg)} would have more than ${shown(maxMinor)} ${currency.code}.`,
    );
  }
}
