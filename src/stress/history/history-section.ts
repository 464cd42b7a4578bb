import { type FaultCounts, FaultWatch } from './fault-watch.ts';
import type { HistoryEvent } from './history-event.ts';
import { type AnomalyCounts, anomalies, Findings, type FirstAnomaly } from './history-findings.ts';
import { LedgerRules } from './ledger-rules.ts';
import { PlainRules } from './plain-rules.ts';

/** The judgement of one model's history. */
export interface SectionJudgement extends AnomalyCounts {
  readonly model: string;
  readonly operations: number;
  readonly acknowledged: number;
  /** Ended `fail`: for certain not applied. */
  readonly refused: number;
  /** Ended `info`: the answer never came. */
  readonly unknown: number;
  /** Of a model with a journal: how many of the unknown turned out to be applied. */
  readonly unknown_applied?: number;
  /** Of a model with a journal: operations with an id that had been used before. */
  readonly retried?: number;
  /** Where the history has faults. */
  readonly faults?: FaultCounts;
  /** Of a model with a journal: what each branch should hold at the end, and what it holds. */
  readonly branches?: readonly BranchMoney[];
  /** All anomalies together. */
  readonly wrong: number;
  readonly first_wrong?: FirstAnomaly;
  /** Why nothing can be concluded from it, whatever was found. */
  readonly doubt: string | undefined;
  /** Why nothing can be concluded from it where nothing was found. */
  readonly vacuity: string | undefined;
}

/** What a branch should hold by what was asked for and applied, and what it holds. */
export interface BranchMoney {
  readonly branch: string;
  readonly expected: string;
  readonly actual: string;
}

/** What the rules remember of the beginning of an operation. */
export interface Begun {
  /** The highest version that was finished by then, of each account that it is about. */
  readonly finished: readonly number[];
  /** Its id had been used before. */
  readonly repeated: boolean;
}

/** What is judged of one kind of model, besides that the history is well formed. */
export interface SectionRules {
  /** Whether the end of an operation may name another account than its beginning: it is judged. */
  readonly mayChange: (field: string, end: HistoryEvent) => boolean;
  readonly begin: (event: HistoryEvent, line: number) => Begun;
  readonly end: (event: HistoryEvent, begun: Begun, line: number) => void;
  /** @param applied the last line: the journal's ids, or the balances read back */
  readonly finish: (applied: HistoryEvent) => Partial<SectionJudgement>;
}

interface Open {
  readonly f: string;
  readonly value: HistoryEvent['value'];
  readonly kind: string;
  readonly begun: Begun;
}

/** Judges the part of a history that belongs to one model. */
export class HistorySection {
  readonly #model: string;
  readonly #rules: SectionRules;
  readonly #findings = new Findings();
  readonly #faults: FaultWatch;
  readonly #open = new Map<string, Open>();
  readonly #counts = { operations: 0, acknowledged: 0, refused: 0, unknown: 0 };
  /** Kinds of operation that are due or have begun, and whether one of the kind succeeded. */
  readonly #kinds = new Map<string, boolean>();
  /** Processes whose last operation got no answer: it may be under way still. */
  readonly #unanswered = new Set<string>();
  #overlapped = false;
  #hasWritten = false;

