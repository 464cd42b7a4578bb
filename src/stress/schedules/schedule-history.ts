import type { Db } from 'mongodb';
import { fromDecimal, toDecimal } from '../../bank/decimal.ts';
import type { Judgement } from '../check/findings.ts';
import { createHistoryJudge } from '../check/judge.ts';
import type { ObservedWrite } from '../drive/command-monitor.ts';
import type { HistoryEvent } from '../history/event.ts';
import type { HistoryFile } from '../history/history-file.ts';
import { planAmount, planCurrency } from '../plan/increments.ts';
import type { Increment } from '../subjects/plain-models.ts';
import { ownCollection, type SharedWrite } from '../subjects/shared-model.ts';

/** One event of a schedule, as a line of a history has it. */
export interface ScheduleEvent extends HistoryEvent {
  readonly schedule?: number;
  readonly error?: string;
}

/** Judges the events of schedules in the same way as those of a stored history. */
export function judgeEvents(
  init: ScheduleEvent,
  events: readonly ScheduleEvent[],
  applied: ScheduleEvent,
): Judgement {
  const judge = createHistoryJudge();
  judge.take(init);
  for (const event of events) judge.take(event);
  judge.take(applied);
  const [judged] = judge.finish().models;
  if (!judged) throw new Error('a history of schedules is not judged');
  return judged;
}

/** How an increment ended. `unfinished`: the schedule ended in a deadlock, or was stuck. */
export type IncrementOutcome = 'ok' | 'misplaced' | 'lost' | 'crashed' | 'unfinished';

/** Where the schedules of a model take place, and where their history goes. */
interface ScheduleHistoryPlace {
  /** From a client whose commands are not monitored. */
  readonly db: Db;
  readonly model: string;
  readonly branches: readonly string[];
  /** The write of a worker's latest increment, as command monitoring saw it. */
  readonly writeOf: (worker: number) => ObservedWrite | undefined;
  /** Nanoseconds since the start of the run. */
  readonly nowNs: () => number;
  readonly file: Pick<HistoryFile, 'append' | 'write'> | undefined;
}

/** How many accounts every branch has, and how many schedules make a section of the history. */
export const accountNumbers: readonly string[] = Object.freeze(
  Array.from({ length: 512 }, (_, index) => `ACC-${index}`),
);

/**
 * The history of a model's schedules. Each schedule has an account of its own, so the schedules of
 * a section do not meet; each event says which schedule it belongs to. When every account has been
 * used once, the section ends: all balances are read back, the judge of histories compares them
 * with the writes on record, and the accounts are set to zero in bulk. That costs a few percent of
 * the time of the schedules, and the collections do not grow.
 *
 * The result of a single schedule is read from its events at once, since the next schedule to try
 * may depend on it. At the end of a section the judge must reach the same result.
 */
export class ScheduleHistory {
  readonly #place: ScheduleHistoryPlace;
  #events: ScheduleEvent[] = [];
  #beganNs = 0;
  /** Accounts used in this section. */
  #used = 0;
  #schedule = 0;
  /** The increments of the schedule under way that have not ended. */
  readonly #open = new Map<number, Increment>();
  /** How the increments of the schedule under way ended, by worker. */
  readonly #ends = new Map<number, ScheduleEvent>();
  /**
   * Accounts of this section with an increment that did not end: nobody knows what they should
   * hold.
   */
  readonly #unfinished = new Set<string>();
  /** Increments of this section that went wrong, by kind. */
  #wrong = { misplaced: 0, lost: 0, crashed: 0 };
  readonly #expected = new Map<string, bigint>();
  readonly #actual = new Map<string, bigint>();
  #doubts = 0;

  constructor(place: ScheduleHistoryPlace) {
    this.#place = place;
  }

  /** Sections and increments on which the witnesses disagree; 0 in a sound run. */
  get doubts(): number {
    return this.#doubts;
  }

