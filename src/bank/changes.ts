import {
  BSON,
  type ChangeStreamDocument,
  type ChangeStreamOptions,
  type Db,
  type Document,
  type ResumeToken,
  Timestamp,
} from 'mongodb';
import { type Config, identityCollection } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { isServerError } from '../database/driver-errors.ts';

/** A place in the history of a replica set. */
export type ClusterTime = Timestamp;

/** Something that happened to a document, or to a whole collection, whoever did it. */
export interface Change {
  /** `gone` if the collection was dropped or renamed, or the database was dropped. */
  readonly kind: 'insert' | 'update' | 'replace' | 'delete' | 'gone';
  /** Undefined if it is the whole database. */
  readonly collection: string | undefined;
  readonly id: unknown;
  /** Names the document among all of the database. */
  readonly key: string;
  /** By the server's clock. */
  readonly at: Date;
  /** False if the server keeps whole seconds only, as before version 6. */
  readonly hasMilliseconds: boolean;
  readonly time: ClusterTime;
  /** The fields of an account that it set: all after an insert or a replace. */
  readonly fields: Document;
  /** The fields that it removed. */
  readonly removed: readonly string[];
}

/** Where to read on: see `Changes.open`. */
export type ChangePlace = Pick<
  ChangeStreamOptions,
  'startAtOperationTime' | 'resumeAfter' | 'startAfter'
>;

/** What was read: a change, or that there is none now; with the place after it. */
interface ReadChange {
  readonly change: Change | undefined;
  readonly place: ChangePlace;
}

/**
 * The history of the database as the server keeps it. Transactions come as their single changes.
 * It needs the role `read` on the database. What bankctl writes into its own collections is left
 * out.
 * Source: MongoDB manual, "Change Streams".
 */
export interface Changes {
  /** The time of the newest operation. @throws `no_transactions` on a standalone server */
  readonly now: () => Promise<ClusterTime>;
  /**
   * Reads on from a place, one change after the other, without an end; now and then undefined,
   * while there is none.
   * @throws the server's `changeStreamHistoryLost`
   */
  readonly open: (place: ChangePlace) => OpenChanges;
  /** The changes from a time to another, both included. @throws as `open` */
  readonly between: (from: ClusterTime, to: ClusterTime) => AsyncIterable<Change>;
  /**
   * The earliest time from which the server still has the history, to the second; `from` if it
   * reaches back that far.
   */
  readonly beginning: (from: ClusterTime, to: ClusterTime) => Promise<ClusterTime>;
  /** The document just before a change; null if there was none, undefined if it is too long ago. */
  readonly documentBefore: (change: Change) => Promise<Document | null | undefined>;
  /** The account numbers of those documents of a collection that are still there. */
  readonly numbersOf: (collection: string, ids: readonly unknown[]) => Promise<readonly Document[]>;
  /** As `Change.key`. */
  readonly keyOf: (collection: string, id: unknown) => string;
}

/** Changes that are being read. */
interface OpenChanges {
  readonly next: () => Promise<ReadChange>;
  readonly close: () => Promise<void>;
}

/** The first moment in the year 1970 that a server takes for a time. */
const earliest = new Timestamp({ t: 1, i: 1 });

/** The last moment, in the year 2106, that fits into a timestamp, in seconds. */
const latestSecond = 2 ** 32 - 1;

/** The place in the history of a moment of the server's clock; undefined for the earliest. */
export function clusterTimeOf(moment: Date | undefined): ClusterTime {
  if (!moment || moment.getTime() < 2_000) return earliest;
  return new Timestamp({ t: Math.min(Math.floor(moment.getTime() / 1000), latestSecond), i: 0 });
}

/** The moment of the server's clock, to the second. */
export function momentOf(time: ClusterTime): Date {
  return new Date(time.t * 1000);
}

/** Sends nothing to the server. */
export function createChanges(db: Db, config: Config): Changes {
  const ours = [identityCollection, ...(config.journal === false ? [] : [config.journal])];
  const pipeline = pipelineWithout(ours);
  const open = (place: ChangePlace) => openStream(db, pipeline, place);
  return Object.freeze({
    now: async () => {
      const { operationTime } = await db.command({ ping: 1 });
      if (operationTime !== undefined) return operationTime;
      throw new BankctlError(
        'no_transactions',
        'The server is a standalone, which keeps no history of changes.',
        'Restart it with --replSet and run rs.initiate().',
      );
    },
    open,
    between: (from, to) => readBetween(open, from, to),
    beginning: (from, to) => findBeginning(db, from, to),
    documentBefore: (change) => readBefore(db, change),
    numbersOf: (collection, ids) => {
      const _id: Document['_id'] = { $in: [...ids] };
      return db
        .collection(collection)
        .find({ _id }, { projection: { account_number: 1 } })
        .toArray();
    },
    keyOf,
  } satisfies Changes);
}

/** A change of an account, or one after which its collection is not what it was. */
function pipelineWithout(collections: readonly string[]): Document[] {
  const exists = { $exists: true };
  const names = Object.keys(accountFields);
  const update = 'updateDescription.updatedFields';
  return [
    { $match: { 'ns.coll': { $nin: [...collections] } } },
    {
      $match: {
        $or: [
          { operationType: 'insert', 'fullDocument.account_number': exists },
          {
            operationType: 'update',
            $or: names.map((name) => ({ [`${update}.${name}`]: exists })),
          },
          { operationType: 'update', 'updateDescription.removedFields': { $in: names } },
          {
            operationType: {
              $in: ['replace', 'delete', 'drop', 'rename', 'dropDatabase', 'invalidate'],
            },
          },
        ],
      },
    },
    {
      $project: {
        operationType: 1,
        ns: 1,
        documentKey: 1,
        clusterTime: 1,
        wallTime: 1,
        'updateDescription.removedFields': 1,
        ...Object.fromEntries(
          names.flatMap((name) => [
            [`${update}.${name}`, 1],
            [`fullDocument.${name}`, 1],
          ]),
        ),
      },
    },
  ];
}

