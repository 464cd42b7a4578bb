import { type ClientSession, type Document, Timestamp } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { type Currency, formatAmount } from '../core/money.ts';
import { formatTime, type Span } from '../core/time.ts';
import { type AccountBalance, type BankBalance, sumUp } from './balances.ts';
import type { Bank } from './bank.ts';
import { runWithin } from './deadline.ts';
import { fromDecimal } from './decimal.ts';
import { journalOf } from './history.ts';
import type { Journal } from './journal.ts';
import { type AccountReference, shellReference } from './operations/names.ts';
import { kindNamed } from './operations/operation.ts';

/** A moment of the past, and whether what was posted by then can still change. */
export interface PastMoment {
  /** What was posted in this millisecond is included. */
  readonly at: Date;
  /**
   * False if an operation under way may still be posted with an earlier time, which would change
   * the answer.
   */
  readonly final: boolean;
  /** From then on, by the server's clock, the answer is final. */
  readonly finalFrom: Date;
  /** True for the end of a day. */
  readonly isDay: boolean;
  /** False for a day that the server's clock has not ended yet. */
  readonly isOver: boolean;
}

/**
 * How long an operation may be under way after it took its time: the server ends a transaction
 * after 60 s, and looks for such transactions every 30 s.
 * Source: MongoDB manual, "transactionLifetimeLimitSeconds".
 */
const underWayMs = 90_000;

/** The last millisecond of a day; for a moment, the moment itself. */
function lastOf({ from, to, isDay }: Span): Date {
  return isDay ? new Date(to.getTime() - 1) : from;
}

/**
 * The server's time.
 * @throws `time_out_of_range` for a time in the future. If the server's clock was set back, the
 *   time up to the newest posting still counts as past.
 */
async function checkPast(bank: Bank, span: Span): Promise<Date> {
  const now = await bank.serverTime();
  if (span.from <= now) return now;
  const newest = await runWithin(bank.timeoutMs, () => journalOf(bank).newestAt());
  if (newest === undefined || span.from > newest) {
    const shown = (time: Date) => formatTime(time, bank.config.timezone);
    const end = span.isDay ? `The end of that day, ${shownEnd(bank, span)},` : shown(span.from);
    throw outOfRange(`${end} is in the future: it is ${shown(now)} now.`);
  }
  return now;
}

/**
 * Whether the answer that a session has read is final. If the majority of the members lags, its
 * snapshot is older than the server's time.
 */
function momentOf(span: Span, now: Date, session: ClientSession): PastMoment {
  const at = lastOf(span);
  const finalFrom = new Date(at.getTime() + underWayMs);
  // The driver keeps it out of its public types.
  const snapshot: unknown = Reflect.get(session, 'snapshotTime');
  const snapshotMs = snapshot instanceof Timestamp ? snapshot.getHighBitsUnsigned() * 1000 : 0;
  const final = finalFrom.getTime() < Math.min(now.getTime(), snapshotMs);
  return { at, finalFrom, final, isDay: span.isDay, isOver: at < now };
}

function shownEnd({ config }: Bank, span: Span): string {
  return formatTime(lastOf(span), config.timezone);
}

function outOfRange(message: string, hint?: string): BankctlError {
  return new BankctlError('time_out_of_range', message, hint);
}

/** What is read in one snapshot, with its moment. */
async function readAt<T>(
  bank: Bank,
  span: Span,
  read: (journal: Journal, session: ClientSession) => Promise<T>,
): Promise<readonly [T, PastMoment]> {
  const journal = journalOf(bank);
  const now = await checkPast(bank, span);
  const readOnce = async (session: ClientSession) =>
    [await read(journal, session), momentOf(span, now, session)] as const;
  return runWithin(bank.timeoutMs, () => bank.inSession(readOnce, { snapshot: true }));
}

/** The whole bank at a moment of the past. */
interface PastBalance extends BankBalance, PastMoment {
  /** Branches that have postings in the journal but are not in the config; they are left out. */
  readonly unknownBranches: readonly string[];
}

/**
 * All branches as they were at a time, from one snapshot.
 * @throws `time_out_of_range`, `journal_disabled`, `bad_balance`
 */
