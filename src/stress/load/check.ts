import { formatAmount } from '../../core/money.ts';
import type { LoadModelName } from '../subjects/load-models.ts';
import { type Plan, planCurrency } from './plan.ts';
import {
  elsewhere,
  nowhere,
  type OperationRecord,
  type RecordColumns,
  readRecord,
} from './record.ts';

/** How an operation can go wrong. */
export type Wrong = 'misplaced' | 'lost' | 'crashed';

/** A balance as it was read back from the database when all was quiet. */
export interface ReadBack {
  /** Index into the run's collections. */
  readonly collection: number;
  readonly account: string;
  /** Minor units; undefined where what is stored is no exact amount. */
  readonly balanceMinor: bigint | undefined;
}

/** All that is known of one model's run. */
export interface LoadRun {
  readonly model: LoadModelName;
  readonly plan: Plan;
  /** One a thread. */
  readonly records: readonly RecordColumns[];
  /** Writes that command monitoring could not tell to belong to an operation. */
  readonly unattributed: number;
  /** How many models did not point at their own collection at the end; one model a thread. */
  readonly leftSwitched: number;
  readonly readBack: readonly ReadBack[];
}

/** What a run came to, by the counts. */
export interface LoadCounts {
  readonly operations: number;
  readonly acknowledged: number;
  readonly misplaced: number;
  readonly lost: number;
  readonly crashed: number;
  readonly left_switched: number;
  readonly wrong: number;
  /** Operations a second, from the first start to the last end. */
  readonly throughput: number;
  readonly latency_ms: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly branches: readonly BranchBalance[];
}

/** The money of a branch: what its callers were told is there, and what is there. */
export interface BranchBalance {
  readonly branch: string;
  readonly expected: string;
  readonly actual: string;
}

/** The judgement of one model's run. */
export interface Judgement {
  readonly model: LoadModelName;
  readonly counts: LoadCounts;
  /** The operation that went wrong first, by the time at which it ended. */
  readonly firstWrong:
    | (OperationRecord & { readonly wrong: Wrong; readonly record: number })
    | undefined;
  /** Why nothing can be concluded from this run; undefined where something can. */
  readonly doubt: string | undefined;
}

/**
 * How an operation went wrong, or undefined where it did not. It is judged by the collection
 * that it was sent to and by what it matched there, not by balances: two swapped writes cancel
 * out in those.
 *
 * @param owner the collection of the branch that it was meant for
 */
export function wrongOf(
  record: Pick<OperationRecord, 'landed' | 'matched' | 'ending'>,
  owner: number,
): Wrong | undefined {
  if (record.ending === 'crashed') return 'crashed';
  if (record.ending === 'unanswered') return undefined;
  if (record.matched === 0) return 'lost';
  return record.landed === owner ? undefined : 'misplaced';
}

/** Judges one model's run. Pure; time and memory are linear in the record. */
export function judgeRun(run: LoadRun, ownerOf: (branch: number) => number): Judgement {
  const tally = createTally(run.plan);
  let firstWrong: Judgement['firstWrong'];
  for (const [position, columns] of run.records.entries()) {
    for (const record of readRecord(columns)) {
      const wrong = tally.add(record, ownerOf);
      if (wrong && (!firstWrong || record.endNs < firstWrong.endNs)) {
        firstWrong = { ...record, wrong, record: position };
      }
    }
  }
  const { plan } = run;
  const branches = plan.branchNames.map((branch, index) => ({
    branch,
    expected: money(BigInt(plan.accounts.length) * plan.seedBalanceMinor + tally.meant(index)),
    actual: money(sumOf(run.readBack, ownerOf(index))),
  }));
  return {
    model: run.model,
    counts: {
      ...tally.counts(),
      left_switched: run.leftSwitched,
      ...timings(run.records),
      branches,
    },
    firstWrong,
    doubt: doubtOf(run, tally, ownerOf),
  };
}

interface Tally {
  /** Counts an operation. */
  readonly add: (record: OperationRecord, ownerOf: (branch: number) => number) => Wrong | undefined;
  readonly counts: () => Pick<
    LoadCounts,
    'operations' | 'acknowledged' | 'misplaced' | 'lost' | 'crashed' | 'wrong'
  >;
  readonly unanswered: () => number;
  /** Writes sent to a namespace that is none of the run's, or acknowledged without being seen. */
  readonly unseen: () => number;
  /** How many branches had an operation that was acknowledged. */
  readonly branchesServed: () => number;
  /** Minor units that were acknowledged for a branch. */
  readonly meant: (branch: number) => bigint;
  /** Minor units that landed on an account of a collection. */
  readonly landed: (collection: number, account: string) => bigint;
}

