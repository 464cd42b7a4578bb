import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  Long,
  MongoServerError,
} from 'mongodb';
import type { BranchConfig } from '../config/config.ts';
import { isServerError } from '../database/driver-errors.ts';
import { amountOf, isBalance, isTyped } from './balance-expressions.ts';

/** What can be wrong with a document of a branch's collection. */
export type ProblemCode =
  /** It has no stamp, like those written by legacy programs. */
  | 'unstamped_document'
  /** It is stamped for another branch. */
  | 'misplaced_document'
  /** The branch's own, but its balance is not an exact amount, or is too large. */
  | 'bad_balance'
  /** The branch's own, but bankctl could not have written one of its other fields. */
  | 'bad_document'
  /** One of several of the branch's own with one account number. */
  | 'duplicate_account';

/** One kind of trouble in the collection of a branch. */
export interface Problem {
  readonly code: ProblemCode;
  /** How many documents have it. */
  readonly documents: number;
  /** Some of their account numbers, or their `_id` if they have none. */
  readonly examples: readonly string[];
  /** True if there are others besides the examples. */
  readonly more: boolean;
}

/** How many documents are named per problem. */
const maxExamples = 5;

/** Number and sum of the accounts of a branch, in one pass over its collection. */
export interface BranchTotal {
  /** Documents with the branch's stamp. */
  readonly accounts: number;
  /** Of those, how many have a balance that cannot be read and so is not in the total. */
  readonly unread: number;
  /** Documents without the branch's stamp, which are in neither figure. */
  readonly foreign: number;
  /** A Decimal128, or undefined if no balance was read. */
  readonly total: unknown;
}

/** Where a branch's documents are, and how they are read. */
export interface Place {
  readonly collection: Collection;
  readonly branch: BranchConfig;
  /** The session, and the read concern that belongs to it. */
  readonly options: { readonly session?: ClientSession };
}

/**
 * Collections of one call. The time that the server takes to plan a union grows with the square of
 * them: 1,000 in one call took 1.7 times as long as in four.
 */
const branchesAtOnce = 250;

/**
 * Number and sum of the accounts of each branch by its name, in few calls, whatever the stamp of
 * their documents: this takes no longer than reading only a branch's own.
 * Source: MongoDB manual, "$unionWith".
 */
export async function readTotals(
  db: Db,
  branches: readonly BranchConfig[],
  optionsOf: () => Place['options'],
): Promise<ReadonlyMap<string, BranchTotal>> {
  const byBranch = new Map<string, Document[]>(branches.map(({ name }) => [name, []]));
  for (const row of await readSums(db, branches, optionsOf)) byBranch.get(row['branch'])?.push(row);
  return new Map([...byBranch].map(([name, rows]) => [name, toTotal(rows)]));
}

async function readSums(
  db: Db,
  branches: readonly BranchConfig[],
  optionsOf: () => Place['options'],
): Promise<readonly Document[]> {
  try {
    return await readAll(db, branches, sumsOf, optionsOf());
  } catch (error) {
    if (!isServerError(error, 'unauthorized') || branches.length <= 1) throw error;
    // The server names only the first collection; reading one at a time shows which it is.
    const rows: Document[] = [];
    for (const branch of branches) rows.push(...(await readSums(db, [branch], optionsOf)));
    return rows;
  }
}

/** The rows of a pipeline in each branch's collection. */
async function readAll(
  db: Db,
  branches: readonly BranchConfig[],
  stagesOf: (branch: BranchConfig) => readonly Document[],
  options: Place['options'],
): Promise<readonly Document[]> {
  const rows: Document[] = [];
  for (let start = 0; start < branches.length; start += branchesAtOnce) {
    const [first, ...rest] = branches.slice(start, start + branchesAtOnce);
    if (!first) break;
    const unions = rest.map((branch) => ({
      $unionWith: { coll: branch.collection, pipeline: stagesOf(branch) },
    }));
    // All rows in the first answer.
    const read = { ...options, batchSize: 1_000_000 };
    const stages = [...stagesOf(first), ...unions];
    rows.push(...(await db.collection(first.collection).aggregate(stages, read).toArray()));
  }
  return rows;
}

/**
 * A branch's documents, by whether their balance can be read; those with another stamp separately.
 * A decimal with too many digits shows in the sum, so only its type is looked at, which is faster.
 */
function sumsOf(branch: BranchConfig): Document[] {
  const name = { $literal: branch.name };
  const isRead = branch.storage === 'decimal' ? isTyped(branch) : isBalance(branch);
  const kind = {
    $cond: [{ $eq: ['$branch', name] }, { $cond: [isRead, 'read', 'unread'] }, 'foreign'],
  };
  const total = { $sum: amountOf(branch) };
  return [{ $group: { _id: kind, documents: { $sum: 1 }, total } }, { $set: { branch: name } }];
}

