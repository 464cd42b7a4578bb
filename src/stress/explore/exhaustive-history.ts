import type { Db } from 'mongodb';
import { fromDecimal } from '../../bank/decimal.ts';
import { formatAmount } from '../../core/money.ts';
import type { HistoryFile } from '../history/file.ts';
import { ownCollection } from '../shared-model.ts';
import { exhaustiveCurrency, type Increment } from './exhaustive-models.ts';
import type { ObservedWrite } from './exhaustive-watch.ts';

/** Where the history of an exploration goes, and since when its times count. */
export interface HistoryPlace {
  readonly file: HistoryFile;
  readonly sinceNs: bigint;
  readonly monotonicNs: () => bigint;
}

/** One increment under way, as its schedule sees it. */
export interface RecordedIncrement extends Increment {
  /** All writes of the schedule, as command monitoring saw them. */
  readonly writes: readonly ObservedWrite[];
}

/**
 * Writes what an exploration does as a history: a section for as many schedules as there are fresh
 * accounts. Each schedule has an account of its own, so the schedules of a section do not meet;
 * each event says which schedule it belongs to.
 */
export class ExhaustiveHistory {
  readonly #place: HistoryPlace;
  readonly #model: string;
  readonly #branches: readonly string[];
  #lines: { readonly text: string }[] = [];
  #accounts = new Set<string>();
  #beganNs = 0;
  /** The operations of the schedule under way that have not ended. */
  readonly #open = new Map<number, RecordedIncrement>();
  #schedule = 0;

  constructor(place: HistoryPlace, model: string, branches: readonly string[]) {
    this.#place = place;
    this.#model = model;
    this.#branches = branches;
  }

  /** A schedule begins. What the one before left open, stuck or in a deadlock, is not known. */
  beginSchedule(account: string): void {
    this.#closeOpen();
    this.#schedule += 1;
    if (this.#accounts.size === 0) this.#beganNs = this.#nowNs();
    this.#accounts.add(account);
  }

  /** Runs an increment, and notes when it begins and how it ends. */
  async record(increment: RecordedIncrement, work: () => Promise<void>): Promise<void> {
    this.#open.set(increment.worker, increment);
    this.#note(increment, 'invoke', {});
    try {
      await work();
      this.#end(increment, 'ok', {});
    } catch (error) {
      this.#end(increment, 'fail', { error: error instanceof Error ? error.message : '' });
      throw error;
    }
  }

  /** Ends the section: reads the balances back and writes all of it. */
  async flush(db: Db): Promise<void> {
    this.#closeOpen();
    if (this.#accounts.size === 0) return;
    const accounts = [...this.#accounts].flatMap((account) =>
      this.#branches.map((branch) => [`${branch}:${account}`, { balance: '0.00' }] as const),
    );
    const init = {
      type: 'ok',
      f: 'init',
      value: { accounts: Object.fromEntries(accounts) },
      model: this.#model,
      time: this.#beganNs,
    };
    const balances = await this.#readBack(db);
    const applied = { type: 'ok', f: 'applied', value: { balances }, time: this.#nowNs() };
    const { file } = this.#place;
    await file.append(init);
    await file.write(this.#lines);
    await file.append(applied);
    this.#lines = [];
    this.#accounts = new Set();
  }

  async #readBack(db: Db): Promise<Readonly<Record<string, string | null>>> {
    const account_number = { $in: [...this.#accounts] };
    const balances: (readonly [string, string | null])[] = [];
    for (const collection of [ownCollection, ...this.#branches]) {
      for (const document of await db.collection(collection).find({ account_number }).toArray()) {
        const minor = fromDecimal(document['balance'], exhaustiveCurrency);
        const balance = minor === undefined ? null : formatAmount(minor, exhaustiveCurrency);
        balances.push([`${collection}:${document['account_number']}`, balance]);
      }
    }
    return Object.fromEntries(balances);
  }

  #end(
    increment: RecordedIncrement,
    type: 'ok' | 'fail' | 'info',
    more: Readonly<Record<string, unknown>>,
  ): void {
    // The schedule may have been given up, and another begun.
    if (this.#open.get(increment.worker) !== increment) return;
    this.#open.delete(increment.worker);
    const write = increment.writes.findLast(({ worker }) => worker === increment.worker);
    this.#note(increment, type, {
      collection: write?.collection ?? null,
      ...(type === 'ok' ? { matched: write?.matched ?? 0 } : {}),
      ...more,
    });
  }

  #closeOpen(): void {
    for (const increment of [...this.#open.values()]) this.#end(increment, 'info', {});
  }

  #note(
    { worker, branch, account, amountMinor }: RecordedIncrement,
    type: 'invoke' | 'ok' | 'fail' | 'info',
    more: Readonly<Record<string, unknown>>,
  ): void {
    const event = {
      process: worker + 1,
      type,
      f: 'increment',
      value: {
        id: `${this.#model}-${this.#schedule}-${worker + 1}`,
        account: `${branch}:${account}`,
        amount: formatAmount(amountMinor, exhaustiveCurrency),
      },
      schedule: this.#schedule,
      ...more,
      time: this.#nowNs(),
    };
    this.#lines.push({ text: JSON.stringify(event) });
  }

  #nowNs(): number {
    const { monotonicNs, sinceNs } = this.#place;
    return Number(monotonicNs() - sinceNs);
  }
}
