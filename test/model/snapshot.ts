import { BSON, type Db, Decimal128, type Document, Double, Long } from 'mongodb';
import {
  type Account,
  type Ask,
  type Bank,
  type Place,
  type Posting,
  type Profile,
  placeKey,
} from './bank.ts';
import { type Branch, minorOf, type World } from './worlds.ts';

const { EJSON } = BSON;

/** A document of a branch's collection as it is stored. */
export interface StoredAccount extends Place {
  readonly stamp: unknown;
  readonly status: unknown;
  /** Undefined unless it is an exact amount of the branch's currency within 24 digits. */
  readonly minor: bigint | undefined;
  /** Undefined unless it is a whole number from 1. */
  readonly version: number | undefined;
  readonly profile: Profile;
  readonly text: string;
}

/** An applied operation as it is stored in the journal. */
export interface StoredEntry {
  readonly id: string;
  readonly type: string;
  readonly memo: string;
  readonly reverses: string | undefined;
  /** What a label asked for. */
  readonly label: Document;
  readonly atMs: number;
  readonly seq: number;
  readonly postings: readonly Posting[];
}

/** The whole database at one moment, read without bankctl. */
export interface Snapshot {
  readonly accounts: readonly StoredAccount[];
  readonly journal: ReadonlyMap<string, StoredEntry>;
  /** Ids of rows whose refusal is remembered. */
  readonly refused: ReadonlySet<string>;
  /** Every document of every collection: two equal texts prove that nothing moved. */
  readonly text: string;
}

/** The collections of a world, in which everything that bankctl writes is found. */
export function collectionsOf({ branches, journal }: World): readonly string[] {
  return [...branches.map(({ collection }) => collection), journal, 'bankctl'];
}

/** Reads all of a database in one call; nothing else may write meanwhile. */
export async function readSnapshot(db: Db, world: World): Promise<Snapshot> {
  const [first = '', ...others] = collectionsOf(world);
  const named = (collection: string) => [{ $project: { _id: 0, collection, document: '$$ROOT' } }];
  const pipeline = [
    ...named(first),
    ...others.map((coll) => ({ $unionWith: { coll, pipeline: named(coll) } })),
  ];
  const options = { promoteLongs: false, batchSize: 10_000 };
  const contents = new Map<string, Document[]>();
  for await (const { collection, document } of db.collection(first).aggregate(pipeline, options)) {
    const documents = contents.get(collection) ?? [];
    documents.push(document);
    contents.set(collection, documents);
  }
  return snapshotOf(contents, world);
}

/** What the documents of a database mean; by collection, in any order. */
export function snapshotOf(
  contents: ReadonlyMap<string, readonly Document[]>,
  world: World,
): Snapshot {
  const text = [...contents.keys()]
    .sort()
    .filter((name) => (contents.get(name) ?? []).length > 0)
    .map((name) => [name, ...(contents.get(name) ?? []).map(canonical).sort()].join('\n'))
    .join('\n\n');
  const accounts = world.branches.flatMap((branch) =>
    (contents.get(branch.collection) ?? []).map((document) => toAccount(document, branch)),
  );
  const journal = new Map<string, StoredEntry>();
  const refused = new Set<string>();
  for (const document of contents.get(world.journal) ?? []) {
    const entry = toEntry(document, world);
    if (entry.postings.length > 0) journal.set(entry.id, entry);
    else refused.add(entry.id);
    // As the first version keeps them: in the document of what was applied beside them.
    if (Array.isArray(document['refused'])) {
      for (const { id } of document['refused']) refused.add(String(id));
    }
  }
  return { accounts, journal, refused, text };
}

function canonical(document: Document): string {
  return EJSON.stringify(document, { relaxed: false });
}

function toAccount(document: Document, branch: Branch): StoredAccount {
  const { account_number: account, balance, version, status } = document;
  return {
    branch: branch.name,
    account: String(account),
    stamp: document['branch'],
    status,
    minor: balanceMinor(balance, branch),
    version: version instanceof Long ? version.toNumber() : undefined,
    profile: toProfile({ owner: document['bankctl_owner'], labels: document['bankctl_labels'] }),
    text: canonical(document),
  };
}

function toProfile({ owner, labels }: Document): Profile {
  return { owner: owner ?? '', labels: labels ?? [] };
}