const accountFields = {
  account_number: 1,
  balance: 1,
  branch: 1,
  version: 1,
  posted_at: 1,
} as const;

function openStream(db: Db, pipeline: readonly Document[], from: ChangePlace): OpenChanges {
  const watch = (place: ChangePlace) => db.watch<Document>([...pipeline], { ...place, batchSize });
  let stream = watch(from);
  let place = from;
  return {
    next: async () => {
      const event: ChangeStreamDocument | null = await stream.tryNext();
      if (event?.operationType === 'invalidate') {
        // The database was dropped, which ends the stream; a new one goes on after it.
        place = { startAfter: event._id };
        await stream.close();
        stream = watch(place);
        return { change: undefined, place };
      }
      const token: ResumeToken = event?._id ?? stream.resumeToken;
      if (token !== undefined && token !== null) place = { resumeAfter: token };
      return { change: event ? toChange(event) : undefined, place };
    },
    close: async () => {
      await stream.close().catch(() => undefined);
    },
  };
}

const batchSize = 1000;

async function* readBetween(
  open: Changes['open'],
  from: ClusterTime,
  to: ClusterTime,
): AsyncIterable<Change> {
  const changes = open({ startAtOperationTime: from });
  try {
    for (;;) {
      const { change, place } = await changes.next();
      if (change ? change.time.greaterThan(to) : hasReached(place, to)) return;
      if (change) yield change;
    }
  } finally {
    await changes.close();
  }
}

/**
 * True if all changes up to a time have been read. A token begins with the time of the place, and
 * tokens sort as the places do.
 * Source: MongoDB manual, "Change Streams", resume tokens; the server's `ResumeTokenData`.
 */
function hasReached({ resumeAfter }: ChangePlace, to: ClusterTime): boolean {
  if (resumeAfter === undefined) return false;
  const text: unknown = Object(resumeAfter)['_data'];
  const match = typeof text === 'string' ? /^82([0-9A-F]{8})([0-9A-F]{8})/i.exec(text) : null;
  // A server with tokens of another form would otherwise be waited for without an end.
  if (!match) return true;
  const time = { t: Number(`0x${match[1]}`), i: Number(`0x${match[2]}`) };
  return new Timestamp(time).greaterThanOrEqual(to);
}

/** Asks the server about times between the two, each time halving what is left. */
async function findBeginning(db: Db, from: ClusterTime, to: ClusterTime): Promise<ClusterTime> {
  const isKept = async (time: ClusterTime) => {
    const stream = db.watch([], { startAtOperationTime: time, batchSize: 1 });
    try {
      await stream.tryNext();
      return true;
    } catch (error) {
      if (isServerError(error, 'changeStreamHistoryLost')) return false;
      throw error;
    } finally {
      await stream.close().catch(() => undefined);
    }
  };
  if (await isKept(from)) return from;
  let [lost, kept] = [from.t, to.t + 1];
  while (kept - lost > 1) {
    const middle = Math.floor((lost + kept) / 2);
    if (await isKept(new Timestamp({ t: middle, i: 0 }))) kept = middle;
    else lost = middle;
  }
  return new Timestamp({ t: kept, i: 0 });
}

function toChange(event: ChangeStreamDocument): Change | undefined {
  const { operationType, clusterTime = earliest, wallTime }: Document = event;
  const shared = {
    time: clusterTime,
    at: wallTime instanceof Date ? wallTime : new Date(clusterTime.t * 1000),
    hasMilliseconds: wallTime instanceof Date,
  };
  switch (event.operationType) {
    case 'insert':
    case 'replace':
    case 'update':
    case 'delete': {
      const { coll } = event.ns;
      const id: unknown = event.documentKey._id;
      const { fullDocument, updateDescription }: Document = event;
      return {
        ...shared,
        kind: event.operationType,
        collection: coll,
        id,
        key: keyOf(coll, id),
        fields: fullDocument ?? updateDescription?.updatedFields ?? {},
        removed: updateDescription?.removedFields ?? [],
      };
    }
    case 'drop':
    case 'rename':
    case 'dropDatabase': {
      const { coll }: Document = event.ns;
      return {
        ...shared,
        kind: 'gone',
        collection: coll,
        id: null,
        key: '',
        fields: {},
        removed: [],
      };
    }
    default:
      throw new TypeError(`unexpected change ${operationType}`);
  }
}

function keyOf(collection: string, id: unknown): string {
  return `${collection} ${BSON.EJSON.stringify({ id }, { relaxed: false })}`;
}

/** The server keeps what was before for about five minutes. */
async function readBefore(
  db: Db,
  { collection, id, time }: Change,
): Promise<Document | null | undefined> {
  const before = Timestamp.fromBits(time.low - 1, time.high);
  try {
    const { cursor } = await db.command({
      find: collection,
      filter: { _id: id },
      projection: accountFields,
      limit: 1,
      singleBatch: true,
      readConcern: { level: 'snapshot', atClusterTime: before },
    });
    return cursor.firstBatch[0] ?? null;
  } catch (error) {
    if (isServerError(error, 'snapshotTooOld', 'snapshotUnavailable')) return undefined;
    throw error;
  }
}
