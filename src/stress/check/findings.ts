import type { HistoryEvent } from '../history/event.ts';
import type { FaultCounts } from './fault-watch.ts';
import type { Evidence } from './verdict.ts';

/** Everything that a history can show to have gone wrong, by name. */
export const anomalies = [
  /** Sent to, or posted to, an account that it was not meant for. */
  'misplaced',
  /** Acknowledged, but without effect. */
  'lost',
  /** The model itself failed. */
  'crashed',
  /** Applied twice. */
  'duplicate',
  /** Applied, though never asked for, or refused, or said to be not applied. */
  'phantom',
  /** A snapshot that has one leg of a transfer and not the other. */
  'torn',
  /** A snapshot whose balances do not add up to what was posted by then. */
  'wrong_total',
  /** A balance below zero. */
  'negative',
  /** Older than what had been finished before it began. */
  'stale',
  /** A version of an account went back. */
  'regressed',
  /** A version that no posting has. */
  'gap',
  /** A balance that is not the sum of the postings. */
  'drift',
] as const;
/** One of them. */
export type Anomaly = (typeof anomalies)[number];

/** How often each was found. */
export type AnomalyCounts = Readonly<Record<Anomaly, number>>;

/** Where a history first shows something wrong. */
export interface FirstAnomaly {
  /** Counted from 1; null for what shows only at the end. */
  readonly line: number | null;
  readonly anomaly: Anomaly;
  readonly detail: string;
}

/** The result of one model's history. */
export interface ModelHistory extends AnomalyCounts {
  readonly model: string;
  readonly operations: number;
  readonly acknowledged: number;
  /** Ended `fail`: certainly not applied. */
  readonly refused: number;
  /** Ended `info`: the answer never came. */
  readonly unknown: number;
  /** Of a model with a journal: how many of the unknown turned out to be applied. */
  readonly unknown_applied?: number;
  /** Of a model with a journal: operations with an id that had been used before. */
  readonly retried?: number;
  /** If the history has faults. */
  readonly faults?: FaultCounts;
  /** Of a model with a journal. */
  readonly branches?: readonly BranchMoney[];
  /** All anomalies together. */
  readonly wrong: number;
  readonly first_wrong?: FirstAnomaly;
}

/** What a branch should hold according to what was asked for and applied, and what it holds. */
export interface BranchMoney {
  readonly branch: string;
  readonly expected: string;
  readonly actual: string;
}

/** The judgement of one model's history. */
export interface Judgement extends Evidence {
  readonly report: ModelHistory;
  readonly anomalies: AnomalyCounts;
  /** Of every model, unless its last line does not say. */
  readonly branches: readonly BranchMoney[];
}

/** What the rules remember about the beginning of an operation. */
export interface Begun {
  /** The highest version that was finished by then, of each account that it concerns. */
  readonly finished: readonly number[];
  /** Its id had been used before. */
  readonly repeated: boolean;
}

/** What the rules add at the end of a history. */
export interface Settlement {
  /** Fields of the report that only this kind of model has. */
  readonly report?: Partial<ModelHistory>;
  readonly branches: readonly BranchMoney[];
}

/** What is judged about one kind of model, besides whether the history is well formed. */
export interface SectionRules {
  /** Whether the end of an operation may name another account than its beginning: it is judged. */
  readonly mayChange: (field: string, end: HistoryEvent) => boolean;
  readonly begin: (event: HistoryEvent, line: number) => Begun;
  readonly end: (event: HistoryEvent, begun: Begun, line: number) => void;
  /** @param applied the last line: the journal's ids, or the balances read back */
  readonly finish: (applied: HistoryEvent) => Settlement;
}

/** The judgement of a history so far. */
export class Findings {
  readonly #counts = {
    misplaced: 0,
    lost: 0,
    crashed: 0,
    duplicate: 0,
    phantom: 0,
    torn: 0,
    wrong_total: 0,
    negative: 0,
    stale: 0,
    regressed: 0,
    gap: 0,
    drift: 0,
  } satisfies Record<Anomaly, number>;
  #wrong = 0;
  #first: FirstAnomaly | undefined;
  #latest: Anomaly | undefined;
  #doubt: string | undefined;
  #vacuity: string | undefined;

  /** @param line null for what shows only at the end */
  found(anomaly: Anomaly, line: number | null, detail: string): void {
    this.#counts[anomaly] += 1;
    this.#wrong += 1;
    this.#latest = anomaly;
    this.#first ??= { line, anomaly, detail };
  }

  /** Notes why the history itself cannot be relied on; the first reason stands. */
  doubted(doubt: string): void {
    this.#doubt ??= doubt;
  }

  /** Notes what was not tested; the first reason stands. What was found still counts. */
  unproved(vacuity: string): void {
    this.#vacuity ??= vacuity;
  }

  get counts(): AnomalyCounts {
    return { ...this.#counts };
  }

  /** How many anomalies. */
  get wrong(): number {
    return this.#wrong;
  }

  get first(): FirstAnomaly | undefined {
    return this.#first;
  }

  /** The anomaly found last. */
  get latest(): Anomaly | undefined {
    return this.#latest;
  }

  get doubt(): string | undefined {
    return this.#doubt;
  }

  get vacuity(): string | undefined {
    return this.#vacuity;
  }
}