/** A double only where the branch keeps doubles, and only the one nearest to an exact amount. */
function balanceMinor(balance: unknown, { digits, storage }: Branch): bigint | undefined {
  if (balance instanceof Decimal128) {
    return storage === 'decimal' ? decimalMinor(balance, digits) : undefined;
  }
  const number = balance instanceof Double ? balance.value : balance;
  if (storage === 'decimal' || typeof number !== 'number') return undefined;
  const minor = minorOf(number.toFixed(digits), { digits });
  return minor !== undefined && Number(number.toFixed(digits)) === number ? minor : undefined;
}

function decimalMinor(decimal: Decimal128, digits: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]\d+))?$/.exec(decimal.toString());
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent) + digits - fraction.length;
  if (Math.abs(shift) > 40) return undefined;
  const all = BigInt(whole + fraction);
  const scale = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && all % scale !== 0n) return undefined;
  const minor = shift < 0 ? all / scale : all * scale;
  if (minor >= 10n ** 24n) return undefined;
  return sign === '-' ? -minor : minor;
}

function toEntry(document: Document, world: World): StoredEntry {
  const digits = new Map(world.branches.map((each) => [each.name, each.digits]));
  const postings: readonly Document[] = document['postings'] ?? [];
  const minor = (value: unknown, branch: string) =>
    value instanceof Decimal128 ? (decimalMinor(value, digits.get(branch) ?? 2) ?? 0n) : 0n;
  return {
    id: String(document['_id']),
    type: String(document['type']),
    memo: String(document['memo'] ?? ''),
    reverses: document['reverses'],
    label: document['label'] ?? {},
    atMs: document['at'] instanceof Date ? document['at'].getTime() : 0,
    seq: Number(document['seq'] ?? 0),
    postings: postings.map(({ branch, account_number: account, amount, ...rest }) => ({
      branch,
      account,
      minor: minor(amount, branch),
      afterMinor: minor(rest['balance_after'], branch),
      version: Number(rest['version']),
      ...(rest['profile'] && {
        profiles: {
          before: toProfile(rest['profile'].before),
          after: toProfile(rest['profile'].after),
        },
      }),
    })),
  };
}

/** The ids that a command added to the journal. */
export function added(before: Snapshot, after: Snapshot): readonly string[] {
  return [...after.journal.keys()].filter((id) => !before.journal.has(id));
}

/** Account documents by place; two with the same number make a list of two. */
export function byPlace({ accounts }: Snapshot): ReadonlyMap<string, readonly StoredAccount[]> {
  const found = new Map<string, StoredAccount[]>();
  for (const account of accounts) {
    const key = placeKey(account);
    found.set(key, [...(found.get(key) ?? []), account]);
  }
  return found;
}

/** The model's state as the database has it, if the model had left open what would happen. */
export function adopt(model: Bank, snapshot: Snapshot): Bank {
  const accounts = new Map<string, Account>();
  for (const stored of snapshot.accounts) {
    const { minor, version, status, profile } = stored;
    if (minor === undefined || version === undefined) continue;
    if (status !== 'open' && status !== 'frozen' && status !== 'closed') continue;
    accounts.set(placeKey(stored), { minor, version, status, profile });
  }
  const applied = new Map(model.applied);
  for (const [id, entry] of snapshot.journal) {
    if (!applied.has(id)) {
      applied.set(id, { ask: askOf(entry), memo: entry.memo, postings: entry.postings });
    }
  }
  for (const id of applied.keys()) if (!snapshot.journal.has(id)) applied.delete(id);
  const refused = new Map([...model.refused].filter(([id]) => !snapshot.journal.has(id)));
  return { accounts, applied, refused };
}

/** What was asked for, inferred from an entry's postings. */
function askOf({ type, postings, reverses = '', label }: StoredEntry): Ask {
  const [first, second] = postings;
  if (first === undefined) throw new Error('an applied operation without postings');
  const at = { branch: first.branch, account: first.account };
  switch (type) {
    case 'open':
      return { type, at, minor: first.minor };
    case 'increment':
      return { type, at, minor: first.minor, create: false };
    case 'transfer': {
      const to = { branch: second?.branch ?? '', account: second?.account ?? '' };
      return { type, from: at, to, minor: -first.minor };
    }
    case 'reverse':
      return { type, reverses };
    case 'label': {
      const { owner, add = [], remove = [] } = label;
      const edit = { add: add.join(), remove: remove.join() };
      return { type, at, owner: owner === null ? '-' : (owner ?? ''), ...edit };
    }
    case 'freeze':
    case 'unfreeze':
    case 'close':
      return { type, at };
    default:
      throw new Error(`the journal has an operation of type ${type}`);
  }
}