function createTally(plan: Plan): Tally {
  const count = { operations: 0, acknowledged: 0, misplaced: 0, lost: 0, crashed: 0, wrong: 0 };
  const meant = new Map<number, bigint>();
  const landed = new Map<string, bigint>();
  let unanswered = 0;
  let unseen = 0;
  return {
    add: (record, ownerOf) => {
      const operation = plan.at(record.index);
      const { amountMinor } = operation;
      const wrong = wrongOf(record, ownerOf(operation.branch));
      count.operations += 1;
      if (wrong) {
        count[wrong] += 1;
        count.wrong += 1;
      }
      if (record.ending === 'unanswered') unanswered += 1;
      if (record.ending !== 'acknowledged') return wrong;
      count.acknowledged += 1;
      meant.set(operation.branch, (meant.get(operation.branch) ?? 0n) + amountMinor);
      if (record.landed === nowhere || record.landed === elsewhere) unseen += 1;
      if (record.matched > 0) {
        const place = placeOf(record.landed, plan.accounts[operation.account] ?? '');
        landed.set(place, (landed.get(place) ?? 0n) + amountMinor);
      }
      return wrong;
    },
    counts: () => ({ ...count }),
    unanswered: () => unanswered,
    unseen: () => unseen,
    branchesServed: () => meant.size,
    meant: (branch) => meant.get(branch) ?? 0n,
    landed: (collection, account) => landed.get(placeOf(collection, account)) ?? 0n,
  };
}

function placeOf(collection: number, account: string): string {
  return `${collection}:${account}`;
}

/** The first reason why the run proves nothing. */
function doubtOf(
  run: LoadRun,
  tally: Tally,
  ownerOf: (branch: number) => number,
): string | undefined {
  const { acknowledged } = tally.counts();
  if (run.unattributed > 0) {
    return `${run.unattributed} of the writes seen on the wire belong to no operation.`;
  }
  if (tally.unanswered() > 0) {
    return `${tally.unanswered()} operations got no answer, so what they did is not known.`;
  }
  if (tally.unseen() > 0) {
    return `${tally.unseen()} acknowledged operations were not seen to write to the database.`;
  }
  return (
    reconcile(run, tally, ownerOf) ??
    (acknowledged === 0 ? 'no operation succeeded.' : undefined) ??
    (tally.branchesServed() < 2
      ? 'operations succeeded for one branch only, so no write could go to a wrong one.'
      : undefined) ??
    (overlapped(run.records)
      ? undefined
      : 'no two operations ran at the same time, so nothing was put to the test.')
  );
}

/** Every balance read back must be its seed plus what the record says has landed there. */
function reconcile(
  run: LoadRun,
  tally: Tally,
  ownerOf: (branch: number) => number,
): string | undefined {
  const { plan } = run;
  const found = new Map<string, bigint | undefined>();
  for (const row of run.readBack) {
    const place = placeOf(row.collection, row.account);
    if (found.has(place)) return `account ${row.account} was read back twice.`;
    found.set(place, row.balanceMinor);
  }
  for (const [branch, name] of plan.branchNames.entries()) {
    for (const account of plan.accounts) {
      const place = placeOf(ownerOf(branch), account);
      const recorded = plan.seedBalanceMinor + tally.landed(ownerOf(branch), account);
      const stored = found.get(place);
      if (!found.has(place)) return `account ${account} of ${name} is gone.`;
      if (stored !== recorded) {
        const held = stored === undefined ? 'no amount' : money(stored);
        return (
          `account ${account} of ${name} holds ${held}, ` +
          `but the writes on record make it ${money(recorded)}.`
        );
      }
      found.delete(place);
    }
  }
  if (found.size === 0) return undefined;
  return `${found.size} of the accounts read back were not there at the start.`;
}

/**
 * True where two operations were under way at once. A worker does one at a time, so any two
 * that overlap are of two workers.
 */
function overlapped(records: readonly RecordColumns[]): boolean {
  const spans = records.flatMap((columns) =>
    Array.from(columns.startNs.subarray(0, columns.length), (startNs, row) => ({
      startNs,
      endNs: columns.endNs[row] ?? startNs,
    })),
  );
  spans.sort((left, right) => left.startNs - right.startNs);
  return spans.some((span, place) => span.startNs < (spans[place - 1]?.endNs ?? 0));
}

function timings(records: readonly RecordColumns[]): Pick<LoadCounts, 'throughput' | 'latency_ms'> {
  const operations = records.reduce((sum, { length }) => sum + length, 0);
  const latencyNs = new Float64Array(operations);
  let filled = 0;
  let firstNs = Number.POSITIVE_INFINITY;
  let lastNs = 0;
  for (const columns of records) {
    for (let row = 0; row < columns.length; row += 1) {
      const startNs = columns.startNs[row] ?? 0;
      const endNs = columns.endNs[row] ?? 0;
      latencyNs[filled] = endNs - startNs;
      filled += 1;
      firstNs = Math.min(firstNs, startNs);
      lastNs = Math.max(lastNs, endNs);
    }
  }
  latencyNs.sort();
  const spanNs = lastNs - firstNs;
  // Nearest rank: the smallest latency that this share of the operations did not exceed.
  const quantile = (share: number) =>
    round((latencyNs[Math.max(0, Math.ceil(share * operations) - 1)] ?? 0) / 1e6);
  return {
    throughput: spanNs > 0 ? Math.round((operations / spanNs) * 1e9) : 0,
    latency_ms: { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) },
  };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

function sumOf(readBack: readonly ReadBack[], collection: number): bigint {
  return readBack
    .filter((row) => row.collection === collection)
    .reduce((sum, { balanceMinor }) => sum + (balanceMinor ?? 0n), 0n);
}

function money(minor: bigint): string {
  return formatAmount(minor, planCurrency);
}
