import { BankctlError } from '../../core/errors.ts';
import { formatAmount, parseAmount } from '../../core/money.ts';
import { faultKinds, ledgerKinds } from '../plan/ledger.ts';

type Value = Readonly<Record<string, unknown>>;

/** One line of a history, insofar as a judge reads it. */
export interface HistoryEvent {
  /** Who: a worker's number, or `nemesis`; absent for the lines that frame a history. */
  readonly process?: number | 'nemesis' | undefined;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  /** What: `init`, `applied`, `increment`, `read`, `transfer`, `snapshot`, or a fault's name. */
  readonly f: string;
  readonly value: Value;
  /** Nanoseconds, monotonic. */
  readonly time: number;
  /** Of `init`: which model was run; it must be clean unless it is `shared`. */
  readonly model?: string | undefined;
  /** Of `init`: the kinds of operation and of fault that the run must have. */
  readonly kinds?: readonly string[] | undefined;
  readonly faults?: string | undefined;
  /** Where a write was sent, for the models without a journal; null for nowhere. */
  readonly collection?: string | null | undefined;
  readonly matched?: number | undefined;
  readonly seed?: number | undefined;
  /** Of `fail` and `info`: the code of the refusal, or what the driver said. */
  readonly error?: string | undefined;
  /** Of `info`: the worker stopped waiting on purpose. */
  readonly gave_up?: boolean | undefined;
  /** Of `ok`: the id had been applied before, and this is its first answer. */
  readonly replayed?: boolean | undefined;
  /** Of `info`: what bankctl said about an operation whose fate a client cannot know. */
  readonly said?: 'not_applied' | undefined;
}

/** Amounts of all currencies are compared as millionths; no currency has more decimals. */
const anyCurrency = Object.freeze({ code: 'the history', digits: 6 });

/** Kinds of operation that a history can declare due. */
const kinds: ReadonlySet<unknown> = new Set(ledgerKinds);
const models: ReadonlySet<unknown> = new Set([undefined, 'ledger', 'shared', 'branch']);
const types = ['invoke', 'ok', 'fail', 'info'] as const;

/**
 * Reads a line strictly: whatever docs/history.md requires must be present and of its type. A judge
 * that ignored what it does not understand would pass histories that prove nothing. What can be
 * judged only together with other lines is left to the rules.
 *
 * @returns the event, or what is wrong with the line, to end a sentence with
 */
