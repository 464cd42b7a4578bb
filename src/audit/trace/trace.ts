import type { Bank } from '../../bank/bank.ts';
import { clusterTimeOf, momentOf } from '../../bank/changes.ts';
import { BankctlError } from '../../core/errors.ts';
import { count } from '../../core/text.ts';
import { isServerError } from '../../database/driver-errors.ts';
import type { AuditHost } from '../audit-host.ts';
import type { IntendedRow } from '../evidence/intended-row.ts';
import type { AccountNumber, Basis } from '../evidence/seen-numbers.ts';
import type { Finding } from '../finding.ts';
import { type History, maxResolutionMs, type RecordedDocument, readHistory } from './history.ts';
import { judgeAccount } from './traced-account.ts';
import { type Sight, type TracedCall, toTracedCall } from './traced-calls.ts';
import { isCovered, placeWrites, type Unit } from './traced-writes.ts';

/** What a trace looks at, besides the history. */
interface TraceRequest {
  /** The rows of the log; each call reads it again. */
  readonly calls: () => AsyncIterable<readonly IntendedRow[]>;
  readonly numbers: ReadonlyMap<string, AccountNumber>;
  readonly basis: Basis;
  /** How far the clocks of the log and of the server may differ. */
  readonly clockSkewMs: number;
}

/** What the server's history tells of the calls of a log. */
export interface Traced {
  readonly findings: readonly Finding[];
  /** Account numbers of which the history has what the log cannot explain. */
  readonly contradicted: ReadonlySet<string>;
  /** What could not be seen, in sentences. */
  readonly unseen: readonly string[];
}

/** Names single writes of the server's change history. */
export async function traceWrites(
  bank: Bank,
  request: TraceRequest,
  host: AuditHost,
): Promise<Traced> {
  const findings: Finding[] = [];
  const contradicted = new Set<string>();
  const past = await readPastOrReason(bank, request, host);
  if (typeof past === 'string') return { findings, contradicted, unseen: [past] };
  const { sight, byAccount, unit } = past;
  const { numbers, basis } = request;
  const calls = await collectCalls(request, sight);
  const undecided: string[] = [];
  let rows = 0;
  for (const account of [...new Set([...calls.keys(), ...byAccount.keys()])].sort()) {
    const ofNumber = calls.get(account) ?? [];
    const placed = placeWrites(byAccount.get(account) ?? [], numbers.get(account), {
      ...{ bank, basis, unit },
      ...{ skewMs: sight.skewMs, firstMs: sight.firstMs },
      isWhole: ofNumber.every(({ mayBeUnseen }) => !mayBeUnseen),
    });
    const { formatTime } = host;
    const judged = judgeAccount({
      ...{ account, calls: ofNumber, ...placed, bank, unit, formatTime },
      repairedMs: lastRepair(numbers.get(account)),
    });
    rows += judged.unseen;
    if (judged.isUndecided) undecided.push(account);
    if (judged.isContradicted) contradicted.add(account);
    for (const finding of judged.findings) findings.push(finding);
  }
  const isLate = [...calls.values()].flat().some(({ call }) => call.fromMs > sight.endMs);
  const unseen = unseenSentences(past, { rows, undecided, isLate }, host);
  return { findings, contradicted, unseen };
}

/** What the server still knows. */
interface Past {
  readonly history: History;
  readonly byAccount: ReadonlyMap<string, readonly RecordedDocument[]>;
  readonly sight: Sight;
  readonly unit: Unit;
  /** Undefined if it reaches back to the first row of the log. */
  readonly begins: Date | undefined;
}

/** How often reading starts over, because the server forgot where it was. */
const maxStarts = 3;

/** @returns why it cannot be read, as a sentence */
async function readPastOrReason(
  bank: Bank,
  request: TraceRequest,
  host: AuditHost,
): Promise<Past | string> {
  for (let start = 0; start < maxStarts; start += 1) {
    try {
      return await readPast(bank, request, host);
    } catch (error) {
      if (isServerError(error, 'unauthorized')) {
        return "The server's change history needs a user with the role read on the database.";
      }
      if (error instanceof BankctlError && error.code === 'no_transactions') return error.message;
      if (!isServerError(error, 'changeStreamHistoryLost')) throw error;
    }
  }
  return "The server's change history is lost faster than it can be read: enlarge its oplog.";
}