  constructor(init: HistoryEvent) {
    this.#model = init.model ?? 'ledger';
    const isPlain = this.#model === 'shared' || this.#model === 'branch';
    this.#rules = isPlain
      ? new PlainRules(init, this.#findings)
      : new LedgerRules(init, this.#findings);
    const { kinds, faults } = init.fields;
    for (const kind of Array.isArray(kinds) ? kinds : []) this.#kinds.set(String(kind), false);
    this.#faults = new FaultWatch(typeof faults === 'string' ? faults : undefined);
  }

  /** The history itself cannot be relied on. */
  doubted(doubt: string): void {
    this.#findings.doubted(doubt);
  }

  /** @param line its number in the file */
  take(event: HistoryEvent, line: number): void {
    const { process } = event;
    if (process === undefined) return;
    if (process === 'nemesis') {
      const doubt = this.#faults.take(event, this.#open.keys());
      if (doubt !== undefined) this.#findings.doubted(`line ${line} ${doubt}`);
    } else if (event.type === 'invoke') this.#begin(event, process, line);
    else this.#end(event, process, line);
  }

  /** @param applied the last line */
  finish(applied: HistoryEvent): SectionJudgement {
    const findings = this.#findings;
    if (this.#open.size > 0) findings.doubted(`${this.#open.size} operations have no end.`);
    if (!this.#hasWritten) findings.unproved('no write succeeded.');
    if (!this.#overlapped) findings.unproved('no two operations ran at the same time.');
    for (const [kind, succeeded] of this.#kinds) {
      if (!succeeded) findings.unproved(`no ${kind} succeeded.`);
    }
    const more = this.#rules.finish(applied);
    const faults = this.#faults.counts();
    const unbitten = this.#faults.doubt();
    if (unbitten !== undefined) findings.unproved(unbitten);
    const counts = findings.counts();
    return {
      model: this.#model,
      ...this.#counts,
      ...counts,
      wrong: anomalies.reduce((sum, name) => sum + counts[name], 0),
      ...more,
      ...(faults ? { faults } : {}),
      ...(findings.first ? { first_wrong: findings.first } : {}),
      doubt: findings.doubt,
      vacuity: findings.vacuity,
    };
  }

  #begin(event: HistoryEvent, process: string, line: number): void {
    const findings = this.#findings;
    if (this.#open.has(process)) {
      findings.doubted(`process ${process} begins an operation inside another, in line ${line}.`);
    }
    if (this.#unanswered.has(process)) {
      findings.doubted(`process ${process} goes on in line ${line} after it got no answer.`);
    }
    this.#counts.operations += 1;
    if (!known.has(event.f)) findings.doubted(`line ${line} has ${event.f}, which is not judged.`);
    const begun = this.#rules.begin(event, line);
    const kind = kindOf(event, begun);
    if (!this.#kinds.has(kind)) this.#kinds.set(kind, false);
    this.#open.set(process, { f: event.f, value: event.value, kind, begun });
    if (this.#open.size > 1) this.#overlapped = true;
  }

  #end(event: HistoryEvent, process: string, line: number): void {
    const open = this.#open.get(process);
    if (!open || open.f !== event.f || open.value['id'] !== event.value['id']) {
      this.#findings.doubted(`line ${line} ends an operation that was not begun.`);
      return;
    }
    const changed = asked.find((name) => open.value[name] !== event.value[name]);
    if (changed !== undefined && !this.#rules.mayChange(changed, event)) {
      this.#findings.doubted(`line ${line} has another ${changed} than its invoke.`);
    }
    this.#open.delete(process);
    if (event.type === 'ok') {
      this.#counts.acknowledged += 1;
      this.#kinds.set(open.kind, true);
      if (event.value['id'] !== undefined) this.#hasWritten = true;
    } else if (event.type === 'fail') {
      this.#counts.refused += 1;
    } else {
      this.#counts.unknown += 1;
      this.#unanswered.add(process);
      this.#faults.unanswered(process, event);
    }
    this.#rules.end(event, open.begun, line);
  }
}

/** What is asked for, and repeated at the end. */
const asked = ['account', 'from', 'to', 'amount', 'reverses'] as const;

/** Operations whose effect is judged; any other makes the history undecided. */
const known: ReadonlySet<string> = new Set(['increment', 'transfer', 'read', 'snapshot']);

/** The kind of an operation: what it does, or that it is a reversal or a repeated request. */
function kindOf({ f, value }: HistoryEvent, { repeated }: Begun): string {
  if (repeated) return 'retry';
  return typeof value['reverses'] === 'string' ? 'reverse' : f;
}
