import { hash } from 'node:crypto';
import { type Currency, formatAmount } from '../../core/money.ts';
import { type Adopt, adopt } from './adopt.ts';
import type { Asked, Entry } from './entry.ts';
import { type Increment, increment } from './increment.ts';
import type { Kind, Leg, Past, RowKind } from './kind.ts';
import { type Label, label } from './label.ts';
import type { AccountReference } from './names.ts';
import { type Open, open } from './open.ts';
import type { ProfileEdit } from './profile.ts';
import { type Repair, repair } from './repair.ts';
import { type Reverse, reverseOf } from './reverse.ts';
import { close, freeze, type StatusChange, unfreeze } from './status.ts';
import { type Transfer, transfer } from './transfer.ts';

/** What can be asked for, without its id. */
export type Change =
  | Increment
  | Open
  | Transfer
  | Reverse
  | StatusChange<'freeze'>
  | StatusChange<'unfreeze'>
  | StatusChange<'close'>
  | Label
  | Adopt
  | Repair;

/** The name of a kind of operation. */
export type OperationType = Change['type'];

type ChangeOf<T extends OperationType> = Extract<Change, { readonly type: T }>;

/** The kinds that only a command of their own makes, never a row of a file. */
type MadeType = 'adopt' | 'repair';

/** The name of a kind that a person can ask for, with arguments or as a row of a file. */
export type RowType = Exclude<OperationType, MadeType>;

/** What people ask for: a new kind takes a file beside this one, a row here, and its command. */
const rowKinds = {
  increment,
  open,
  transfer,
  reverse: reverseOf((type) => kindNamed(type)?.isReversible === true),
  freeze,
  unfreeze,
  close,
  label,
} satisfies { readonly [T in RowType]: RowKind<ChangeOf<T>> };

/** All kinds of operation. */
const kinds = { ...rowKinds, adopt, repair } satisfies {
  readonly [T in OperationType]: Kind<ChangeOf<T>>;
};

/** The types that a row can have, in the order in which messages list them. */
export const rowTypes: readonly string[] = Object.keys(rowKinds);

/** The types of operation, in the order in which messages list them. */
export const operationTypes: readonly string[] = Object.keys(kinds);

/** The types that set an account's status. */
export const statusTypes: readonly string[] = Object.entries(kinds)
  .filter(([, { status }]) => status !== undefined)
  .map(([type]) => type);

/** True for the name of a kind that a row can have. */
export function isRowType(type: string): type is RowType {
  return Object.hasOwn(rowKinds, type);
}

/** Everything that sets a kind that rows can have apart. */
export function rowKindOf<T extends RowType>(type: T): RowKind<ChangeOf<T>> {
  const table: { readonly [U in RowType]: RowKind<ChangeOf<U>> } = rowKinds;
  return table[type];
}

/** Everything that sets a kind of operation apart. */
export function kindOf<T extends OperationType>(type: T): Kind<ChangeOf<T>> {
  const table: { readonly [U in OperationType]: Kind<ChangeOf<U>> } = kinds;
  return table[type];
}

/** Like `kindOf`, for the type of an entry; undefined for a type of a later version. */
export function kindNamed(type: string): Kind<Change> | undefined {
  return isOperationType(type) ? kindOf(type) : undefined;
}

/** True for the name of a kind; the journal may hold others, of later versions. */
function isOperationType(type: string): type is OperationType {
  return Object.hasOwn(kinds, type);
}

/** One change asked for. */
export type Operation = Change & {
  /** Unique in the database, forever: the journal's `_id`. */
  readonly id: string;
  /** True if the id came from outside, so that it may have been used before. */
  readonly idGiven: boolean;
  readonly memo: string | undefined;
  /** The digest of what it asks for, if it is known already: see `requestDigest`. */
  readonly request?: string;
};

/** What an operation id stands for, field by field, in the words of the command line. */
export type Request = Readonly<Record<string, string>>;

/** What an operation asks for, in minor units. The same id with another request is a conflict. */
export function requestOf(operation: Operation): Request {
  return kindOf(operation.type).request(operation, operation.memo ?? '');
}