async function readPast(bank: Bank, request: TraceRequest, host: AuditHost): Promise<Past> {
  const { calls, clockSkewMs, numbers, basis } = request;
  const { branches } = bank.config;
  const unit = { code: '', digits: Math.max(...branches.map(({ currency }) => currency.digits)) };
  const first = await firstMoment(calls, clockSkewMs);
  // What the log has was done before this, so its writes are before the end of the history.
  const to = await bank.changes.now();
  // The first calls may have writes whose times are that much earlier.
  const start = clusterTimeOf(first && new Date(first.getTime() - maxResolutionMs));
  const wanted = start.lessThan(to) ? start : to;
  const from = await bank.changes.beginning(wanted, to);
  const history = await readHistory(bank, { from, to }, unit, (changes) => {
    host.progress(`Tracing the server's history: ${count(changes, 'change')} ...`);
  });
  host.progress(undefined);
  const byAccount = groupByAccount(history.documents);
  const isRolled = !from.equals(wanted);
  const sight: Sight = {
    skewMs: clockSkewMs + history.resolutionMs,
    firstMs: (first?.getTime() ?? Number.NEGATIVE_INFINITY) - history.resolutionMs,
    beginMs: momentOf(from).getTime(),
    endMs: momentOf(to).getTime() + 1000,
    blindUntilMs: history.blindUntilMs,
    scaleOf: (name) => 10n ** BigInt(unit.digits - bank.branches.currencyOf(name).digits),
    isCovered: (account) =>
      isCovered(byAccount.get(account) ?? [], numbers.get(account), { bank, basis, unit }),
  };
  return { history, byAccount, sight, unit, begins: isRolled ? momentOf(from) : undefined };
}

/** The earliest moment at which a call may have written; undefined if some have no time. */
async function firstMoment(
  calls: TraceRequest['calls'],
  skewMs: number,
): Promise<Date | undefined> {
  let first = Number.POSITIVE_INFINITY;
  for await (const rows of calls()) {
    for (const { time } of rows) first = Math.min(first, time?.getTime() ?? 0);
  }
  return first > skewMs && first < Number.POSITIVE_INFINITY ? new Date(first - skewMs) : undefined;
}

async function collectCalls(
  { calls, numbers }: TraceRequest,
  sight: Sight,
): Promise<ReadonlyMap<string, readonly TracedCall[]>> {
  const byAccount = new Map<string, TracedCall[]>();
  for await (const rows of calls()) {
    for (const row of rows) {
      const traced = toTracedCall(row, numbers.get(row.account), sight);
      const others = byAccount.get(row.account);
      if (traced && others) others.push(traced);
      else if (traced) byAccount.set(row.account, [traced]);
    }
  }
  return byAccount;
}

function groupByAccount(
  documents: readonly RecordedDocument[],
): ReadonlyMap<string, readonly RecordedDocument[]> {
  const groups = new Map<string, RecordedDocument[]>();
  for (const document of documents) {
    const { account = '' } = document;
    const others = groups.get(account);
    if (others) others.push(document);
    else groups.set(account, [document]);
  }
  return groups;
}

function lastRepair(number: AccountNumber | undefined): number {
  const times = (number?.places ?? []).map(
    ({ repairedAt }) => repairedAt?.getTime() ?? Number.NEGATIVE_INFINITY,
  );
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

interface Unseen {
  /** Calls of which nothing is known, because they may be where the history does not reach. */
  readonly rows: number;
  /** Whether some of them are in the future. */
  readonly isLate: boolean;
  /** Account numbers with too many calls and writes. */
  readonly undecided: readonly string[];
}

function unseenSentences(
  { begins, history }: Past,
  { rows, undecided, isLate }: Unseen,
  { formatTime }: AuditHost,
): readonly string[] {
  const reasons = [
    ...(begins ? [`it begins at ${formatTime(begins)}`] : []),
    ...(isLate ? ['the log has times that are later than the clock of the server'] : []),
    ...history.blindness,
  ];
  const why = reasons.length === 0 ? 'the accounts are older than it' : reasons.join('; ');
  const numbers = undecided.slice(0, 5).join(', ');
  const more = undecided.length > 5 ? ` and ${undecided.length - 5} more` : '';
  return [
    ...(rows === 0
      ? []
      : [`The server's history may not reach ${count(rows, 'call')} of the log: ${why}.`]),
    ...(numbers === '' ? [] : [`Too many calls and writes to be matched: ${numbers}${more}.`]),
  ];
}