  /** By branch, minor units: what all increments were meant to add, and what was read back. */
  get balances() {
    return this.#place.branches.map((branch) => ({
      branch,
      expectedMinor: this.#expected.get(branch) ?? 0n,
      actualMinor: this.#actual.get(branch) ?? 0n,
    }));
  }

  /** True if every account was used, so that the section has to end first. */
  get isFull(): boolean {
    return this.#used >= accountNumbers.length;
  }

  /**
   * Begins a schedule. How the increments that the previous one left stuck or in a deadlock end is
   * not known.
   */
  begin(): string {
    this.#closeOpen();
    this.#ends.clear();
    this.#schedule += 1;
    if (this.#used === 0) this.#beganNs = this.#place.nowNs();
    this.#used += 1;
    return this.#account;
  }

  get #account(): string {
    return accountNumbers[this.#used - 1] ?? '';
  }

  /** Runs an increment, and notes when it begins and how it ends. */
  async record(increment: Increment, work: () => Promise<SharedWrite>): Promise<void> {
    const { worker, branch, amountMinor } = increment;
    this.#open.set(worker, increment);
    this.#expected.set(branch, (this.#expected.get(branch) ?? 0n) + amountMinor);
    this.#note(increment, 'invoke', {});
    try {
      const returned = await work();
      const sent = this.#end(increment, 'ok', {});
      if (returned.collection !== sent?.collection || returned.matched !== sent?.matched) {
        this.#doubts += 1;
      }
    } catch (error) {
      this.#end(increment, 'fail', { error: error instanceof Error ? error.message : '' });
      throw error;
    }
  }

  /**
   * How the increments of the schedule ended, judged by the namespace that each write was sent to
   * and by what it matched, not by balances: two swapped writes cancel out in those. To be called
   * once, at the end of the schedule.
   *
   * @param branchOf the branch of each worker
   */
  outcomes(branchOf: readonly string[]): readonly IncrementOutcome[] {
    const outcomes = branchOf.map((branch, worker) => outcomeOf(this.#ends.get(worker), branch));
    if (outcomes.includes('unfinished')) {
      this.#unfinished.add(this.#account);
      return outcomes;
    }
    for (const outcome of outcomes) {
      if (outcome !== 'ok' && outcome !== 'unfinished') this.#wrong[outcome] += 1;
    }
    return outcomes;
  }

  /** Ends the section: reads the balances back, judges and writes it, and resets the accounts. */
  async endSection(): Promise<void> {
    this.#closeOpen();
    if (this.#used === 0) return;
    const { branches, db, file, model, nowNs } = this.#place;
    const used = accountNumbers.slice(0, this.#used);
    const accounts = Object.fromEntries(
      used.flatMap((account) =>
        branches.map((branch) => [`${branch}:${account}`, { balance: '0.00' }] as const),
      ),
    );
    const balances = await this.#readBack(new Set(used));
    this.#judge(accounts, balances);
    if (file) {
      await file.append({ type: 'ok', f: 'init', value: { accounts }, model, time: this.#beganNs });
      await file.write(this.#events.map((event) => ({ text: JSON.stringify(event) })));
      await file.append({ type: 'ok', f: 'applied', value: { balances }, time: nowNs() });
    }
    const zero = toDecimal(0n, planCurrency);
    for (const branch of branches) {
      await db
        .collection(branch)
        .updateMany({ balance: { $ne: zero } }, { $set: { balance: zero } });
    }
    this.#events = [];
    this.#used = 0;
    this.#unfinished.clear();
    this.#wrong = { misplaced: 0, lost: 0, crashed: 0 };
  }

  /** What is stored on the accounts that were used, and on others that should hold nothing. */
  async #readBack(used: ReadonlySet<string>): Promise<Readonly<Record<string, string | null>>> {
    const { branches, db } = this.#place;
    const balances: Record<string, string | null> = {};
    // A branch's account in the shared model's own collection was put there by a stray upsert.
    for (const name of [ownCollection, ...branches]) {
      let sum = this.#actual.get(name) ?? 0n;
      for (const { account_number, balance } of await db.collection(name).find().toArray()) {
        const minor = fromDecimal(balance, planCurrency);
        sum += minor ?? 0n;
        if (!used.has(account_number) && minor === 0n && name !== ownCollection) continue;
        balances[`${name}:${account_number}`] = minor === undefined ? null : planAmount(minor);
      }
      this.#actual.set(name, sum);
    }
    return balances;
  }

  #judge(accounts: Readonly<Record<string, unknown>>, balances: Readonly<Record<string, unknown>>) {
    const unfinished = this.#unfinished;
    const isKnown = (place: unknown) =>
      unfinished.size === 0 || !unfinished.has(String(place).replace(/^.*?:/s, ''));
    const known = (places: Readonly<Record<string, unknown>>) =>
      unfinished.size === 0
        ? places
        : Object.fromEntries(Object.entries(places).filter(([place]) => isKnown(place)));
    const frame = { type: 'ok', time: this.#beganNs } as const;
    const judged = judgeEvents(
      // Only models without a journal come here; with any of their names the judge uses the right
      // rules.
      { ...frame, f: 'init', value: { accounts: known(accounts) }, model: 'shared' },
      this.#events.filter(({ value }) => isKnown(value['account'])),
      { ...frame, f: 'applied', value: { balances: known(balances) }, time: this.#place.nowNs() },
    );
    const found = this.#wrong;
    const same = (['misplaced', 'lost', 'crashed'] as const).every(
      (kind) => judged.anomalies[kind] === found[kind],
    );
    if (judged.doubt !== undefined || !same) this.#doubts += 1;
  }

  /** @returns the write that the increment is known to have sent */
  #end(
    increment: Increment,
    type: 'ok' | 'fail' | 'info',
    more: { readonly error?: string },
  ): ObservedWrite | undefined {
    const write = this.#place.writeOf(increment.worker);
    // The schedule may have been given up, and another begun.
    if (this.#open.get(increment.worker) !== increment) return undefined;
    this.#open.delete(increment.worker);
    if (type === 'info') this.#unfinished.add(increment.account);
    const matched = type === 'ok' ? { matched: write?.matched ?? 0 } : {};
    this.#note(increment, type, { collection: write?.collection ?? null, ...matched, ...more });
    return write;
  }

  #closeOpen(): void {
    for (const increment of [...this.#open.values()]) this.#end(increment, 'info', {});
  }

  #note(
    { worker, branch, account, amountMinor }: Increment,
    type: ScheduleEvent['type'],
    more: Pick<ScheduleEvent, 'collection' | 'matched' | 'error'>,
  ): void {
    const event: ScheduleEvent = {
      process: worker + 1,
      type,
      f: 'increment',
      value: {
        id: `${this.#place.model}-${this.#schedule}-${worker + 1}`,
        account: `${branch}:${account}`,
        amount: planAmount(amountMinor),
      },
      schedule: this.#schedule,
      ...more,
      time: this.#place.nowNs(),
    };
    this.#events.push(event);
    if (type !== 'invoke') this.#ends.set(worker, event);
  }
}

function outcomeOf(end: ScheduleEvent | undefined, branch: string): IncrementOutcome {
  if (end === undefined || end.type === 'info') return 'unfinished';
  if (end.type === 'fail') return 'crashed';
  if (!end.matched || !end.collection) return 'lost';
  return end.collection === branch ? 'ok' : 'misplaced';
}
