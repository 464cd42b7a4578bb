import { type HistoryEvent, historyAmount, isRecord, versionOf } from '../history/event.ts';

/** A balance that somebody was told, to be compared with the postings at the end. */
export interface Claim {
  readonly line: number;
  readonly version: number;
  readonly balance: bigint;
}

/** What a history says about one account, as it goes on. */
export interface LedgerAccount {
  readonly name: string;
  readonly initialVersion: number;
  readonly initialBalance: bigint;
  /** The highest version that anybody has been told so far. */
  finished: number;
  /** Each version that raised `finished`, and the line that did. */
  readonly told: { readonly version: number; readonly line: number }[];
  /** The highest version of an acknowledged posting. */
  highest: number;
  /** Ids of acknowledged postings, by version. */
  readonly postings: Map<number, string>;
  /** The first balance claimed for each version. */
  readonly claims: Map<number, Claim>;
  /** Claims that contradict the first one of their version. */
  readonly disputed: Claim[];
  /** The highest version of a reading: of a read or a snapshot. */
  read: number;
}

/** How an id ended, weakest first; of several attempts the strongest counts. */
export const endings = ['open', 'fail', 'said', 'info', 'ok'] as const;
/** One of them; `said` is an unknown end that bankctl said was not applied. */
export type Ending = (typeof endings)[number];

/** What an operation id asks of one account. */
export interface AskedLeg {
  readonly account: string;
  /** In millionths. */
  readonly amount: bigint;
  /** The account's highest finished version when the id was first used. */
  readonly finished: number;
  /** As acknowledged. */
  version: number | undefined;
  /** Found among the account's postings at the end. */
  posted: boolean;
}

/** What an operation id stands for, and what became of it. */
export interface Asked {
  /** The line that first asked for it. */
  readonly begun: number;
  /** The operation that it reverses. */
  readonly reverses: unknown;
  readonly legs: readonly AskedLeg[];
  ending: Ending;
  /** Attempts whose answer never came. */
  unknown: number;
  /** Found on an account that it does not concern. */
  misplaced: boolean;
}

/** A snapshot that was read, to be compared with the postings at the end. */
export interface SnapshotRead {
  readonly line: number;
  /** By account, in the order of the history's first line. */
  readonly versions: readonly number[];
  readonly total: bigint;
}

/** One account that an operation concerns, and what its end says about it. */
export interface Seen {
  readonly name: string;
  readonly amount: bigint | undefined;
  readonly version: unknown;
  readonly balance: unknown;
}

/** The accounts of the first line. */
export function accountsOf(init: HistoryEvent): Map<string, LedgerAccount> {
  const accounts = new Map<string, LedgerAccount>();
  const stated = init.value['accounts'];
  for (const [name, account] of Object.entries(isRecord(stated) ? stated : {})) {
    const { balance, version } = isRecord(account) ? account : {};
    const initialVersion = versionOf(version) ?? 0;
    const initialBalance = historyAmount(balance) ?? 0n;
    accounts.set(name, {
      name,
      initialVersion,
      initialBalance,
      finished: initialVersion,
      highest: initialVersion,
      postings: new Map(),
      claims: new Map(),
      disputed: [],
      told: [],
      read: 0,
    });
  }
  return accounts;
}

/** A version becomes known to somebody: from now on it is finished. */
export function noteTold(account: LedgerAccount, version: number, line: number): void {
  if (version <= account.finished) return;
  account.finished = version;
  account.told.push({ version, line });
}

/** The accounts that an increment, a transfer or a read is about. */
export function seenBy({ f, value }: HistoryEvent): readonly Seen[] {
  const amount = historyAmount(value['amount']);
  if (f !== 'transfer') {
    const { account, version, balance } = value;
    return [{ name: String(account), amount, version, balance }];
  }
  return (['from', 'to'] as const).map((leg) => ({
    name: String(value[leg]),
    amount: leg === 'from' && amount !== undefined ? -amount : amount,
    version: value[`${leg}_version`],
    balance: value[`${leg}_balance`],
  }));
}
