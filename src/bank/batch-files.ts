import type { Collection, Db } from 'mongodb';
import { isDuplicate } from '../database/driver-errors.ts';

/** Rows given to `apply` without ids of their own, as they are stored. */
interface BatchFileDocument {
  /** `file:` and the digest of the rows. */
  readonly _id: string;
  /** The `--batch` names that they were given under, oldest first. */
  readonly batches: readonly string[];
  readonly rows: number;
  readonly by: string;
  /** The server's time when they were first given. */
  readonly at: Date;
  /** As in `BatchFile`; earlier versions did not record it. */
  readonly content?: string;
}

/** Rows as `apply` was given them. */
export interface BatchFile {
  /** Their number, in 8 hexadecimal digits, and a digest of what the rows without ids ask for. */
  readonly digest: string;
  readonly batch: string;
  readonly rows: number;
  readonly by: string;
  /** A digest of the bytes of the file, and of what they add up to. */
  readonly content: string;
}

/**
 * Which rows were given under which `--batch` names. The ids of rows without their own derive from
 * the name, so the same rows under another name would be applied a second time.
 * A record is written before the first of its rows is posted, so that two programs that give the
 * same rows under two names at once notice each other. It says what was given; the journal says
 * what was applied.
 */
export interface BatchFiles {
  /** The first record of these rows, under any name. */
  readonly find: (digest: string) => Promise<BatchFileDocument | undefined>;
  /** The first record of the same content, read as other rows and under other names. */
  readonly findContent: (content: string, batch: string) => Promise<BatchFileDocument | undefined>;
  /** Records rows, unless they are recorded already. @returns the first record of them */
  readonly record: (file: BatchFile, at: Date) => Promise<BatchFileDocument>;
  /** Records one more name for rows that are recorded. */
  readonly addName: (file: BatchFile) => Promise<void>;
  /** True if any applied operation has an id that derives from the name. */
  readonly hasApplied: (batch: string) => Promise<boolean>;
  /** How many applied operations have an id that derives from the name. */
  readonly countApplied: (batch: string) => Promise<number>;
  /** The ids of those operations, in batches. */
  readonly appliedIds: (batch: string) => AsyncIterable<readonly string[]>;
  /** How many operations with such an id were reversed. */
  readonly countReversed: (batch: string) => Promise<number>;
  /** The largest number of rows with ids of their own in a file given under the name. */
  readonly maxOwnIds: (batch: string) => Promise<number>;
  /** Some of the names that were given last, each once. */
  readonly names: () => Promise<readonly string[]>;
}

/** How many files are looked at for their names. */
const maxNames = 1000;

const durable = { writeConcern: { w: 'majority' } } as const;

/** Sends nothing to the server. */
export function createBatchFiles(db: Db, journal: string): BatchFiles {
  const entries = db.collection<{ _id: string; postings?: unknown; reverses?: string }>(journal);
  const files: Collection<BatchFileDocument> = db.collection<BatchFileDocument>('bankctl');
  const idOf = (digest: string) => `file:${digest}`;
  const appliedBy = (batch: string) => ({ _id: idsOfBatch(batch), postings: { $exists: true } });
  const find = async (digest: string) =>
    (await files.findOne({ _id: idOf(digest) }, { readConcern: { level: 'majority' } })) ??
    undefined;
  return Object.freeze({
    find,
    findContent: async (content, batch) => {
      const given = { _id: /^file:/, content, batches: { $ne: batch } };
      return (await files.findOne(given, { readConcern: { level: 'majority' } })) ?? undefined;
    },
    record: async ({ digest, batch, rows, by, content }, at) => {
      const document = { _id: idOf(digest), batches: [batch], rows, by, at, content };
      try {
        await files.insertOne(document, durable);
        return document;
      } catch (error) {
        const earlier = isDuplicate(error) ? await find(digest) : undefined;
        if (!earlier) throw error;
        return earlier;
      }
    },
    addName: async ({ digest, batch }) => {
      await files.updateOne({ _id: idOf(digest) }, { $addToSet: { batches: batch } }, durable);
    },
    hasApplied: async (batch) =>
      (await entries.findOne(appliedBy(batch), { projection: { _id: 1 } })) !== null,
    countApplied: (batch) => entries.countDocuments(appliedBy(batch)),
    appliedIds: async function* (batch) {
      const found = entries.find(appliedBy(batch), { projection: { _id: 1 }, batchSize: 1000 });
      try {
        while (await found.hasNext()) yield found.readBufferedDocuments().map(({ _id }) => _id);
      } finally {
        await found.close();
      }
    },
    countReversed: (batch) => entries.countDocuments({ reverses: idsOfBatch(batch) }),
    maxOwnIds: async (batch) => {
      const given = files.find({ _id: /^file:/, batches: batch });
      let most = 0;
      for await (const { _id, rows } of given) {
        const withoutIds = Number.parseInt(_id.replace('file:', '').slice(0, 8), 16);
        if (Number.isSafeInteger(rows)) most = Math.max(most, rows - (withoutIds || rows));
      }
      return most;
    },
    names: async () => {
      const given = files
        .find({ _id: /^file:/ })
        .sort({ at: -1 })
        .limit(maxNames);
      const names = (await given.toArray()).flatMap(({ batches }): unknown[] => [batches].flat());
      return [...new Set(names.filter((name) => typeof name === 'string'))];
    },
  } satisfies BatchFiles);
}

/** Matches the ids that `apply` derived from the name of a batch. */
export function idsOfBatch(batch: string) {
  return { $regex: `^${escapeRegex(batch)}:[0-9a-f]{32}(:[0-9]+)?$` };
}

/** A text as a pattern that matches it literally. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
