import type { MongoClient } from 'mongodb';
import type { Bank } from '../../bank/bank.ts';
import { openBank } from '../../bank/bank.ts';
import { fromDecimal } from '../../bank/decimal.ts';
import { type Outcome, type PostPoint, post } from '../../bank/post.ts';
import { builtInConfig } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import {
  type Coverage,
  explore,
  type Progress,
  type Run,
  type World,
} from '../explore/explorer.ts';
import type { At } from '../explore/explorer-execution.ts';
import { stepLabel } from '../explore/schedule.ts';
import { judgeSchedule, type ScheduleAnomaly } from '../ledger/judge-schedule.ts';

/** Where a transaction of `post` can be held, in the order in which it passes them. */
export const ledgerPoints = ['read', 'written', 'committing'] as const satisfies PostPoint[];

/** What to explore: so many workers, each with one transfer between the same two accounts. */
export interface LedgerSchedulesOptions {
  readonly workers: number;
  readonly points: readonly PostPoint[];
  readonly preemptions?: number | undefined;
}

/** Where it takes place. */
export interface LedgerSchedulesHost {
  /** Connected to a replica set. */
  readonly client: MongoClient;
  /** A made-up name. */
  readonly database: string;
  readonly timeoutMs: number;
  readonly monotonicNs: () => bigint;
  readonly interrupted: AbortSignal;
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** A schedule that went wrong: its steps in words, and what is wrong. */
export interface WrongSchedule {
  readonly steps: readonly string[];
  readonly anomalies: readonly ScheduleAnomaly[];
}

/** What came of it. Counts are of schedules where not said otherwise. */
export interface LedgerSchedules {
  readonly coverage: Coverage;
  /** Transfers asked for, applied, and given up after `mostConflicts`. */
  readonly operations: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** With at least one conflict. */
  readonly conflicted: number;
  readonly wrong: number;
  readonly deadlocked: number;
  readonly stuck: number;
  readonly firstWrong: WrongSchedule | undefined;
  readonly seconds: number;
}

/**
 * A transfer that meets so many conflicts is refused. Without a bound there would be no end of
 * schedules: while its rival is held, each try meets another one.
 */
export const mostConflicts = 3;

const startMinor = 1000n;
const accountsAtOnce = 100;

/**
 * Drives the real write path through every schedule of a few workers: two and more transactions
 * over the same two accounts, each held after its reading, after its writes and before its
 * commit. After each schedule the accounts and the journal are read back and judged.
 */
export async function exploreLedger(
  options: LedgerSchedulesOptions,
  host: LedgerSchedulesHost,
): Promise<LedgerSchedules> {
  const config = { ...builtInConfig, database: host.database };
  // No pause between two tries: the scheduler alone decides who goes on.
  const bank = await openBank(host.client, config, { timeoutMs: host.timeoutMs, draw: () => 0 });
  const tally = { acknowledged: 0, refused: 0, conflicted: 0, wrong: 0, deadlocked: 0, stuck: 0 };
  let firstWrong: WrongSchedule | undefined;
  const accounts = new FreshAccounts(bank);
  const sinceNs = host.monotonicNs();
  const coverage = await explore<LedgerWorld>({
    fresh: async () => world(bank, await accounts.take(), options.workers),
    points: new Set<string>(options.points),
    monotonicNs: host.monotonicNs,
    preemptions: options.preemptions,
    signal: host.interrupted,
    progress: host.progress,
    visit: async (run, { account, outcomes }) => {
      for (const error of run.errors) if (error !== undefined) throw error;
      const anomalies = judgeSchedule(await readBack(host, account), outcomes, startMinor);
      for (const outcome of outcomes) {
        if (outcome?.applied) tally.acknowledged += 1;
        else tally.refused += 1;
      }
      if (hasConflict(run)) tally.conflicted += 1;
      if (run.end === 'deadlock') tally.deadlocked += 1;
      if (run.end === 'stuck') tally.stuck += 1;
      if (anomalies.length > 0) {
        tally.wrong += 1;
        firstWrong ??= { steps: run.steps.map(stepLabel), anomalies };
      }
      return undefined;
    },
  });
  const seconds = Number(host.monotonicNs() - sinceNs) / 1e9;
  const operations = coverage.schedules * options.workers;
  return { coverage, operations, ...tally, firstWrong, seconds };
}

interface LedgerWorld extends World {
  readonly account: string;
  readonly outcomes: (Outcome | undefined)[];
}

/** Workers send money to and fro, so that each writes both accounts, in both orders. */
function world(bank: Bank, account: string, workers: number): LedgerWorld {
  const ends = [
    { branch: 'branch1', account },
    { branch: 'branch2', account },
  ] as const;
  const outcomes: (Outcome | undefined)[] = Array.from({ length: workers }, () => undefined);
  const tasks = outcomes.map((_, worker) => async (at: At) => {
    const [from, to] = worker % 2 === 0 ? ends : [ends[1], ends[0]];
    const transfer = { type: 'transfer', from, to, amountMinor: 100n << BigInt(worker) } as const;
    const operation = {
      ...transfer,
      id: `${account}-${worker}`,
      idGiven: true,
      memo: undefined,
    };
    const [outcome] = await post(bank, [operation], {
      by: 'bankctl stress',
      mostConflicts,
      reached: at,
    });
    outcomes[worker] = outcome;
  });
  return { tasks, account, outcomes };
}

/** A worker that read and came to read again, or to its end, met a conflict in between. */
function hasConflict({ steps }: Run): boolean {
  return steps.some(({ from, to }) => from === 'read' && to === 'read');
}

/** Opens accounts in bulk, one number in both branches, for a schedule each. */
class FreshAccounts {
  readonly #bank: Bank;
  readonly #ready: string[] = [];
  #opened = 0;

