import type { HistoryEvent } from './history-event.ts';
import {
  historyAmount,
  isAbsentOr,
  isRecord,
  isText,
  isWholeNumber,
  versionOf,
} from './history-values.ts';

type Value = Readonly<Record<string, unknown>>;

/** Kinds of operation that a history can say are due. */
const kinds: ReadonlySet<unknown> = new Set([
  'increment',
  'transfer',
  'reverse',
  'retry',
  'read',
  'snapshot',
]);
const models: ReadonlySet<unknown> = new Set([undefined, 'ledger', 'shared', 'branch']);

/**
 * What an event lacks of what docs/history.md says of its kind, as the end of a sentence;
 * undefined if it lacks nothing. What can be judged only with other lines is left to the rules.
 */
export function faultOf(event: HistoryEvent): string | undefined {
  const { f, fields, type } = event;
  if (f === 'init' || f === 'applied') {
    if (event.process !== undefined) return `is ${f}, which has no process`;
    if (type !== 'ok') return `is ${f}, whose type is ok`;
    return f === 'init' ? initFault(event) : appliedFault(event.value);
  }
  const { process } = fields;
  if (process === 'nemesis') return nemesisFault(event);
  if (!isWholeNumber(process)) return 'has no process that is a number or "nemesis"';
  return operationFault(event) ?? toldFault(event);
}

function initFault({ model, value, fields }: HistoryEvent): string | undefined {
  if (!models.has(model)) return `has the model ${model}, which is none`;
  const { accounts } = value;
  if (!isRecord(accounts) || Object.keys(accounts).length === 0) return 'has no accounts';
  const counted = model === undefined || model === 'ledger';
  for (const [name, account] of Object.entries(accounts)) {
    if (!isAccountName(name)) return `has the account ${name}, which is not BRANCH:ACCOUNT`;
    const { balance, version } = isRecord(account) ? account : {};
    if (historyAmount(balance) === undefined) return `has no balance of ${name}`;
    if (counted && versionOf(version) === undefined) return `has no version of ${name}`;
  }
  const { faults } = fields;
  if (!isAbsentOr(fields['kinds'], isKinds)) return 'has kinds that are no list of kinds';
  if (!isAbsentOr(faults, (kind) => kind === 'kill' || kind === 'failover')) {
    return 'has faults that are neither kill nor failover';
  }
  return undefined;
}

function isKinds(value: unknown): boolean {
  return Array.isArray(value) && value.every((kind) => kinds.has(kind));
}

/** Stored amounts may be any text: one that is no amount is a finding, not a fault. */
function appliedFault({ ids, balances, accounts }: Value): string | undefined {
  if (!isAbsentOr(ids, (list) => Array.isArray(list) && list.every(isText))) {
    return 'has ids that are no list of text';
  }
  const isBalance = (balance: unknown) => balance === null || isText(balance);
  if (!isAbsentOr(balances, (all) => isRecord(all) && Object.values(all).every(isBalance))) {
    return 'has balances that are not text';
  }
  if (!isAbsentOr(accounts, isRecord)) return 'has accounts that are no object';
  for (const [name, account] of Object.entries(isRecord(accounts) ? accounts : {})) {
    const { balance, version, postings } = isRecord(account) ? account : {};
    if (!isText(balance)) return `has no balance of ${name}`;
    if (versionOf(version) === undefined) return `has no version of ${name}`;
    if (!Array.isArray(postings)) return `has no postings of ${name}`;
    if (!postings.every(isPosting)) return `has a posting of ${name} that is none`;
  }
  return undefined;
}

function isPosting(posting: unknown): boolean {
  if (!Array.isArray(posting) || posting.length !== 4) return false;
  const [version, ...texts] = posting;
  return versionOf(version) !== undefined && texts.every(isText);
}

function nemesisFault({ type, f, value }: HistoryEvent): string | undefined {
  if (type !== 'invoke' && type !== 'info') return 'is of the nemesis, but neither invoke nor info';
  if (f === 'kill' && !isWholeNumber(value['pid'])) return 'has no pid';
  if (f === 'failover' && !isText(value['primary'])) return 'has no primary';
  return undefined;
}

function operationFault({ f, value }: HistoryEvent): string | undefined {
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

const toldBalances = ['balance', 'from_balance', 'to_balance'] as const;
const toldVersions = ['version', 'from_version', 'to_version'] as const;

/** What is wrong with what was told, where anything was. */
function toldFault({ value, fields }: HistoryEvent): string | undefined {
  for (const name of toldBalances) {
    if (!isAbsentOr(value[name], isText)) return `has a ${name} that is not text`;
  }
  for (const name of toldVersions) {
    if (!isAbsentOr(value[name], isVersion)) return `has a ${name} that is no version`;
  }
  const { balances, versions, reverses } = value;
  if (!isAbsentOr(balances, (all) => isRecord(all) && Object.values(all).every(isText))) {
    return 'has balances that are not text';
  }
  if (!isAbsentOr(versions, (all) => isRecord(all) && Object.values(all).every(isVersion))) {
    return 'has versions that are none';
  }
  if (!isAbsentOr(reverses, isText)) return 'has a reverses that is no id';
  if (!isAbsentOr(fields['said'], (said) => said === 'not_applied')) {
    return 'has a said that is not not_applied';
  }
  for (const name of ['replayed', 'gave_up']) {
    if (!isAbsentOr(fields[name], (flag) => typeof flag === 'boolean')) {
      return `has a ${name} that is neither true nor false`;
    }
  }
  return undefined;
}

function isVersion(value: unknown): boolean {
  return versionOf(value) !== undefined;
}

function isAccountName(value: unknown): boolean {
  return typeof value === 'string' && /^[^:]+:./s.test(value);
}
