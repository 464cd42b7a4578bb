import { setTimeout as pause } from 'node:timers/promises';
import type { Bank } from '../../bank/bank.ts';
import type { Change, ChangePlace, ClusterTime } from '../../bank/changes.ts';
import type { Currency } from '../../core/money.ts';
import { formatAmount } from '../../core/money.ts';
import { isResumable, isServerError } from '../../database/driver-errors.ts';
import {
  type AccountState,
  branchOf,
  holdsAccount,
  isChangeOfForm,
  ownVersion,
  placeName,
  stateAfter,
  stateOf,
} from './account-state.ts';

/** One write that went past bankctl, as in the JSON result. */
export interface OutsideWrite {
  readonly at: string;
  /** The branch, or the collection of a stray; null if the whole database was dropped. */
  readonly branch: string | null;
  /** Null if it is not known, or if it was a whole collection. */
  readonly account: string | null;
  readonly write: 'changed' | 'inserted' | 'replaced' | 'deleted' | 'dropped';
  /** What it added to the balance; null if it is not known. */
  readonly amount: string | null;
  /** The balance after it; null if it is gone, or cannot be read. */
  readonly balance: string | null;
  /** Null in a stray of a bank with several currencies. */
  readonly currency: string | null;
}

/** What a follower is sent. */
export type FollowEvent =
  /** From here on, no write is missed. */
  | { readonly kind: 'started' }
  | { readonly kind: 'wrote'; readonly write: OutsideWrite }
  /** The server has forgotten where the stream broke off: something may have been missed. */
  | { readonly kind: 'lost_place' }
  | { readonly kind: 'reconnecting' };

const retryMs = 500;

/** The documents whose balances are remembered: a hundred bytes or two each. */
const maxRemembered = 100_000;

/**
 * Follows what other programs write into accounts until it is interrupted.
 * @param only the branches to follow; undefined for all, and every other collection with accounts
 * @throws errors that a retry cannot fix
 */
export async function* followOutsideWrites(
  bank: Bank,
  only: readonly string[] | undefined,
  interrupted: AbortSignal,
): AsyncIterable<FollowEvent> {
  const start = await bank.changes.now();
  const follower = { bank, only, start, known: createMemory(maxRemembered), interrupted };
  let place: ChangePlace = { startAtOperationTime: start };
  yield { kind: 'started' };
  while (!interrupted.aborted) {
    try {
      for await (const { write, next } of readWrites(follower, place)) {
        // After it was observed: what breaks off before that is read again.
        place = next;
        if (write) yield { kind: 'wrote', write };
      }
    } catch (error) {
      if (interrupted.aborted) return;
      if (isServerError(error, 'changeStreamHistoryLost')) {
        place = { startAtOperationTime: await bank.changes.now() };
        follower.known.clear();
        yield { kind: 'lost_place' };
      } else if (isResumable(error)) {
        yield { kind: 'reconnecting' };
        await pause(retryMs);
      } else {
        throw error;
      }
    }
  }
}

interface Follower {
  readonly bank: Bank;
  readonly only: readonly string[] | undefined;
  /** What was done until then is not shown. */
  readonly start: ClusterTime;
  readonly known: Memory;
  readonly interrupted: AbortSignal;
}

/** Each change read, with what is to be shown of it, if anything, and the place after it. */
async function* readWrites(follower: Follower, place: ChangePlace) {
  const { bank, start, interrupted } = follower;
  const stream = bank.changes.open(place);
  const stop = () => void stream.close();
  interrupted.addEventListener('abort', stop, { once: true });
  try {
    while (!interrupted.aborted) {
      const { change, place: next } = await stream.next();
      const isNew = change?.time.greaterThan(start) === true;
      yield { write: isNew ? await observe(change, follower) : undefined, next };
    }
  } finally {
    interrupted.removeEventListener('abort', stop);
    await stream.close();
  }
}

/** The latest states of documents, the ones used longest ago forgotten first. */
interface Memory {
  readonly get: (key: string) => AccountState | undefined;
  readonly set: (key: string, state: AccountState | undefined) => void;
  readonly clear: () => void;
}

