import { areLabels, isOwner, type Profile, sortLabels } from './operations/profile.ts';
import {
  asciiArrayAt,
  asciiAt,
  bsonType,
  createRawFields,
  plainMinorAt,
  wholeAt,
} from './raw-fields.ts';
import type { Storage } from './stored-balance.ts';
import { labelsField, ownerField } from './stored-profile.ts';

/** An account as bankctl writes it, in numbers that are exact. */
export interface PlainAccount {
  readonly account: string;
  readonly version: number;
  /** In minor units. */
  readonly balanceMinor: number;
  readonly isClosed: boolean;
  /** Undefined if it never had an owner or labels. */
  readonly profile: Profile | undefined;
}

/** A posting of money only as bankctl writes it, in numbers that are exact. Minor units. */
export interface PlainPosting {
  readonly branch: string;
  readonly account: string;
  readonly amountMinor: number;
  readonly balanceAfterMinor: number;
  readonly version: number;
}

const endOfTimesMs = Date.UTC(10_000, 0);
const statuses: ReadonlySet<unknown> = new Set(['open', 'frozen', 'closed']);

function isTime(bytes: Uint8Array, at: number): boolean {
  return (wholeAt(bytes, at) ?? endOfTimesMs) < endOfTimesMs;
}

/**
 * Reads the documents of a branch that are as bankctl writes them, from their bytes: most are, and
 * to make objects of all of them would take several times as long. Whatever it reads, `readAccount`
 * reads as the same.
 * @returns a function that is undefined for any other document
 */
export function plainAccounts({
  name,
  storage,
  currency: { digits },
}: { readonly name: string } & Storage): (bytes: Buffer) => PlainAccount | undefined {
  const { locate, at } = createRawFields([
    { name: 'account_number', type: 'string' },
    { name: 'branch', type: 'string' },
    { name: 'balance', type: 'decimal' },
    { name: 'version', type: 'long' },
    { name: 'status', type: 'string' },
    { name: 'opened_at', type: 'date' },
    { name: 'posted_at', type: 'date', optional: true },
    { name: ownerField, type: 'string', optional: true },
    { name: labelsField, type: 'array', optional: true },
  ]);
  const isOwn = (bytes: Buffer) =>
    locate(bytes, 0) &&
    asciiAt(bytes, at(1)) === name &&
    statuses.has(asciiAt(bytes, at(4))) &&
    isTime(bytes, at(5)) &&
    (at(6) === 0 || isTime(bytes, at(6)));
  return (bytes) => {
    if (storage !== 'decimal' || !isOwn(bytes)) return undefined;
    const account = asciiAt(bytes, at(0));
    const balanceMinor = plainMinorAt(bytes, at(2), digits);
    const version = wholeAt(bytes, at(3));
    if (!account || !version || balanceMinor === undefined) return undefined;
    const profile = at(7) === 0 && at(8) === 0 ? undefined : plainProfile(bytes, at(7), at(8));
    if (profile === 'other') return undefined;
    return {
      account,
      version,
      balanceMinor,
      isClosed: asciiAt(bytes, at(4)) === 'closed',
      profile,
    };
  };
}

/** @param ownerAt where it is, as `labelsAt` is; 0 if there is none */
function plainProfile(bytes: Buffer, ownerAt: number, labelsAt: number): Profile | 'other' {
  const owner = ownerAt === 0 ? null : (asciiAt(bytes, ownerAt) ?? '');
  const labels = labelsAt === 0 ? [] : (asciiArrayAt(bytes, labelsAt) ?? ['']);
  const isPlain = (owner === null || isOwner(owner)) && areLabels(labels);
  return isPlain ? { owner, labels: sortLabels(labels) } : 'other';
}

/** Reads one posting; false if its branch is to be left out, undefined if it is not plain. */
function plainPosting(digitsOf: (branch: string) => number | undefined) {
  const { locate, at } = createRawFields([
    { name: 'branch', type: 'string' },
    { name: 'account_number', type: 'string' },
    { name: 'amount', type: 'decimal' },
    { name: 'balance_after', type: 'decimal' },
    { name: 'version', type: 'long' },
    { name: 'profile', type: 'document', optional: true },
  ]);
  return (bytes: Buffer, start: number): PlainPosting | false | undefined => {
    if (!locate(bytes, start) || at(5) !== 0) return undefined;
    const branch = asciiAt(bytes, at(0));
    const digits = branch === undefined ? undefined : digitsOf(branch);
    if (branch === undefined) return undefined;
    if (digits === undefined) return false;
    const account = asciiAt(bytes, at(1));
    const version = wholeAt(bytes, at(4));
    const amountMinor = plainMinorAt(bytes, at(2), digits);
    const balanceAfterMinor = plainMinorAt(bytes, at(3), digits);
    if (account === undefined || !version) return undefined;
    if (amountMinor === undefined || balanceAfterMinor === undefined) return undefined;
    return { branch, account, amountMinor, balanceAfterMinor, version };
  };
}

/**
 * Reads the postings of operations that are as bankctl writes them, from their bytes.
 * @param digitsOf the digits of a branch's currency; undefined for a branch to be left out
 * @returns a function that adds to a list, and is false for an operation that is any other
 */
export function plainPostings(
  digitsOf: (branch: string) => number | undefined,
): (bytes: Buffer, into: PlainPosting[]) => boolean {
  const { locate, at } = createRawFields([
    { name: '_id', type: 'string' },
    { name: 'type', type: 'string' },
    { name: 'at', type: 'date' },
    { name: 'by', type: 'string' },
    { name: 'request', type: 'string' },
    { name: 'postings', type: 'array' },
  ]);
  const read = plainPosting(digitsOf);
  return (bytes, into) => {
    if (!locate(bytes, 0) || !isTime(bytes, at(2))) return false;
    // An array is a document whose fields are named 0, 1, 2 and so on.
    let position = at(5) + 4;
    while (bytes[position] === bsonType.document) {
      position = bytes.indexOf(0, position) + 1;
      const posting = read(bytes, position);
      if (posting === undefined) return false;
      if (posting) into.push(posting);
      position += bytes.readInt32LE(position);
    }
    return bytes[position] === 0;
  };
}
