import type { Db, Document } from 'mongodb';

/** How much the server looked at, in one collection, for all that was asked of it. */
interface Examined {
  readonly documents: number;
  readonly keys: number;
  /** Commands, with those that fetched more. */
  readonly roundTrips: number;
}

/** What reads of a collection cost during some work, by the server's profiler: no clock. */
export async function examinedBy(
  db: Db,
  collection: string,
  work: () => Promise<unknown>,
): Promise<Examined> {
  await db.command({ profile: 2, slowms: 0 });
  try {
    await work();
  } finally {
    await db.command({ profile: 0 });
  }
  const seen = await db
    .collection('system.profile')
    .find({ ns: `${db.databaseName}.${collection}` })
    .toArray();
  await db.collection('system.profile').drop();
  const sum = (field: string) =>
    seen.reduce((total, entry: Document) => total + Number(entry[field] ?? 0), 0);
  return {
    documents: sum('docsExamined'),
    keys: sum('keysExamined'),
    roundTrips: seen.length,
  };
}