export function readHistoryEvent(line: string): HistoryEvent | string {
  const fields = parseJson(line);
  if (!isRecord(fields)) return 'is not a JSON object';
  const { f, time, value, model, collection, matched, process } = fields;
  const type = types.find((name) => name === fields['type']);
  if (type === undefined) return 'has no type, which is invoke, ok, fail or info';
  if (typeof f !== 'string') return 'has no f';
  if (typeof time !== 'number' || !Number.isFinite(time) || time < 0) {
    return 'has no time in nanoseconds';
  }
  if (!isRecord(value)) return 'has no value';
  if (!isAbsentOr(model, isText)) return 'has a model that is not a name';
  if (!isAbsentOr(collection, isNameOrNull)) return 'has a collection that is not a name';
  if (!isAbsentOr(matched, isWholeNumber)) return 'has a matched that is not a whole number';
  const event = { type, f, value, time, model, collection, matched };
  if (f === 'init' || f === 'applied') return readFrame(event, fields);
  if (process === 'nemesis') return findNemesisFault(event) ?? { ...event, process };
  if (!isWholeNumber(process)) return 'has no process that is a number or "nemesis"';
  return findOperationFault(event) ?? readAnswer({ ...event, process }, fields);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function readFrame(event: HistoryEvent, fields: Value): HistoryEvent | string {
  const { f, type, value } = event;
  if (fields['process'] !== undefined) return `is ${f}, which has no process`;
  if (type !== 'ok') return `is ${f}, whose type is ok`;
  return f === 'init' ? readInit(event, fields) : (findAppliedFault(value) ?? event);
}

function readInit(event: HistoryEvent, fields: Value): HistoryEvent | string {
  const { model, value } = event;
  if (!models.has(model)) return `has the unknown model ${model}`;
  const { accounts } = value;
  if (!isRecord(accounts) || Object.keys(accounts).length === 0) return 'has no accounts';
  const counted = model === undefined || model === 'ledger';
  for (const [name, account] of Object.entries(accounts)) {
    if (!isAccountName(name)) return `has the account ${name}, which is not BRANCH:ACCOUNT`;
    const { balance, version } = isRecord(account) ? account : {};
    if (historyAmount(balance) === undefined) return `has no balance of ${name}`;
    if (counted && versionOf(version) === undefined) return `has no version of ${name}`;
  }
  const { kinds, faults } = fields;
  if (!isAbsentOr(kinds, isKinds)) return 'has kinds that are not a list of kinds';
  if (!isAbsentOr(faults, isFaultKind)) return 'has faults that are neither kill nor failover';
  return { ...event, kinds, faults };
}

/** Stored amounts may be any text: one that is not an amount is a finding, not a malformed line. */
function findAppliedFault({ ids, balances, accounts }: Value): string | undefined {
  if (!isAbsentOr(ids, (list) => Array.isArray(list) && list.every(isText))) {
    return 'has ids that are not a list of text';
  }
  if (!isAbsentOr(balances, (all) => isRecord(all) && Object.values(all).every(isNameOrNull))) {
    return 'has balances that are not text';
  }
  if (!isAbsentOr(accounts, isRecord)) return 'has accounts that are not an object';
  for (const [name, account] of Object.entries(isRecord(accounts) ? accounts : {})) {
    const { balance, version, postings } = isRecord(account) ? account : {};
    if (!isText(balance)) return `has no balance of ${name}`;
    if (versionOf(version) === undefined) return `has no version of ${name}`;
    if (!Array.isArray(postings)) return `has no postings of ${name}`;
    if (!postings.every(isPosting)) return `has a posting of ${name} that is not valid`;
  }
  return undefined;
}

function isPosting(posting: unknown): boolean {
  if (!Array.isArray(posting) || posting.length !== 4) return false;
  const [version, ...texts] = posting;
  return isWholeNumber(version) && texts.every(isText);
}

function findNemesisFault({ type, f, value }: HistoryEvent): string | undefined {
  if (type !== 'invoke' && type !== 'info') return 'is of the nemesis, but neither invoke nor info';
  if (f === 'kill' && !isWholeNumber(value['pid'])) return 'has no pid';
  if (f === 'failover' && !isText(value['primary'])) return 'has no primary';
  return undefined;
}

function findOperationFault({ f, value }: HistoryEvent): string | undefined {
  const { id, account, from, to, amount } = value;
  const isWrite = f === 'increment' || f === 'transfer';
  if (isWrite && !isText(id)) return 'has no id that is text';
  if (isWrite && historyAmount(amount) === undefined) return 'has no amount';
  if ((f === 'increment' || f === 'read') && !isAccountName(account)) return 'has no account';
  if (f === 'transfer' && !(isAccountName(from) && isAccountName(to))) {
    return 'has no accounts to transfer between';
  }
  return undefined;
}

/** What an operation was answered with, if it was. */
function readAnswer(event: HistoryEvent, fields: Value): HistoryEvent | string {
  const { value } = event;
  for (const name of ['balance', 'from_balance', 'to_balance']) {
    if (!isAbsentOr(value[name], isText)) return `has a ${name} that is not text`;
  }
  for (const name of ['version', 'from_version', 'to_version']) {
    if (!isAbsentOr(value[name], isWholeNumber)) return `has a ${name} that is not a version`;
  }
  const { balances, versions, reverses } = value;
  if (!isAbsentOr(balances, (all) => isRecord(all) && Object.values(all).every(isText))) {
    return 'has balances that are not text';
  }
  if (!isAbsentOr(versions, (all) => isRecord(all) && Object.values(all).every(isWholeNumber))) {
    return 'has versions that are not numbers';
  }
  if (!isAbsentOr(reverses, isText)) return 'has a reverses that is not an id';
  const { said, gave_up, replayed } = fields;
  if (!isAbsentOr(said, isNotApplied)) return 'has a said other than not_applied';
  if (!isAbsentOr(replayed, isFlag)) return 'has a replayed that is neither true nor false';
  if (!isAbsentOr(gave_up, isFlag)) return 'has a gave_up that is neither true nor false';
  return { ...event, said, gave_up };
}

/** An amount of a history in millionths; undefined if it is not one. */
export function historyAmount(value: unknown): bigint | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parseAmount(value, anyCurrency);
  } catch (error) {
    if (error instanceof BankctlError) return undefined;
    throw error;
  }
}

/** Prints millionths as a history has them, with at least two decimals. */
export function printAmount(millionths: bigint): string {
  return formatAmount(millionths, anyCurrency).replace(/(\.\d\d\d*?)0+$/, '$1');
}

/** True for an object that is not an array. */
export function isRecord(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A version, which is a whole number; undefined if there is none. */
export function versionOf(value: unknown): number | undefined {
  return isWholeNumber(value) ? value : undefined;
}

/** A whole number, not below zero, that is exact. */
function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Non-empty text. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isNameOrNull(value: unknown): value is string | null {
  return value === null || isText(value);
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isNotApplied(value: unknown): value is 'not_applied' {
  return value === 'not_applied';
}

function isKinds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((kind) => kinds.has(kind));
}

function isFaultKind(value: unknown): value is string {
  return faultKinds.some((kind) => kind === value);
}

function isAccountName(value: unknown): boolean {
  return typeof value === 'string' && /^[^:]+:./s.test(value);
}

/** True if an optional field is absent, or is what it has to be. */
function isAbsentOr<T>(
  value: unknown,
  holds: (value: unknown) => value is T,
): value is T | undefined;
function isAbsentOr(value: unknown, holds: (value: unknown) => boolean): boolean;
function isAbsentOr(value: unknown, holds: (value: unknown) => boolean): boolean {
  return value === undefined || holds(value);
}