export async function bankBalanceAt(bank: Bank, span: Span): Promise<PastBalance> {
  const currencies = new Map([...bank.branches].map(({ name, currency }) => [name, currency]));
  const [sums, moment] = await readAt(bank, span, async (journal, session) => {
    const all = new Map<string, BranchSum>();
    for await (const rows of journal.totalsAt(lastOf(span), session)) {
      addUp(all, rows, currencies);
    }
    return all;
  });
  if (sums.size === 0) throw outOfRange(`Nothing was posted by ${shownEnd(bank, span)}.`);
  const balance = sumUp(
    [...bank.branches].map((branch) => {
      const { accounts, minor } = sums.get(branch.name) ?? { accounts: 0, minor: 0n };
      return { branch, accounts, minor, problems: [] };
    }),
  );
  const known = new Set(balance.branches.map(({ branch }) => branch));
  const unknownBranches = [...sums.keys()].filter((name) => !known.has(name));
  return { ...balance, ...moment, unknownBranches };
}

/** What was added up of a branch. */
interface BranchSum {
  readonly accounts: number;
  readonly minor: bigint;
}

/** A branch that the config does not have is only noted. */
function addUp(
  sums: Map<string, BranchSum>,
  rows: readonly Document[],
  currencies: ReadonlyMap<string, Currency>,
): void {
  for (const row of rows) {
    const name = String(row['_id']);
    const { accounts, minor } = sums.get(name) ?? { accounts: 0, minor: 0n };
    const currency = currencies.get(name);
    const part = currency ? fromDecimal(row['total'], currency) : 0n;
    if (part === undefined && currency) throw inexact(`The journal of ${name}`, currency);
    sums.set(name, { accounts: accounts + Number(row['accounts']), minor: minor + (part ?? 0n) });
  }
}

/**
 * The accounts of a branch as they were, by number, in batches.
 * @param onMoment called with the moment before the first batch
 * @throws `time_out_of_range`, `journal_disabled`, `bad_balance`
 */
export async function* accountBalancesAt(
  bank: Bank,
  name: string,
  span: Span,
  onMoment: (moment: PastMoment) => void,
): AsyncIterable<readonly AccountBalance[]> {
  const journal = journalOf(bank);
  const { currency } = bank.branches.get(name);
  const now = await checkPast(bank, span);
  const session = bank.startSession({ snapshot: true });
  let any = false;
  try {
    for await (const documents of journal.accountsAt(lastOf(span), { branch: name }, session)) {
      if (!any) onMoment(momentOf(span, now, session));
      any = true;
      yield documents.map((document) => {
        const account = String(document['_id'].account_number);
        const balance = storedAmount(document, `${name}:${account}`, currency);
        return { account, balance, currency: currency.code, status: statusOf(document) };
      });
    }
  } finally {
    await session.endSession();
  }
  if (!any) throw outOfRange(`Nothing was posted in ${name} by ${shownEnd(bank, span)}.`);
}

/**
 * One account as it was.
 * @throws `time_out_of_range` also if the account had no posting yet; `journal_disabled`,
 *   `bad_balance`
 */
export async function accountBalanceAt(bank: Bank, reference: AccountReference, span: Span) {
  const { name, currency } = bank.branches.get(reference.branch);
  const shown = `${name}:${reference.account}`;
  const [document, moment] = await readAt(bank, span, async (journal, session) => {
    for await (const [found] of journal.accountsAt(lastOf(span), reference, session)) {
      if (found) return found;
    }
    const words = shellReference({ branch: name, account: reference.account });
    throw outOfRange(
      `${shown} had no posting by ${shownEnd(bank, span)}.`,
      `bankctl history ${words} shows the times of its postings.`,
    );
  });
  return {
    branch: name,
    account: reference.account,
    currency: currency.code,
    balance: storedAmount(document, shown, currency),
    version: Number(document['last'].version),
    status: statusOf(document),
    ...moment,
  };
}

function storedAmount(document: Document, shown: string, currency: Currency): string {
  const minor = fromDecimal(document['last'].balance, currency);
  if (minor === undefined) throw inexact(`The journal of ${shown}`, currency);
  return formatAmount(minor, currency);
}

function inexact(what: string, { code }: Currency): BankctlError {
  return new BankctlError('bad_balance', `${what} has no exact amount of ${code}.`);
}

/** The newest change of status says what the status was. */
function statusOf(document: Document): string {
  return kindNamed(String(document['changed']?.type))?.status ?? 'open';
}
