import type { ClientSession, Collection, Decimal128, Document, Double, Long } from 'mongodb';
import type { AccountStatus } from './operations/entry.ts';
import { sessionOption } from './session-options.ts';
import { labelsField, ownerField, type StoredProfile } from './stored-profile.ts';

/** How a document of another program, or one in another form, is rewritten in place. */
export interface Rewrite {
  readonly id: unknown;
  readonly fields: RewrittenFields;
}

/** The fields that are set; all others stay as they are. */
interface RewrittenFields extends StoredProfile {
  readonly balance: Decimal128 | Double;
  readonly account_number?: string;
  readonly branch?: string;
  readonly version?: Long;
  readonly status?: AccountStatus;
  readonly opened_at?: Date;
  readonly posted_at?: Date;
}

/**
 * Reads a page.
 *
 * @param after a document of the page before
 * @param session that of a transaction if what is read will be rewritten
 */
type ReadPage = (
  after: Document | undefined,
  limit: number,
  session: ClientSession | undefined,
) => Promise<readonly Document[]>;

/** The documents of a branch's collection as any program left them, stamped or not. */
export interface LegacyCollection {
  /**
   * A page of the documents in the order of `_id`, which never changes: it is empty after the last.
   * Only the fields that an account has, with numbers in the driver's types. A page is one call
   * and one answer of at most 16 MB, so memory is bounded however large the documents are.
   */
  readonly page: ReadPage;
  /** Like `page`, with the account number alone. */
  readonly numbers: ReadPage;
  /** The documents with these `_id`, as in a page. */
  readonly read: (ids: readonly unknown[], session: ClientSession) => Promise<readonly Document[]>;
  /**
   * Only in the transaction that has read these documents: then the server refuses the write of one
   * that has changed since, and otherwise the change would be lost. A filter with more than the
   * `_id` would make the server plan each update, and so take twice the time.
   *
   * @returns how many matched
   */
  readonly rewrite: (rewrites: readonly Rewrite[], session: ClientSession) => Promise<number>;
}

/** What an account has. */
const accountFields = {
  ...{ account_number: 1, balance: 1, branch: 1, version: 1, status: 1 },
  ...{ opened_at: 1, posted_at: 1, [ownerField]: 1, [labelsField]: 1 },
};

/** Sends nothing to the server. */
export function createLegacyCollection(collection: Collection): LegacyCollection {
  const pageOf =
    (projection: Document): ReadPage =>
    async (after, limit, session) => {
      const size = { limit, batchSize: limit, singleBatch: true };
      const options = { projection, hint: byId, ...size, ...sessionOption(session) };
      if (!after) return collection.find({}, { ...options, promoteValues: false }).toArray();
      const { _id } = after;
      // `min` compares across types, which `$gt` does not, and includes the document itself.
      return collection
        .find({ _id: { $ne: _id } }, { ...options, promoteValues: false, min: { _id } })
        .toArray();
    };
  return Object.freeze({
    page: pageOf(accountFields),
    numbers: pageOf({ account_number: 1 }),
    read: (ids, session) => {
      const _id: Document = { $in: ids };
      const options = { projection: accountFields, promoteValues: false };
      return collection.find({ _id }, { ...options, ...sessionOption(session) }).toArray();
    },
    rewrite: async (rewrites, session) => {
      const result = await collection.bulkWrite(
        rewrites.map(({ id, fields }) => {
          const _id: Document['_id'] = id;
          return { updateOne: { filter: { _id }, update: { $set: fields } } };
        }),
        { session, ordered: false },
      );
      return result.matchedCount;
    },
  } satisfies LegacyCollection);
}

const byId = { _id: 1 } as const;
