/** What can be seen of a model at work. */
export type LoadEventKind =
  /** The model's collection and name were remembered, for the restore. */
  | 'captured'
  /** The model was pointed at the branch, its cache emptied. */
  | 'switched'
  /** The worker took the collection that the cache then held, or nothing. */
  | 'resolved'
  /** The write was sent to a collection, as command monitoring saw it. */
  | 'sent'
  /** The server answered the write. */
  | 'written'
  /** The worker had no collection to write to. */
  | 'crashed'
  /** The model was pointed back at what was remembered. */
  | 'restored';

/** One step of one worker. */
export interface LoadEvent {
  /** Monotonic, nanoseconds since the start of the run. */
  readonly atNs: number;
  readonly worker: number;
  /** The operation, by its index in the plan. */
  readonly index: number;
  readonly kind: LoadEventKind;
  /** The collection remembered, taken, written to or restored; undefined for an empty cache. */
  readonly collection: string | undefined;
  /** The name that the model has after it, if the step sets or remembers one. */
  readonly name: string | undefined;
}

/**
 * The latest events, in the order in which they happened. Bounded: a run of any length keeps
 * only what a picture of its first wrong write needs.
 */
export class EventWindow {
  readonly #slots: LoadEvent[] = [];
  readonly #capacity: number;
  #next = 0;

  /** @param capacity how many events are kept, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(event: LoadEvent): void {
    this.#slots[this.#next] = event;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Oldest first. */
  events(): readonly LoadEvent[] {
    const wrapped = this.#slots.length === this.#capacity ? this.#next : 0;
    return [...this.#slots.slice(wrapped), ...this.#slots.slice(0, wrapped)];
  }
}
