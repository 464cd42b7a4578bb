/** Everything that a history can show to have gone wrong, by name. */
export const anomalies = [
  /** Sent to, or posted on, an account that it was not meant for. */
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

/** What the judging of a history has come to so far. */
export class Findings {
  readonly #counts = new Map<Anomaly, number>();
  #first: FirstAnomaly | undefined;
  #doubt: string | undefined;
  #vacuity: string | undefined;

  /** @param line null for what shows only at the end */
  found(anomaly: Anomaly, line: number | null, detail: string): void {
    this.#counts.set(anomaly, (this.#counts.get(anomaly) ?? 0) + 1);
    this.#first ??= { line, anomaly, detail };
  }

  /** Notes why the history itself cannot be relied on; the first reason stands. */
  doubted(doubt: string): void {
    this.#doubt ??= doubt;
  }

  /** Notes what was not put to the test; the first stands. What was found counts all the same. */
  unproved(vacuity: string): void {
    this.#vacuity ??= vacuity;
  }

  get vacuity(): string | undefined {
    return this.#vacuity;
  }

  get first(): FirstAnomaly | undefined {
    return this.#first;
  }

  get doubt(): string | undefined {
    return this.#doubt;
  }

  counts(): AnomalyCounts {
    return anomalyCounts((name) => this.#counts.get(name) ?? 0);
  }
}

/** Gathers a count for each name. */
export function anomalyCounts(count: (name: Anomaly) => number): AnomalyCounts {
  return {
    misplaced: count('misplaced'),
    lost: count('lost'),
    crashed: count('crashed'),
    duplicate: count('duplicate'),
    phantom: count('phantom'),
    torn: count('torn'),
    wrong_total: count('wrong_total'),
    negative: count('negative'),
    stale: count('stale'),
    regressed: count('regressed'),
    gap: count('gap'),
    drift: count('drift'),
  };
}