function toTotal(rows: readonly Document[]): BranchTotal {
  const of = (kind: 'read' | 'unread' | 'foreign') => rows.find((row) => row['_id'] === kind);
  const documentsOf = (row: Document | undefined) => Number(row?.['documents'] ?? 0);
  const [read, unread] = [of('read'), documentsOf(of('unread'))];
  return {
    accounts: documentsOf(read) + unread,
    unread,
    foreign: documentsOf(of('foreign')),
    total: read?.['total'],
  };
}

/**
 * True if the server refuses a second document with the same number. Outside of any session, since
 * a snapshot has no indexes.
 */
export async function hasUniqueNumbers(db: Db, collection: string): Promise<boolean> {
  try {
    // Without the driver's cursor, which would take half of the time: a collection has at most 64
    // indexes.
    const { cursor } = await db.command({ listIndexes: collection, cursor: { batchSize: 100 } });
    const indexes: readonly Document[] = cursor.firstBatch;
    return indexes.some(refusesSecond);
  } catch (error) {
    if (isServerError(error, 'namespaceNotFound')) return true;
    // Without permission to list indexes, the documents themselves have to be checked.
    if (isServerError(error, 'unauthorized', 'commandNotSupportedOnView')) return false;
    throw error;
  }
}

function refusesSecond({ key, unique, sparse, partialFilterExpression }: Document): boolean {
  return (
    JSON.stringify(Object.keys(key)) === '["account_number"]' &&
    unique === true &&
    sparse !== true &&
    partialFilterExpression === undefined
  );
}

/**
 * The branches of which `hasUniqueNumbers` is known to hold, by few calls for all of them. Those
 * that are not among them have to be asked for singly, all of them where the server cannot tell.
 * Source: MongoDB manual, "$listCatalog".
 */
export async function readUniqueBranches(
  db: Db,
  branches: readonly BranchConfig[],
): Promise<ReadonlySet<string>> {
  const catalogOf = ({ name }: BranchConfig) => [
    { $listCatalog: {} },
    { $project: { _id: 0, branch: { $literal: name }, indexes: '$md.indexes' } },
  ];
  try {
    const rows = await readAll(db, branches, catalogOf, {});
    const isUnique = ({ indexes }: Document) =>
      Array.isArray(indexes) && indexes.some((it) => it.ready === true && refusesSecond(it.spec));
    // Each shard has a row.
    const others = new Set(rows.filter((row) => !isUnique(row)).map((row) => row['branch']));
    return new Set(rows.map((row) => String(row['branch'])).filter((name) => !others.has(name)));
  } catch (error) {
    // A server may not have the stage, or not allow it.
    if (error instanceof MongoServerError) return new Set();
    throw error;
  }
}

/** What is wrong in a collection, and what is known in spite of that. */
export interface Problems {
  readonly problems: readonly Problem[];
  /** Number and sums of the branch's own documents whose balance can be read. */
  readonly readable: { readonly accounts: number; readonly totals: readonly unknown[] };
}

/**
 * Names what is wrong in the collection of a branch, by kind. Slow, so only for when something is.
 */
export async function findProblems(place: Place): Promise<Problems> {
  const { collection, branch, options } = place;
  const codes: readonly ProblemCode[] = [
    ...(['unstamped_document', 'misplaced_document', 'bad_balance', 'bad_document'] as const),
  ];
  const facets = codes.map((code) => [code, facetOf(code)] as const);
  const [found] = await collection
    .aggregate(
      [
        { $project: { account_number: 1, balance: 1, code: codeOf(branch) } },
        { $facet: { ...Object.fromEntries(facets), counts: countsOf(branch) } },
      ],
      { ...options, allowDiskUse: true },
    )
    .toArray();
  const rows: readonly Document[] = found?.['counts'] ?? [];
  const problems = codes.map((code) => toProblem(code, found?.[code], rows));
  const readable = rows.filter(({ _id }) => _id === 'sound' || _id === 'bad_document');
  return {
    problems: problems.filter(({ documents }) => documents > 0),
    readable: {
      accounts: readable.reduce((sum, { documents }) => sum + Number(documents), 0),
      totals: readable.map(({ total }) => total),
    },
  };
}

function countsOf(branch: BranchConfig): Document[] {
  const total = { $sum: amountOf(branch) };
  return [{ $group: { _id: '$code', documents: { $sum: 1 }, total } }];
}

