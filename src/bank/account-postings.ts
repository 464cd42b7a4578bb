import { type ClientSession, type Collection, type Document, Long } from 'mongodb';
import { batchesOf, listBatchSize } from './cursor-batches.ts';
import type { AppliedDocument, JournalDocument } from './journal-document.ts';
import type { AccountReference } from './operations/names.ts';
import { sessionOption } from './session-options.ts';
import { versionOf } from './stored-values.ts';
import { findVersionsAround } from './version-search.ts';

/** Which postings of an account: a half-open range of time, and at most the newest `limit`. */
export interface JournalRange {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly limit?: number | undefined;
  /** The version that the account has, if it is known: a place to begin, and no bound. */
  readonly near?: bigint | undefined;
  /** What else a document must match. */
  readonly filter?: Document | undefined;
}

/** A half-open range of versions; undefined where it has no end. */
interface Versions {
  readonly low: bigint | undefined;
  readonly end: bigint | undefined;
}

/** Of the first page, so that it comes soon; later ones grow up to `maxPage`. */
const firstPage = 1000n;

/** The server sorts a page in memory. */
const maxPage = 32_000n;

/**
 * The documents that touch an account, by ascending version, in batches. The unique index does not
 * sort them, since they have several postings each, but it does find a range of versions. So they
 * are read from range to range: nothing waits for a sort of them all, and the newest few cost the
 * same whatever is before them.
 */
export async function* readPostings(
  collection: Collection<JournalDocument>,
  reference: AccountReference,
  range: JournalRange,
  session: ClientSession | undefined,
): AsyncIterable<readonly AppliedDocument[]> {
  const read = (versions: Versions) =>
    collection.aggregate<AppliedDocument>(
      [
        ...postingsWithin(reference, versions, range),
        ...(versions.low === undefined ? limitTo(range.limit) : []),
        { $sort: { version: 1 } },
        { $unset: 'version' },
      ],
      { ...sessionOption(session), batchSize: listBatchSize, allowDiskUse: true },
    );
  let { low, end, known } = await findRange(collection, reference, range, session);
  for (let width = firstPage; low !== undefined && known - low > width; ) {
    let rows = 0n;
    for await (const documents of batchesOf(read({ low, end: low + width }))) {
      rows += BigInt(documents.length);
      yield documents;
    }
    low += width;
    // Where versions are missing, or their times are out of the range, larger steps lead on.
    if (width < maxPage || 2n * rows < width) width *= 2n;
  }
  yield* batchesOf(read({ low, end }));
}

function limitTo(limit: number | undefined): Document[] {
  return limit === undefined ? [] : [{ $sort: { version: -1 } }, { $limit: limit }];
}

/**
 * The versions that hold all that is asked for, and where they are known to end by now.
 * Without bounds if the account has a version that is none, which its reader will report.
 */
async function findRange(
  collection: Collection<JournalDocument>,
  reference: AccountReference,
  range: JournalRange,
  session: ClientSession | undefined,
): Promise<Versions & { readonly known: bigint }> {
  const all = { low: undefined, end: undefined, known: 0n };
  if (await hasOddVersions(collection, reference, session)) return all;
  const search = async (before: Date | undefined) => {
    const { branch, account } = reference;
    const query = { branch, accounts: [account], before, near: range.near };
    return (await findVersionsAround(collection, query, session)).get(account);
  };
  const [from, to] = [range.since && (await search(range.since)), await search(range.until)];
  const [low, end] = [from?.below ?? 0n, to?.from];
  const known = to?.end ?? 0n;
  if (range.limit === undefined) return { low, end, known };
  return await newestAmong(collection, reference, range, { low, end, known }, session);
}

/**
 * The versions of the newest `limit` postings of a range, or of all if it has fewer. They end where
 * they are counted, since more may be posted before they are read.
 */
async function newestAmong(
  collection: Collection<JournalDocument>,
  reference: AccountReference,
  range: JournalRange,
  { low, end, known }: Versions & { readonly low: bigint; readonly known: bigint },
  session: ClientSession | undefined,
): Promise<Versions & { readonly known: bigint }> {
  let left = range.limit ?? 0;
  let [step, stepEnd] = [known - BigInt(left) - 16n, end];
  let newest: bigint | undefined;
  for (let width = 4n * BigInt(left); left > 0; width *= 4n) {
    const isLast = step <= low;
    const stages = [
      ...postingsWithin(reference, { low: isLast ? low : step, end: stepEnd }, range),
      { $project: { version: 1 } },
      { $sort: { version: -1 } },
      { $limit: left },
      {
        $group: {
          ...{ _id: null, count: { $sum: 1 } },
          ...{ oldest: { $min: '$version' }, newest: { $max: '$version' } },
        },
      },
    ];
    const [found] = await collection
      .aggregate<Document>(stages, { ...sessionOption(session), allowDiskUse: true })
      .toArray();
    left -= Number(found?.['count'] ?? 0);
    newest ??= versionOf(found?.['newest']);
    const counted = { end: newest === undefined ? end : newest + 1n, known };
    if (left === 0) return { low: versionOf(found?.['oldest']) ?? low, ...counted };
    if (isLast) return { low, ...counted };
    [step, stepEnd] = [step - width, step];
  }
  return { low, end, known };
}

/** The postings of an account in a range; `version` is that of the account. */
function postingsWithin(
  { branch, account }: AccountReference,
  { low, end }: Versions,
  { since, until, filter }: JournalRange,
): Document[] {
  const at = { ...(since && { $gte: since }), ...(until && { $lt: until }) };
  const version = {
    ...(low !== undefined && { $gte: Long.fromBigInt(low) }),
    ...(end !== undefined && { $lt: Long.fromBigInt(end) }),
  };
  const isBounded = low !== undefined || end !== undefined;
  const posting = { branch, account_number: account, ...(isBounded && { version }) };
  // A number may begin with "$", as the path of a field does.
  const [ownBranch, ownNumber] = [{ $literal: branch }, { $literal: account }];
  const isOwn = {
    $and: [{ $eq: ['$$this.branch', ownBranch] }, { $eq: ['$$this.account_number', ownNumber] }],
  };
  return [
    {
      $match: {
        postings: { $elemMatch: posting },
        // The server takes the bounds of an index from these if none are inside `$elemMatch`.
        ...(!isBounded && { 'postings.branch': branch, 'postings.account_number': account }),
        ...(since || until ? { at } : {}),
        ...(filter && { $and: [filter] }),
      },
    },
    { $set: { version: { $first: { $filter: { input: '$postings', cond: isOwn } } } } },
    { $set: { version: '$version.version' } },
    ...(isBounded ? [{ $match: { version } }] : []),
  ];
}

/** What no version is. Each has bounds in the index, which their opposite would not have. */
const oddVersions: readonly Document[] = [
  { $lt: 1 },
  { $eq: Number.NaN },
  // Also matches a posting without a version.
  { $lte: null },
  {
    $type: [
      ...['string', 'object', 'binData', 'objectId', 'bool', 'date', 'null', 'regex', 'timestamp'],
    ],
  },
];

async function hasOddVersions(
  collection: Collection<JournalDocument>,
  { branch, account }: AccountReference,
  session: ClientSession | undefined,
): Promise<boolean> {
  const clauses = oddVersions.map((version) => ({
    postings: { $elemMatch: { branch, account_number: account, version } },
  }));
  const found = await collection
    .find<Document>({ $or: clauses }, sessionOption(session))
    .limit(1)
    .toArray();
  return found.length > 0;
}
