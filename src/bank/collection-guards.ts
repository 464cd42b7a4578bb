import type { Db, Document } from 'mongodb';
import { type CollectionSpec, isSameValidator } from './collections.ts';

/** What a collection lacks of what guards it. */
export interface Unguarded {
  /** The names of missing indexes. */
  readonly indexes: readonly string[];
  /** True if it has another validator than it should have, or none, or one that only warns. */
  readonly validator: boolean;
}

/** Compares a collection with what it must look like; a missing one lacks nothing. */
export async function findUnguarded(db: Db, spec: CollectionSpec): Promise<Unguarded> {
  const [existing] = await db
    .listCollections({ name: spec.collection }, { nameOnly: false })
    .toArray();
  if (!existing) return { indexes: [], validator: false };
  const present = await db.collection(spec.collection).indexes();
  const missing = spec.indexes.filter((wanted) => !present.some((one) => guards(one, wanted)));
  const { validator, validationLevel, validationAction } = existing['options'] ?? {};
  const isStrict = [undefined, 'strict'].includes(validationLevel);
  const refuses = [undefined, 'error'].includes(validationAction);
  return {
    indexes: missing.map(({ key }) => Object.keys(key).join(', ')),
    validator: !(isStrict && refuses && isSameValidator(validator, spec.validator)),
  };
}

/** Whatever its name: the same keys in the same order, as unique, and for as many documents. */
function guards(present: Document, wanted: Document): boolean {
  const text = (value: unknown) => JSON.stringify(value ?? null);
  return (
    text(present['key']) === text(wanted['key']) &&
    Boolean(present['unique']) === Boolean(wanted['unique']) &&
    Boolean(present['sparse']) === Boolean(wanted['sparse']) &&
    text(present['partialFilterExpression']) === text(wanted['partialFilterExpression']) &&
    // One of a collection with a collation would take different numbers for the same.
    text(present['collation']) === text(wanted['collation'])
  );
}
