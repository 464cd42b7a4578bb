import type { ClientSession, Db, Document } from 'mongodb';
import type { BranchConfig, Config } from '../config/config.ts';
import { quote } from '../core/text.ts';
import type { Identity } from './identity-document.ts';

/** What is about to be claimed: the branches that the identity, if any, lacks. */
export interface Claim {
  readonly branches: readonly BranchConfig[];
  readonly known: Identity | undefined;
}

/**
 * A sentence about stored documents that contradict a claim, as in a database of an earlier
 * version. A single misplaced document among a branch's own is damage, not a contradiction.
 */
export async function findConflict(
  db: Db,
  config: Config,
  { branches, known }: Claim,
  session: ClientSession | undefined,
): Promise<string | undefined> {
  // Listed outside the session: a transaction cannot list collections, and a missing one has no
  // documents.
  const present = await collectionNames(db);
  const look = new Look(db, session);
  let holder: BranchConfig | undefined;
  for (const branch of branches.filter(({ collection }) => present.has(collection))) {
    if (await look.own(branch)) {
      holder ??= branch;
      continue;
    }
    const foreign = await look.foreign(branch);
    if (foreign) return describeForeign(branch, foreign);
  }
  if (known || !holder) return undefined;
  if (config.journal !== false) {
    return (await look.posting(config.journal, holder.name))
      ? undefined
      : describeUnposted(config, holder);
  }
  return present.has(defaultJournal) && (await look.posting(defaultJournal, holder.name))
    ? `The config has journal: false, but ${defaultJournal} has postings of ${holder.name}.`
    : undefined;
}

/** A sentence about stored documents, however few, that contradict a change of the identity. */
export async function renameConflict(
  db: Db,
  config: Config,
  known: Identity | undefined,
): Promise<string | undefined> {
  const look = new Look(db, undefined);
  const { currencyDigits } = await import('../config/currencies.ts');
  const owners = new Map(known?.branches.map((branch) => [branch.name, branch]));
  for (const branch of config.branches) {
    const foreign = await look.foreign(branch);
    if (foreign) return describeForeign(branch, foreign);
    const before = owners.get(branch.name);
    const own = await look.own(branch);
    if (own && config.journal !== false && !(await look.posting(config.journal, branch.name))) {
      return describeUnposted(config, branch);
    }
    if (!before) continue;
    const moved = before.collection !== branch.collection;
    if (moved && (await look.own({ ...branch, collection: before.collection }))) {
      return `The collection ${before.collection} still holds accounts of ${branch.name}.`;
    }
    const digits = currencyDigits(before.currency);
    if (own && before.currency !== branch.currency.code && digits !== branch.currency.digits) {
      return (
        `${branch.name} has accounts in ${before.currency}, and ${branch.currency.code} has ` +
        'another number of digits.'
      );
    }
  }
  return known && journalConflict(look, config, known);
}

/** What the old journal says remains true, so neither it nor any branch in it may be dropped. */
async function journalConflict(
  look: Look,
  config: Config,
  known: Identity,
): Promise<string | undefined> {
  if (known.journal === false) return undefined;
  if (known.journal !== config.journal) {
    return (await look.posting(known.journal))
      ? `The collection ${known.journal} still holds the postings of the bank.`
      : undefined;
  }
  const names = new Set(config.branches.map(({ name }) => name));
  const collections = new Set(config.branches.map(({ collection }) => collection));
  for (const { name, collection } of known.branches) {
    if (names.has(name) || !collections.has(collection)) continue;
    if (await look.posting(known.journal, name)) {
      return `The journal ${known.journal} has postings of ${name}.`;
    }
  }
  return undefined;
}

/** The journal of a config that does not name one. */
const defaultJournal = 'journal';

/** What other programs have in a field `branch` is no stamp: only bankctl counts postings too. */
const written = { version: { $type: 'long' } };

/** The documents that would reveal a contradiction. */
class Look {
  readonly #db: Db;
  readonly #options: { readonly session?: ClientSession; readonly projection: Document };

  constructor(db: Db, session: ClientSession | undefined) {
    this.#db = db;
    this.#options = { projection: { branch: 1 }, ...(session && { session }) };
  }

  /** An account of the branch in its collection. */
  own({ name, collection }: Pick<BranchConfig, 'name' | 'collection'>): Promise<Document | null> {
    return this.#db.collection(collection).findOne({ branch: name, ...written }, this.#options);
  }

  /** A document in its collection that is stamped for another branch. */
  foreign({ name, collection }: BranchConfig): Promise<Document | null> {
    const filter = { branch: { $nin: [name, null] }, ...written };
    return this.#db.collection(collection).findOne(filter, this.#options);
  }

  /** A posting in the journal, of one branch or of any. */
  posting(journal: string, branch?: string): Promise<Document | null> {
    const filter =
      branch === undefined ? { postings: { $exists: true } } : { 'postings.branch': branch };
    return this.#db
      .collection(journal)
      .findOne(filter, { ...this.#options, projection: { _id: 1 } });
  }
}

async function collectionNames(db: Db): Promise<ReadonlySet<string>> {
  const options = { nameOnly: true, authorizedCollections: true };
  const found = await db.listCollections({}, options).toArray();
  return new Set(found.map(({ name }) => name));
}

function describeForeign({ name, collection }: BranchConfig, foreign: Document): string {
  const stamp = typeof foreign['branch'] === 'string' ? quote(foreign['branch']) : 'no text';
  return (
    `The config gives ${name} the collection ${collection}, but its documents are stamped for ` +
    `another branch: ${stamp}.`
  );
}

function describeUnposted({ journal }: Config, { name, collection }: BranchConfig): string {
  return (
    `The config names the journal ${String(journal)}, which has no posting of ${name}, but the ` +
    `collection ${collection} holds its accounts.`
  );
}