/**
 * What an entry's operation had asked for; for one written by a later version, only type and memo
 * are known.
 */
export function requestOfEntry(entry: Entry): Request {
  const memo = entry.memo ?? '';
  const change = changeOf(entry);
  return change ? kindOf(change.type).request(change, memo) : { type: entry.type, memo };
}

/** The digest of a request, as the journal keeps it: SHA-256, hexadecimal. */
export function requestDigest(request: Request): string {
  return hash('sha256', JSON.stringify(request), 'hex');
}

/** What an operation asks for as people write it, without its type and memo. */
export function askedOf(operation: Operation, currencyOf: (branch: string) => Currency): Asked {
  return inWords(operation, accountsOf(operation, new Map()), currencyOf);
}

/** The row that asks for what an entry did; undefined if no row can. */
export function rowOf(
  entry: Entry,
  currencyOf: (branch: string) => Currency,
): Readonly<Record<string, string | boolean>> | undefined {
  const change =
    entry.type === 'adopt' || entry.type === 'repair' ? sameEffect(entry) : changeOf(entry);
  return (
    change && {
      type: change.type,
      id: entry.id,
      ...(entry.memo === undefined ? {} : { memo: entry.memo }),
      ...inWords(change, entry.postings, currencyOf),
      ...('create' in change && change.create ? { create: true } : {}),
    }
  );
}

/** What has the effect of an entry of a kind that no row can have; undefined if nothing has. */
function sameEffect({ postings }: Entry): Change | undefined {
  const [first, second, ...more] = postings;
  if (!first || more.length > 0) return undefined;
  const { branch, account, amountMinor, version } = first;
  if (!second) {
    if (version === 1n) return { type: 'open', branch, account, amountMinor };
    if (amountMinor === 0n) return undefined;
    return { type: 'increment', branch, account, amountMinor, create: false };
  }
  if (amountMinor === 0n || amountMinor !== -second.amountMinor) return undefined;
  const [from, to] = amountMinor < 0n ? [first, second] : [second, first];
  return { type: 'transfer', from, to, amountMinor: to.amountMinor };
}

function inWords(
  change: Change,
  [first]: readonly AccountReference[],
  currencyOf: (branch: string) => Currency,
): Asked {
  const request: Request = kindOf(change.type).request(change, '');
  const { type: _type, memo: _memo, ...asked } = request;
  const { amount } = asked;
  if (amount === undefined || !first) return asked;
  return { ...asked, amount: formatAmount(BigInt(amount), currencyOf(first.branch)) };
}

function changeOf(entry: Entry): Change | undefined {
  const [first, ...rest] = entry.postings;
  return first && kindNamed(entry.type)?.changeOf(entry, [first, ...rest]);
}

/** The id of what an operation reverses. */
export function reversedBy(operation: Operation): string | undefined {
  return 'reverses' in operation ? operation.reverses : undefined;
}

/** What a `label` asks for. */
export function editOf(operation: Operation): ProfileEdit | undefined {
  if (operation.type !== 'label') return undefined;
  const { owner, add, remove } = operation;
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(add === undefined ? {} : { add }),
    ...(remove === undefined ? {} : { remove }),
  };
}

/** The accounts that an operation touches; those of a reversal are found in what it reverses. */
export function accountsOf(
  operation: Change,
  entries: ReadonlyMap<string, Entry>,
): readonly AccountReference[] {
  return kindOf(operation.type).accounts(operation, entries);
}

/** What an operation asks of each account. @throws `BankctlError` if past or operation forbid it */
export function legsOf(operation: Operation, past: Past): readonly Leg[] {
  return kindOf(operation.type).legs(operation, past);
}

/** True if the operation may open an account. */
export function createsAccount(operation: Operation): boolean {
  return kindOf(operation.type).creates(operation);
}

/** The operations that need no journal. */
export type PlainOperation = Operation & (Open | Increment);

/** True for an operation that a bank without a journal accepts. */
export function isPlain(operation: Operation): operation is PlainOperation {
  return !kindOf(operation.type).needsJournal;
}
