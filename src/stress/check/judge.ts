import type { HistoryEvent } from '../history/event.ts';
import { FaultWatch } from './fault-watch.ts';
import {
  type Anomaly,
  type Begun,
  Findings,
  type Judgement,
  type SectionRules,
} from './findings.ts';
import { LedgerRules } from './ledger-rules.ts';
import { PlainRules } from './plain-rules.ts';

/** The result of a whole history. */
interface JudgedHistory {
  /** One per model, in their order. */
  readonly models: readonly Judgement[];
  /** Why the history as a whole cannot be judged to its end, a sentence. */
  readonly broken: string | undefined;
}

/** Judges a history event by event. */
interface HistoryJudge {
  /** @returns the anomaly that the event shows, if it shows one */
  readonly take: (event: HistoryEvent) => Anomaly | undefined;
  /** The history ends in the middle of its next line. */
  readonly cutOff: () => void;
  /** How many anomalies the current model has shown so far. */
  readonly wrong: () => number;
  /** To be called once, after the last event. */
  readonly finish: () => JudgedHistory;
}

/**
 * Judges a history without a database. Pure, and linear in its length; it remembers the ids that
 * occurred and a sum per account, never the events.
 *
 * A history consists of sections, one per model: from an event `init` to an event `applied`.
 */
export function createHistoryJudge(): HistoryJudge {
  const models: Judgement[] = [];
  let section: HistorySection | undefined;
  let broken: string | undefined;
  let number = 0;
  let lastTime = 0;

  const take = (event: HistoryEvent) => {
    number += 1;
    if (event.time < lastTime) {
      const doubt = `line ${number} is earlier than the line before it.`;
      if (section) section.findings.doubted(doubt);
      else broken ??= `L${doubt.slice(1)}`;
    }
    lastTime = event.time;
    if (event.f === 'init') {
      if (section) broken ??= `Line ${number} begins a history inside another.`;
      section = new HistorySection(event);
    } else if (!section) {
      broken ??= `Line ${number} stands before any init.`;
    } else if (event.f === 'applied') {
      models.push(section.finish(event));
      section = undefined;
    } else {
      return section.take(event, number);
    }
    return undefined;
  };
  return Object.freeze({
    take,
    cutOff: () => {
      broken ??= `The history breaks off in the middle of line ${number + 1}.`;
    },
    wrong: () => section?.findings.wrong ?? 0,
    finish: () => {
      if (section) broken ??= 'The history breaks off: it has no applied line at its end.';
      return { models, broken: broken ?? (models.length === 0 ? 'It is empty.' : undefined) };
    },
  } satisfies HistoryJudge);
}

interface Open {
  readonly f: string;
  readonly value: HistoryEvent['value'];
  readonly kind: string;
  readonly begun: Begun;
}

/** Judges the part of a history that belongs to one model. */
class HistorySection {
  readonly findings = new Findings();
  readonly #model: string;
  readonly #rules: SectionRules;
  readonly #faults: FaultWatch;
  readonly #open = new Map<number, Open>();
  readonly #counts = { operations: 0, acknowledged: 0, refused: 0, unknown: 0 };
  /** Kinds of operation that are due or have begun, and whether any of the kind succeeded. */
  readonly #kinds = new Map<string, boolean>();
  /** Processes whose last operation got no answer: it may still be under way. */
  readonly #unanswered = new Set<number>();
  #overlapped = false;
  #hasWritten = false;

  constructor(init: HistoryEvent) {
    const { model = 'ledger', kinds = [], faults } = init;
    this.#model = model;
    const isPlain = model === 'shared' || model === 'branch';
    const Rules = isPlain ? PlainRules : LedgerRules;
    this.#rules = new Rules(init, this.findings);
    for (const kind of kinds) this.#kinds.set(kind, false);
    this.#faults = new FaultWatch(faults);
  }

  /** @param line its number in the history */
  take(event: HistoryEvent, line: number): Anomaly | undefined {
    const { process } = event;
    const { findings } = this;
    if (process === undefined) return undefined;
    if (process === 'nemesis') {
      const doubt = this.#faults.take(event, this.#open.keys());
      if (doubt !== undefined) findings.doubted(`line ${line} ${doubt}`);
      return undefined;
    }
    const before = findings.wrong;
    if (event.type === 'invoke') this.#begin(event, process, line);
    else this.#end(event, process, line);
    return findings.wrong > before ? findings.latest : undefined;
  }

  /** @param applied the last line */
  finish(applied: HistoryEvent): Judgement {
    const { findings } = this;
    if (this.#open.size > 0) findings.doubted(`${this.#open.size} operations have no end.`);
    if (!this.#hasWritten) findings.unproved('no write succeeded.');
    if (!this.#overlapped) findings.unproved('no two operations ran at the same time.');
    for (const [kind, succeeded] of this.#kinds) {
      if (!succeeded) findings.unproved(`no ${kind} succeeded.`);
    }
    const settlement = this.#rules.finish(applied);
    const faults = this.#faults.counts();
    const unbitten = this.#faults.doubt();
    if (unbitten !== undefined) findings.unproved(unbitten);
    const { counts, wrong, first, doubt, vacuity } = findings;
    const model = this.#model;
    const report = {
      model,
      ...this.#counts,
      ...counts,
      wrong,
      ...settlement.report,
      ...(faults ? { faults } : {}),
      ...(first ? { first_wrong: first } : {}),
    };
    const { branches } = settlement;
    return { model, wrong, doubt, vacuity, report, anomalies: counts, branches };
  }

  #begin(event: HistoryEvent, process: number, line: number): void {
    const { findings } = this;
    const { f, value } = event;
    if (this.#open.has(process)) {
      findings.doubted(`process ${process} begins an operation inside another, in line ${line}.`);
    }
    if (this.#unanswered.has(process)) {
      findings.doubted(`process ${process} goes on in line ${line} after it got no answer.`);
    }
    this.#counts.operations += 1;
    if (!known.has(f)) findings.doubted(`line ${line} has ${f}, which is not judged.`);
    const begun = this.#rules.begin(event, line);
    const kind = kindOf(event, begun);
    if (!this.#kinds.has(kind)) this.#kinds.set(kind, false);
    this.#open.set(process, { f, value, kind, begun });
    if (this.#open.size > 1) this.#overlapped = true;
  }

  #end(event: HistoryEvent, process: number, line: number): void {
    const open = this.#open.get(process);
    if (!open || open.f !== event.f || open.value['id'] !== event.value['id']) {
      this.findings.doubted(`line ${line} ends an operation that was not begun.`);
      return;
    }
    const changed = asked.find((name) => open.value[name] !== event.value[name]);
    if (changed !== undefined && !this.#rules.mayChange(changed, event)) {
      this.findings.doubted(`line ${line} has another ${changed} than its invoke.`);
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
