import type { Db } from 'mongodb';

/** What keeps a collection from being read at one moment, or from being written. */
export type CollectionKind = 'capped' | 'view' | 'timeseries';

/** The collections of a database that are something else than plain ones, by name. */
export type CollectionKinds = ReadonlyMap<string, CollectionKind>;

/** Reads which collections are not plain ones. */
export async function readCollectionKinds(db: Db): Promise<CollectionKinds> {
  const found = await db.listCollections({}, { nameOnly: false }).toArray();
  return new Map(
    found.flatMap(({ name, type, options }): readonly (readonly [string, CollectionKind])[] => {
      if (type === 'view' || type === 'timeseries') return [[name, type]];
      return options?.['capped'] === true ? [[name, 'capped']] : [];
    }),
  );
}