function createMemory(limit: number): Memory {
  const states = new Map<string, AccountState>();
  return {
    get: (key) => states.get(key),
    set: (key, state) => {
      states.delete(key);
      if (state) states.set(key, state);
      const [oldest] = states.size > limit ? states.keys() : [];
      if (oldest !== undefined) states.delete(oldest);
    },
    clear: () => states.clear(),
  };
}

const verbs = {
  insert: 'inserted',
  update: 'changed',
  replace: 'replaced',
  delete: 'deleted',
  gone: 'dropped',
} as const;

/** @returns undefined for what bankctl wrote, and for documents that are no accounts */
async function observe(
  change: Change,
  { bank, known, only }: Follower,
): Promise<OutsideWrite | undefined> {
  const { collection, kind } = change;
  const branch = branchOf(bank.config, collection);
  if (collection !== undefined && only && !(branch && only.includes(branch.name))) return undefined;
  const shared = {
    at: change.at.toISOString(),
    branch: collection === undefined ? null : placeName(bank.config, collection),
    write: verbs[kind],
  };
  if (kind === 'gone') {
    known.clear();
    const isOurs = collection === undefined || branch !== undefined;
    return isOurs
      ? { ...shared, account: null, amount: null, balance: null, currency: null }
      : undefined;
  }
  const currency = branch?.currency ?? sharedCurrency(bank);
  const before = await stateBefore(bank, change, { known, currency });
  if (before === 'no_account') return undefined;
  if (kind === 'insert' && !branch && !holdsAccount(change.fields)) return undefined;
  const after = kind === 'delete' ? undefined : stateAfter(before, change, currency);
  // Looked up first: if that fails, the change is read again, and nothing may be known of it yet.
  const isOwn = await isBankctls(bank, change, before, after);
  known.set(change.key, after);
  if (isOwn) return undefined;
  const amount = amountOf(change, before, after);
  if (amount === 0n && isChangeOfForm(change, currency)) return undefined;
  const show = (minor: bigint | undefined) =>
    minor === undefined ? null : formatAmount(minor, currency);
  return {
    ...shared,
    account: after?.account ?? before?.account ?? null,
    amount: show(amount),
    balance: show(after?.minor),
    currency: currency.code === '' ? null : currency.code,
  };
}

/** Whether bankctl made a change. A batch may raise the version by more than one. */
async function isBankctls(
  { config, journal }: Bank,
  change: Change,
  before: AccountState | undefined,
  after: AccountState | undefined,
): Promise<boolean> {
  const branch = branchOf(config, change.collection);
  const version = ownVersion(change, branch, before);
  if (!branch || version === undefined) return false;
  const account = after?.account;
  const isNext = version === (before?.version ?? 0n) + 1n;
  if (isNext || !journal || account === undefined) return true;
  const posted = await journal.postedVersions([{ branch: branch.name, account, version }]);
  return posted.length > 0;
}

/** What the write added; a document that is inserted or deleted had, or has, nothing. */
function amountOf(
  { kind }: Change,
  before: AccountState | undefined,
  after: AccountState | undefined,
): bigint | undefined {
  const was = kind === 'insert' ? 0n : before?.minor;
  const is = kind === 'delete' ? 0n : after?.minor;
  return was === undefined || is === undefined ? undefined : is - was;
}

/** The currency of strays: that of all branches; if they differ, without a name. */
function sharedCurrency({ config: { branches } }: Bank): Currency {
  const codes = new Set(branches.map(({ currency }) => currency.code));
  const digits = Math.max(...branches.map(({ currency }) => currency.digits));
  const [code = ''] = codes.size === 1 ? codes : [];
  return { code, digits };
}

/** The state before a change: remembered, or as the server still knows it. */
async function stateBefore(
  bank: Bank,
  change: Change,
  { known, currency }: { readonly known: Memory; readonly currency: Currency },
): Promise<AccountState | 'no_account' | undefined> {
  const remembered = known.get(change.key);
  if (remembered || change.kind === 'insert' || change.collection === undefined) return remembered;
  const document = await bank.changes.documentBefore(change);
  if (document) {
    const isAccount = branchOf(bank.config, change.collection) || holdsAccount(document);
    return isAccount ? stateOf(document, currency) : 'no_account';
  }
  const [still] = await bank.changes.numbersOf(change.collection, [change.id]);
  return still && { ...stateOf(still, currency), minor: undefined, version: undefined };
}
