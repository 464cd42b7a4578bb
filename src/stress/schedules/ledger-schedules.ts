import type { MongoClient } from 'mongodb';
import type { Bank } from '../../bank/bank.ts';
import { type AccountReference, referenceKey } from '../../bank/operations/names.ts';
import { type PostPoint, post } from '../../bank/post.ts';
import { type Anomaly, anomalies } from '../check/findings.ts';
import { postedValue } from '../drive/ledger-events.ts';
import type { Coverage, Run, World } from '../explore/explorer.ts';
import type { At } from '../explore/explorer-execution.ts';
import { stepLabel } from '../explore/schedule.ts';
import { planAmount } from '../plan/increments.ts';
import {
  type Applied,
  openAccounts,
  openStressBank,
  readBack,
  stressAuthor,
} from '../subjects/ledger.ts';
import { judgeEvents, type ScheduleEvent } from './schedule-history.ts';
import { runEverySchedule, type ScheduleHost, type ScheduleJudgement } from './schedule-run.ts';

/** What to explore: some workers, each with one transfer between the same two accounts. */
export interface LedgerSchedulesOptions {
  readonly workers: number;
  readonly points: readonly PostPoint[];
  readonly preemptions?: number | undefined;
}

/** Where it takes place. */
interface LedgerSchedulesHost extends ScheduleHost {
  /** Connected to a replica set. */
  readonly client: MongoClient;
  /** A made-up database name. */
  readonly database: string;
  readonly timeoutMs: number;
}

/** A schedule that went wrong: its steps in words, and what is wrong. */
export interface WrongSchedule {
  readonly steps: readonly string[];
  readonly anomalies: readonly Anomaly[];
}

/** The result. Counts are of schedules unless stated otherwise. */
export interface LedgerSchedules {
  readonly coverage: Coverage;
  /** Transfers asked for, applied, and given up after `maxConflicts`. */
  readonly operations: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** With at least one conflict. */
  readonly conflicted: number;
  readonly wrong: number;
  readonly misplaced: number;
  readonly lost: number;
  readonly crashed: number;
  readonly deadlocked: number;
  readonly stuck: number;
  readonly firstWrong: WrongSchedule | undefined;
  readonly seconds: number;
}

/**
 * A transfer that meets this many conflicts is refused. Without a limit the schedules would never
 * end: while its rival is held, each attempt meets another conflict.
 */
export const maxConflicts = 3;

const startMinor = 1000n;
const branchNames = ['branch1', 'branch2'] as const;

/** The accounts with one number, one in each branch. */
function accountsOf(account: string): readonly [AccountReference, AccountReference] {
  const [first, second] = branchNames;
  return [
    { branch: first, account },
    { branch: second, account },
  ];
}

/** What is kept of a schedule so that it can be shown. */
interface Judgement extends ScheduleJudgement {
  readonly found: readonly Anomaly[];
}

/**
 * Drives the real write path through every schedule of a few workers: two or more transactions over
 * the same two accounts, each held after its reads, after its writes and before its commit. After
 * each schedule the accounts and the journal are read back, and it is judged as a history of a few
 * events: compared with its transactions, that costs next to nothing.
 */
export async function exploreLedger(
  { workers, points, preemptions }: LedgerSchedulesOptions,
  host: LedgerSchedulesHost,
): Promise<LedgerSchedules> {
  const { client, database, timeoutMs, monotonicNs } = host;
  // No pause between two attempts: the scheduler alone decides who continues.
  const options = { timeoutMs, draw: () => 0 };
  const bank = await openStressBank(client, database, { branchNames }, options);
  const openAccount = accountOpener(bank);
  const judge = async (run: Run, { account, events }: LedgerWorld): Promise<Judgement> => {
    for (const error of run.errors) if (error !== undefined) throw error;
    const plan = { branchNames, accounts: accountsOf(account) };
    const found = judgeTransfers(account, events, await readBack(client, database, plan, account));
    const acknowledged = events.filter(({ type }) => type === 'ok').length;
    if (hasConflict(run)) conflicted += 1;
    return { found, wrong: found.length > 0, acknowledged };
  };
  let conflicted = 0;
  const { tally, coverage, seconds } = await runEverySchedule(
    {
      execution: {
        fresh: async () => freshWorld(bank, await openAccount(), workers),
        points: new Set<string>(points),
        monotonicNs,
      },
      judge,
    },
    preemptions,
    host,
  );
  const { acknowledged, wrong, deadlocked, stuck, first } = tally;
  const operations = coverage.schedules * workers;
  return {
    coverage,
    operations,
    acknowledged,
    refused: operations - acknowledged,
    conflicted,
    wrong,
    misplaced: tally.count('misplaced'),
    lost: tally.count('lost'),
    crashed: tally.count('crashed'),
    deadlocked,
    stuck,
    firstWrong: first && {
      steps: first.run.steps.map(stepLabel),
      anomalies: first.judgement.found,
    },
    seconds,
  };
}

