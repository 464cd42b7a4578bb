import type { Bank } from '../../bank/bank.ts';
import type { Change, ClusterTime } from '../../bank/changes.ts';
import type { Currency } from '../../core/money.ts';
import {
  type AccountState,
  branchOf,
  holdsAccount,
  ownVersion,
  stateAfter,
  stateOf,
} from './account-state.ts';

/** A write of another program to an account. Amounts in the unit of the trace. */
interface RecordedWrite {
  /** Undefined if the balance before or after it is not known. */
  readonly amount: bigint | undefined;
  /** The balance after it, if that can be read. */
  readonly after: bigint | undefined;
  /** By the server's clock, milliseconds. */
  readonly atMs: number;
}

/** What the history has of one document. */
export interface RecordedDocument {
  readonly collection: string;
  readonly id: unknown;
  /** Undefined until it is looked up, or if it is not known. */
  account: string | undefined;
  /** The balance with which it was inserted, if that is in the history. */
  insertedMinor: bigint | undefined;
  readonly writes: RecordedWrite[];
  /** bankctl's own changes: the version, and how many writes came before. */
  readonly own: { readonly version: bigint; readonly writes: number }[];
}

/** What the server's history has of all accounts. */
export interface History {
  readonly documents: readonly RecordedDocument[];
  /** How much later than its time a write may have been, milliseconds. */
  readonly resolutionMs: number;
  /** Before that moment there may be writes that cannot be told from others. */
  readonly blindUntilMs: number;
  /** Why, in clauses. */
  readonly blindness: readonly string[];
}

/**
 * Reads the history between two times. Memory grows with the number of documents written to, and
 * of writes.
 * @param unit what all amounts are read in: the smallest of any branch
 */
export async function readHistory(
  bank: Bank,
  { from, to }: { readonly from: ClusterTime; readonly to: ClusterTime },
  unit: Currency,
  progress: (changes: number) => void,
): Promise<History> {
  const recorder = createRecorder(bank, unit);
  let changes = 0;
  for await (const change of bank.changes.between(from, to)) {
    recorder.add(change);
    changes += 1;
    if (changes % 1000 === 0) progress(changes);
  }
  await findNumbers(bank, recorder.documents);
  return recorder.end();
}

/**
 * The server reads the times of its history from a clock that a thread of its own advances, every
 * 10 ms and later if it is busy.
 */
const coarseClockMs = 10;

/** The most that a `resolutionMs` can be: a server before version 6 keeps whole seconds. */
export const maxResolutionMs = 1000;

function createRecorder(bank: Bank, unit: Currency) {
  const documents = new Map<string, RecordedDocument>();
  const states = new Map<string, AccountState>();
  const written = new Set<string>();
  const gone = new Map<string, number>();
  const resolutions = new Set([coarseClockMs]);
  const record = (change: Change, collection: string) => {
    const known = documents.get(change.key);
    const account = states.get(change.key)?.account;
    if (known) {
      known.account ??= account;
      return known;
    }
    const { id } = change;
    const made = { collection, id, account, insertedMinor: undefined, writes: [], own: [] };
    documents.set(change.key, made);
    return made;
  };
  const addGone = ({ collection, at }: Change) => {
    // The writes to a collection that was dropped are still told, as far as there were any.
    if (collection !== undefined && written.has(collection)) return;
    gone.set(collection ?? 'the database', at.getTime());
  };
  const addDeletion = (change: Change, collection: string) => {
    const before = states.get(change.key);
    states.delete(change.key);
    // What it had is lost with it, which no call of a log means.
    if (before?.minor !== undefined && before.minor !== 0n) {
      record(change, collection).writes.push(writeOf(change, before, 0n));
    }
  };
  const addState = (change: Change, collection: string) => {
    const { key, kind } = change;
    const before = states.get(key);
    const after = stateAfter(before, change, unit);
    states.set(key, after);
    written.add(collection);
    const { writes, own } = record(change, collection);
    const version = ownVersion(change, branchOf(bank.config, collection), before);
    if (version !== undefined) own.push({ version, writes: writes.length });
    if (kind === 'insert') record(change, collection).insertedMinor = after.minor;
    else if (version === undefined && isWrite(change, before, after)) {
      writes.push(writeOf(change, before, after.minor));
    }
  };
  return {
    documents,
    add: (change: Change) => {
      const { collection, kind, fields } = change;
      if (kind === 'gone') addGone(change);
      if (collection === undefined || kind === 'gone') return;
      if (!change.hasMilliseconds) resolutions.add(maxResolutionMs);
      const isWhole = kind === 'insert' || kind === 'replace';
      if (isWhole && !branchOf(bank.config, collection) && !holdsAccount(fields)) return;
      if (kind === 'delete') addDeletion(change, collection);
      else addState(change, collection);
    },
    end: (): History => {
      const all = [...documents.values()];
      const unknown = all.filter(
        ({ account, writes }) => account === undefined && writes.length > 0,
      );
      const times = unknown.flatMap(({ writes }) => writes.map(({ atMs }) => atMs));
      const names = new Set(unknown.map(({ collection }) => collection));
      return {
        resolutionMs: Math.max(...resolutions),
        documents: all.filter(({ account }) => account !== undefined),
        blindUntilMs: [...times, ...gone.values()].reduce(later, Number.NEGATIVE_INFINITY),
        blindness: [
          ...[...gone.keys()].map((name) => `${name} was dropped or renamed`),
          ...[...names].map((name) => `documents of ${name} that were written to are gone`),
        ],
      };
    },
  };
}

function later(left: number, right: number): number {
  return Math.max(left, right);
}

/** A change of form, such as a decimal in place of a double, is none. */
function isWrite(
  { fields, removed, kind }: Change,
  before: AccountState | undefined,
  after: AccountState,
): boolean {
  const isOfBalance = kind === 'replace' || 'balance' in fields || removed.includes('balance');
  return isOfBalance && (before?.minor === undefined || before.minor !== after.minor);
}

function writeOf(
  { at }: Change,
  before: AccountState | undefined,
  after: bigint | undefined,
): RecordedWrite {
  const was = before?.minor;
  const amount = was === undefined || after === undefined ? undefined : after - was;
  return { amount, after, atMs: at.getTime() };
}

const lookUpSize = 1000;

/** Updates do not name the account: the numbers of those that are still there are looked up. */
async function findNumbers(
  bank: Bank,
  documents: ReadonlyMap<string, RecordedDocument>,
): Promise<void> {
  const unknown = new Map<string, RecordedDocument[]>();
  for (const document of documents.values()) {
    if (document.account !== undefined) continue;
    const others = unknown.get(document.collection);
    if (others) others.push(document);
    else unknown.set(document.collection, [document]);
  }
  for (const [collection, members] of unknown) {
    for (let start = 0; start < members.length; start += lookUpSize) {
      const ids = members.slice(start, start + lookUpSize).map(({ id }) => id);
      for (const found of await bank.changes.numbersOf(collection, ids)) {
        const document = documents.get(bank.changes.keyOf(collection, found['_id']));
        if (document) document.account = stateOf(found, noUnit).account;
      }
    }
  }
}

/** Only numbers are read. */
const noUnit = { code: '', digits: 0 };
