import type { HistoryEvent } from '../history/event.ts';
import { faultKinds } from '../plan/ledger.ts';

/** The effect of the faults of a history. */
export interface FaultCounts {
  readonly kind: string;
  readonly planned: number;
  /** Those that were seen to take effect: see `FaultWatch`. */
  readonly bitten: number;
}

interface Fault {
  readonly event: HistoryEvent;
  /** Processes that had an operation under way when it struck. */
  readonly underWay: ReadonlySet<number>;
  felt: boolean;
}

/** Faults that must be seen to take effect. */
const judged: ReadonlySet<string> = new Set(faultKinds);
const known: ReadonlySet<string> = new Set([...judged, 'down', 'rejoin']);

/**
 * Follows the faults of a history. Each has a line `invoke` immediately before it strikes, a line
 * `info` of `down` a tenth of a second or more after the server was seen to be dead, before it is
 * started again, and a line `info` once a server accepts writes again.
 *
 * A fault has taken effect if the server is a different one afterwards (the process of a killed
 * server, the primary of a replica set), and at least one operation was affected: it was under way
 * when the fault struck, and either got no answer, or had none yet when the server was down, so
 * that what answered it was not the server that it was sent to. An operation that its own worker
 * gave up on was not affected.
 */
export class FaultWatch {
  readonly #due: string | undefined;
  #kind: string | undefined;
  #fault: Fault | undefined;
  #planned = 0;
  #bitten = 0;

  /** @param due the kind of fault that the history says it has */
  constructor(due: string | undefined) {
    this.#due = due;
  }

  /**
   * @param event a line of the nemesis
   * @param underWay the processes that have an operation under way
   * @returns why the line cannot be relied on, to end a sentence with
   */
  take(event: HistoryEvent, underWay: Iterable<number>): string | undefined {
    const fault = this.#fault;
    if (!known.has(event.f)) return `has the fault ${event.f}, which is not judged.`;
    if (event.f === 'down' && fault) {
      for (const process of underWay) if (fault.underWay.has(process)) fault.felt = true;
    }
    if (!judged.has(event.f)) return undefined;
    if (event.type === 'invoke') {
      if (fault) return 'begins a fault inside another.';
      this.#kind = event.f;
      this.#planned += 1;
      this.#fault = { event, underWay: new Set(underWay), felt: false };
    } else if (fault?.event.f === event.f) {
      if (fault.felt && isChanged(fault.event, event)) this.#bitten += 1;
      this.#fault = undefined;
    } else return 'ends a fault that was not begun.';
    return undefined;
  }

  /** An operation ends without an answer. */
  unanswered(process: number, { gave_up }: HistoryEvent): void {
    const fault = this.#fault;
    if (fault?.underWay.has(process) && gave_up !== true) fault.felt = true;
  }

  /** Undefined if there are none and none are due. */
  counts(): FaultCounts | undefined {
    const kind = this.#kind ?? this.#due;
    return kind === undefined ? undefined : { kind, planned: this.#planned, bitten: this.#bitten };
  }

  /** Why the faults prove nothing; undefined if they do, or if there are none. */
  doubt(): string | undefined {
    if (this.#due !== undefined && this.#planned === 0) return `no ${this.#due} struck.`;
    if (this.#bitten === this.#planned) return undefined;
    return `${this.#planned - this.#bitten} of ${this.#planned} faults did not bite.`;
  }
}

function isChanged(before: HistoryEvent, after: HistoryEvent): boolean {
  const name = before.f === 'kill' ? 'pid' : 'primary';
  const [old, present] = [before.value[name], after.value[name]];
  return old !== undefined && present !== undefined && old !== present;
}