function facetOf(code: ProblemCode): Document[] {
  return [
    { $match: { code } },
    { $sort: { account_number: 1, _id: 1 } },
    { $limit: maxExamples + 1 },
    { $project: { account_number: 1 } },
  ];
}

function toProblem(
  code: ProblemCode,
  examples: readonly Document[] = [],
  rows: readonly Document[] = [],
): Problem {
  const documents = Number(rows.find((row) => row['_id'] === code)?.['documents'] ?? 0);
  const named = examples.slice(0, maxExamples).map(exampleOf);
  return { code, documents, examples: named, more: examples.length > maxExamples };
}

/** What a document is named by in a message; other programs write numbers as numbers. */
function exampleOf({ _id, account_number }: Document): string {
  if (typeof account_number === 'string' && account_number !== '') return account_number;
  const isNumber = typeof account_number === 'number' || Long.isLong(account_number);
  return isNumber ? String(account_number) : `_id ${String(_id)}`;
}

/**
 * The aggregation equivalent of `readAccount`; a test keeps them in step.
 */
function codeOf(branch: BranchConfig): Document | string {
  const isType = (field: string, ...types: string[]) => ({ $in: [{ $type: field }, types] });
  const isTime = (field: string) => ({
    $and: [isType(field, 'date'), { $gte: [field, times.first] }, { $lt: [field, times.end] }],
  });
  const isUnsafe = {
    $and: [isType('$version', 'double'), { $gt: ['$version', Number.MAX_SAFE_INTEGER] }],
  };
  const number = '$account_number';
  const cases: readonly (readonly [Document, ProblemCode])[] = [
    [isType('$branch', ...absent), 'unstamped_document'],
    [{ $ne: ['$branch', { $literal: branch.name }] }, 'misplaced_document'],
    [{ $not: isBalance(branch) }, 'bad_balance'],
    [{ $not: isType('$version', 'int', 'long', 'double') }, 'bad_document'],
    [{ $lt: ['$version', 1] }, 'bad_document'],
    [{ $gt: ['$version', Long.MAX_VALUE.subtract(1)] }, 'bad_document'],
    [{ $ne: ['$version', { $trunc: '$version' }] }, 'bad_document'],
    [isUnsafe, 'bad_document'],
    [{ $not: isType(number, 'string') }, 'bad_document'],
    [{ $eq: [number, ''] }, 'bad_document'],
    [{ $not: { $in: ['$status', statuses] } }, 'bad_document'],
    [{ $not: isTime('$opened_at') }, 'bad_document'],
    [{ $not: { $or: [isType('$posted_at', ...absent), isTime('$posted_at')] } }, 'bad_document'],
  ];
  return cases.reduceRight<Document | string>(
    (rest, [applies, code]) => ({ $cond: [applies, code, rest] }),
    'sound',
  );
}

const absent = ['missing', 'null', 'undefined'];
const times = { first: new Date(0), end: new Date(Date.UTC(10_000, 0)) };
const statuses = ['open', 'frozen', 'closed'];

/** Names the account numbers that several of the branch's own documents have. */
export async function findDuplicates({
  collection,
  branch,
  options,
}: Place): Promise<readonly Problem[]> {
  const [found] = await collection
    .aggregate(
      [
        { $match: { branch: branch.name } },
        { $group: { _id: '$account_number', documents: { $sum: 1 } } },
        { $match: { documents: { $gt: 1 } } },
        {
          $facet: {
            examples: [
              { $sort: { _id: 1 } },
              { $limit: maxExamples + 1 },
              { $project: { account_number: '$_id' } },
            ],
            counts: [{ $group: { _id: 'duplicate_account', documents: { $sum: '$documents' } } }],
          },
        },
      ],
      { ...options, allowDiskUse: true },
    )
    .toArray();
  const problem = toProblem('duplicate_account', found?.['examples'], found?.['counts']);
  return problem.documents > 0 ? [problem] : [];
}

/** Counts problems as documents come by, and keeps some examples of each. */
export interface Tally {
  readonly add: (code: ProblemCode, document: Document) => void;
  /** The problems found so far. */
  readonly problems: () => readonly Problem[];
}

/** Makes an empty tally. */
export function createTally(): Tally {
  const met = new Map<ProblemCode, { documents: number; readonly examples: Set<string> }>();
  return {
    add: (code, document) => {
      const entry = met.get(code) ?? { documents: 0, examples: new Set() };
      met.set(code, entry);
      entry.documents += 1;
      if (entry.examples.size <= maxExamples) entry.examples.add(exampleOf(document));
    },
    problems: () =>
      [...met].map(([code, { documents, examples }]) => ({
        ...{ code, documents, examples: [...examples].slice(0, maxExamples) },
        more: examples.size > maxExamples,
      })),
  };
}