  constructor(bank: Bank) {
    this.#bank = bank;
  }

  async take(): Promise<string> {
    if (this.#ready.length === 0) await this.#open();
    const account = this.#ready.shift();
    if (account === undefined) throw new Error('no account was opened');
    return account;
  }

  async #open(): Promise<void> {
    const names = Array.from({ length: accountsAtOnce }, () => `ACC-${++this.#opened}`);
    const operations = names.flatMap((account) =>
      ['branch1', 'branch2'].map((branch) => ({
        type: 'open' as const,
        branch,
        account,
        amountMinor: startMinor,
        id: `open-${branch}-${account}`,
        idGiven: false,
        memo: undefined,
      })),
    );
    const outcomes = await post(this.#bank, operations, { by: 'bankctl stress' });
    const refused = outcomes.find((outcome) => !outcome.applied);
    if (refused && !refused.applied) throw refused.error;
    this.#ready.push(...names);
  }
}

/** What the database has of a schedule's accounts. */
async function readBack({ client, database }: LedgerSchedulesHost, account: string) {
  const db = client.db(database);
  const documents = await Promise.all(
    ['branch1', 'branch2'].map((name) => db.collection(name).findOne({ account_number: account })),
  );
  const journal = await db
    .collection('journal')
    .find({ 'postings.account_number': account, type: 'transfer' })
    .toArray();
  return {
    accounts: documents.map((document) => ({
      balanceMinor: minorOf(document?.['balance']),
      version: BigInt(String(document?.['version'])),
    })),
    journal: journal.map(({ _id, postings }) => ({
      id: String(_id),
      legs: ['branch1', 'branch2'].map((branch) => {
        const leg = postings.find((posting: { branch: string }) => posting.branch === branch);
        return { amountMinor: minorOf(leg?.amount), version: BigInt(String(leg?.version)) };
      }),
    })),
  };
}

function minorOf(value: unknown): bigint {
  const minor = fromDecimal(value, { digits: 2 });
  if (minor === undefined) throw new BankctlError('bad_balance', 'A stored amount is not exact.');
  return minor;
}