interface LedgerWorld extends World {
  readonly account: string;
  readonly events: readonly ScheduleEvent[];
}

/** Workers send money back and forth, so that both accounts are written in both orders. */
function freshWorld(bank: Bank, account: string, workers: number): LedgerWorld {
  const [first, second] = accountsOf(account);
  const events: ScheduleEvent[] = [];
  const tasks = Array.from({ length: workers }, (_, worker) => async (at: At) => {
    const [from, to] = worker % 2 === 0 ? [first, second] : [second, first];
    const amountMinor = 100n << BigInt(worker);
    const id = `${account}-${worker}`;
    const amount = planAmount(amountMinor);
    const f = 'transfer' as const;
    const value = { id, from: referenceKey(from), to: referenceKey(to), amount };
    const note = (type: ScheduleEvent['type'], stated: ScheduleEvent['value']) =>
      events.push({ process: worker, type, f, value: stated, time: events.length });
    note('invoke', value);
    const [outcome] = await post(
      bank,
      [{ type: f, from, to, amountMinor, id, idGiven: true, memo: undefined }],
      { by: stressAuthor, maxConflicts, onPoint: at },
    );
    if (outcome?.applied) note('ok', postedValue({ f, value }, outcome.entry));
    else note('fail', value);
  });
  return { tasks, account, events };
}

/**
 * Judges how a schedule ended, as the history of a few events. What is stored then is also treated
 * as a snapshot, so that half a transfer is found to be torn.
 *
 * @param account the number of the two accounts
 * @returns each anomaly once; none for a correct end
 */
export function judgeTransfers(
  account: string,
  events: readonly ScheduleEvent[],
  stored: Applied,
): readonly Anomaly[] {
  const time = events.length;
  const initial = { balance: planAmount(startMinor), version: 1 };
  const names = accountsOf(account).map(referenceKey);
  const accounts = Object.fromEntries(names.map((name) => [name, initial]));
  const read = <T>(field: (of: Applied['accounts'][string]) => T) =>
    Object.fromEntries(Object.entries(stored.accounts).map(([name, of]) => [name, field(of)]));
  const snapshot = { balances: read((of) => of.balance), versions: read((of) => of.version) };
  const look = { process: onlooker, f: 'snapshot', time };
  const judged = judgeEvents(
    { type: 'ok', f: 'init', value: { accounts }, time: 0 },
    [...events, { ...look, type: 'invoke', value: {} }, { ...look, type: 'ok', value: snapshot }],
    { type: 'ok', f: 'applied', value: { ...stored }, time },
  );
  return anomalies.filter((name) => judged.anomalies[name] > 0);
}

/** The process that reads what is stored; its number is above that of every worker. */
const onlooker = 8;

/** A worker that read and then reached another read, or its end, met a conflict in between. */
function hasConflict({ steps }: Run): boolean {
  return steps.some(({ from, to }) => from === 'read' && to === 'read');
}

const accountsAtOnce = 100;

/** Opens accounts in bulk, one number in both branches, for a schedule each. */
function accountOpener(bank: Bank): () => Promise<string> {
  const ready: string[] = [];
  let opened = 0;
  return async () => {
    if (ready.length === 0) {
      ready.push(...Array.from({ length: accountsAtOnce }, () => `ACC-${++opened}`));
      const accounts = ready.flatMap(accountsOf);
      await openAccounts(bank, { accounts, seedBalanceMinor: startMinor });
    }
    return ready.shift() ?? '';
  };
}
