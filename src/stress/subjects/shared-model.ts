// The specimen of the bug: a mutable model that everyone shares. Only the stress drivers import it.
import type { Collection, Db, Document } from 'mongodb';

/** Where a worker can be paused, in the order in which an increment passes them. */
export const sharedPoints = ['captured', 'switched', 'resolved', 'indexing', 'written'] as const;
export type SharedPoint = (typeof sharedPoints)[number];

/** The collection that the shared model calls its own. */
export const ownCollection = 'bank_account';

/** What one increment reports about itself; traces are made of these. */
interface SharedModelObserver {
  /** Awaited at each point, so that a scheduler can hold the worker there. */
  readonly at: (point: SharedPoint) => Promise<void>;
}

/** The write that the specimen sent, as the caller saw it. */
export interface SharedWrite {
  readonly collection: string;
  readonly matched: number;
}

/** What the model points at now. */
export interface SharedModelState {
  readonly name: string;
  /** The cached collection's name, or undefined while the cache is empty. */
  readonly cached: string | undefined;
}

/**
 * MongoEngine's `switch_collection` as it is: one model object, re-pointed for the duration of an
 * increment. It has neither a stamp in its filter nor a validator on its collections: they would
 * hide the bug. There are no sleeps in it; workers interleave at its round trips, as the original's
 * threads do.
 *
 * Source: mongoengine/context_managers.py, `switch_collection`, and `Document._get_collection`
 * (0.29.3); the bug is mongoengine#788.
 */
export class SharedModel {
  readonly #db: Db;
  #name: string = ownCollection;
  #cached: Collection | undefined;

  constructor(db: Db) {
    this.#db = db;
    this.#cached = db.collection(ownCollection);
  }

  get state(): SharedModelState {
    return { name: this.#name, cached: this.#cached?.collectionName };
  }

  /** True if the model does not point at its own collection. */
  get isSwitched(): boolean {
    return this.#name !== ownCollection || this.#cached?.collectionName !== ownCollection;
  }

  /**
   * The five steps: capture, switch, resolve, write, restore.
   *
   * @param update the `$inc` to send, made by the caller so that all models send the same
   * @throws TypeError if another worker emptied the cache in between, as the original crashes
   */
  async increment(
    collection: string,
    filter: Document,
    update: Document,
    { at }: SharedModelObserver,
  ): Promise<SharedWrite> {
    await this.#resolve(at);
    const rememberedCollection = this.#cached;
    const rememberedName = this.#name;
    await at('captured');
    try {
      this.#name = collection;
      this.#cached = undefined;
      await at('switched');
      const resolved = await this.#resolve(at);
      await at('resolved');
      if (!resolved) throw new TypeError('the model has no collection to write to');
      const result = await resolved.updateOne(filter, update);
      await at('written');
      return { collection: resolved.collectionName, matched: result.matchedCount };
    } finally {
      this.#cached = rememberedCollection;
      this.#name = rememberedName;
    }
  }

  /** The cache as it is *then*: another worker may have re-pointed or emptied it meanwhile. */
  async #resolve(at: SharedModelObserver['at']): Promise<Collection | undefined> {
    if (!this.#cached) {
      const fresh = this.#db.collection(this.#name);
      this.#cached = fresh;
      await fresh.createIndex({ account_number: 1 }, { unique: true, name: 'account_number' });
      await at('indexing');
    }
    return this.#cached;
  }
}
