import { setTimeout as pause } from 'node:timers/promises';
import type { ChangeStream, ChangeStreamInsertDocument, ResumeToken } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import { isResumable, isServerError } from '../database/driver-errors.ts';
import type { Bank } from './bank.ts';
import { journalOf } from './history.ts';
import { type AppliedDocument, fromJournalDocument } from './journal-document.ts';
import type { Entry, Posting } from './operations/entry.ts';

/** One posting as it happens, as in the JSON result. */
export interface Movement {
  readonly at: string;
  readonly operation: string;
  readonly type: string;
  readonly branch: string;
  readonly account: string;
  readonly amount: string;
  readonly balance: string;
  readonly currency: string;
  readonly version: number;
}

/** What a watcher is sent: postings, and notice that it had to start over. */
export type WatchEvent =
  | { readonly kind: 'moved'; readonly movements: readonly Movement[] }
  /**
   * The server has forgotten the place at which the stream broke off: something may have been
   * missed.
   */
  | { readonly kind: 'lost_place' }
  /** Something was written into the journal that bankctl cannot read. */
  | { readonly kind: 'unreadable'; readonly error: BankctlError }
  | { readonly kind: 'reconnecting' };

/** Which postings are watched; all if both are undefined. */
interface WatchFilter {
  readonly branch: string | undefined;
  readonly account: string | undefined;
}

const retryMs = 500;

/**
 * Follows the journal until it is interrupted. A stream that breaks off is resumed where it was,
 * even after a restart of the server.
 * @throws `journal_disabled`; errors that a retry cannot fix
 * Source: MongoDB manual, "Change Streams", resume a change stream.
 */
export async function* watchPostings(
  bank: Bank,
  filter: WatchFilter,
  interrupted: AbortSignal,
): AsyncIterable<WatchEvent> {
  const journal = journalOf(bank);
  let token: ResumeToken | undefined;
  while (!interrupted.aborted) {
    const stream = journal.watch(token);
    const stop = () => void stream.close();
    interrupted.addEventListener('abort', stop, { once: true });
    // Before the first event this is the only place to resume from.
    stream.on('resumeTokenChanged', (current) => {
      token ??= current;
    });
    try {
      for await (const insertions of arrivals(stream)) {
        token = insertions.at(-1)?._id;
        const read = insertions.map(({ fullDocument }) =>
          readMovements(bank, fullDocument, filter),
        );
        const unreadable = read.filter((it) => it instanceof BankctlError);
        yield* unreadable.map((error) => ({ kind: 'unreadable', error }) as const);
        const movements = read.flatMap((it) => (it instanceof BankctlError ? [] : it));
        if (movements.length > 0) yield { kind: 'moved', movements };
      }
    } catch (error) {
      if (interrupted.aborted) return;
      if (isServerError(error, 'changeStreamHistoryLost')) {
        token = undefined;
        yield { kind: 'lost_place' };
      } else if (isResumable(error)) {
        yield { kind: 'reconnecting' };
        await pause(retryMs);
      } else {
        throw error;
      }
    } finally {
      interrupted.removeEventListener('abort', stop);
      await stream.close().catch(() => undefined);
    }
  }
}

type Insertion = ChangeStreamInsertDocument<AppliedDocument>;

/**
 * Combines whatever has arrived since the last look, so that a burst is one event. Iterated, not
 * listened to: a stream that the server refuses emits its end before its error.
 */
async function* arrivals(
  stream: ChangeStream<AppliedDocument>,
): AsyncIterable<readonly Insertion[]> {
  const arrived: Insertion[] = [];
  let wake = () => {};
  const ended = (async () => {
    for await (const event of stream) {
      if (event.operationType === 'insert') arrived.push(event);
      wake();
    }
  })();
  let isOver = false;
  const noticed = ended.finally(() => {
    isOver = true;
    wake();
  });
  // It is awaited in the end, but may fail while a burst is being read.
  noticed.catch(() => undefined);
  while (!isOver || arrived.length > 0) {
    if (arrived.length > 0) yield arrived.splice(0);
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  await noticed;
}

/** What another program wrote into the journal does not end the watch. */
function readMovements(
  bank: Bank,
  document: AppliedDocument,
  filter: WatchFilter,
): Movement[] | BankctlError {
  try {
    return movementsOf(bank, fromJournalDocument(document, bank.branches.currencyOf), filter);
  } catch (error) {
    if (error instanceof BankctlError) return error;
    throw error;
  }
}

function movementsOf(bank: Bank, entry: Entry, { branch, account }: WatchFilter): Movement[] {
  const wanted = (posting: Posting) =>
    (branch === undefined || posting.branch === branch) &&
    (account === undefined || posting.account === account);
  return entry.postings.filter(wanted).map((posting) => {
    const { currency } = bank.branches.get(posting.branch);
    return {
      at: entry.at.toISOString(),
      operation: entry.id,
      type: entry.type,
      branch: posting.branch,
      account: posting.account,
      amount: formatAmount(posting.amountMinor, currency),
      balance: formatAmount(posting.balanceAfterMinor, currency),
      currency: currency.code,
      version: Number(posting.version),
    };
  });
}
