import { setTimeout as pause } from 'node:timers/promises';
import { type ClientSession, type Db, type Document, UUID } from 'mongodb';
import { type Config, identityCollection } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { isDuplicate, isServerError } from '../database/driver-errors.ts';
import { createCollection } from './collections.ts';
import { findConflict, renameConflict } from './identity-conflicts.ts';
import {
  type Identity,
  identityDocuments,
  identityId,
  type OwnedBranch,
  parseIdentity,
  readIdentity,
  toStoredBranch,
} from './identity-document.ts';
import { findUnused, forgetUnused } from './unused-branches.ts';

/** How a bank checks and claims the identity of its database. */
export interface BankIdentity {
  /** Undefined for a database that no command has claimed yet. */
  readonly databaseId: string | undefined;
  /** Branches that the database has and the config leaves out. */
  readonly leftOut: readonly string[];
  /** Of `leftOut` those in which nothing ever was: `forgetUnused` would take them out. */
  readonly unused: () => Promise<readonly string[]>;
  /**
   * Takes the branches out of the identity that the config leaves out and in which nothing ever
   * was. Their collections stay.
   * @returns their names
   */
  readonly forgetUnused: () => Promise<readonly string[]>;
  /** The collections of the branches that the database has, whatever the config says. */
  readonly collections: readonly string[];
  /**
   * True if the database has neither an identity nor any collection that the config names, as after
   * a typo in its name. Asks the server only if there was no identity.
   */
  readonly isAbsent: () => Promise<boolean>;
  /** True if nothing is left to claim: the next `claim` sends nothing. */
  readonly isClaimed: () => boolean;
  /**
   * Checks whether this config may claim what it names; writes nothing.
   * @throws `config_mismatch`, `bad_identity`
   */
  readonly checkClaim: (session?: ClientSession) => Promise<void>;
  /**
   * Like `checkClaim`, but also creates the collection of the identity, which a transaction over
   * several shards cannot.
   */
  readonly prepare: () => Promise<void>;
  /**
   * Writes the identity, or the branches it lacks, before the first write of a bank. In a
   * transaction it takes effect with the operations, or not at all; of two first commands with
   * different configs, one wins.
   * @throws `config_mismatch`, `bad_identity`
   */
  readonly claim: (session?: ClientSession) => Promise<void>;
  /**
   * Makes the identity what the config says, unless documents contradict it.
   * @returns what is changed, one clause per change
   * @throws `config_mismatch`, naming what contradicts
   */
  readonly rename: (options: { readonly dryRun: boolean }) => Promise<readonly string[]>;
}

/** @throws `config_mismatch` if config and database contradict each other, naming both values */
export function refuseMismatch(config: Config, identity: Identity): void {
  const found = findMismatches(config, identity);
  if (found.length === 0) return;
  const more = found.length > shownMismatches ? ` and ${found.length - shownMismatches} more` : '';
  throw new BankctlError(
    'config_mismatch',
    `The config${config.source === undefined ? '' : ` ${config.source}`} contradicts the ` +
      `database ${config.database}: ${found.slice(0, shownMismatches).join('; ')}${more}.`,
  );
}

const shownMismatches = 3;

/** Checks and claims a database's identity, given what was read of it when the bank was opened. */
export function createIdentity(db: Db, config: Config, known: Identity | undefined): BankIdentity {
  const names = new Set(config.branches.map(({ name }) => name));
  const leftOut = (known?.branches ?? []).filter(({ name }) => !names.has(name));
  const journal = known?.journal ?? false;
  // An identity loses only what is empty, so one that was seen to cover the config continues to.
  let claimed = known !== undefined && unclaimedBranches(config, known).length === 0;
  const look = async (session: ClientSession | undefined) => {
    const found = await readIdentity(db, session);
    if (found) refuseMismatch(config, found);
    const branches = unclaimedBranches(config, found);
    if (found && branches.length === 0) claimed = true;
    else await refuseConflict(findConflict(db, config, { branches, known: found }, session));
    return { found, branches };
  };
  return {
    databaseId: known?.databaseId,
    leftOut: leftOut.map(({ name }) => name),
    unused: async () => (await findUnused(db, journal, leftOut)).map(({ name }) => name),
    forgetUnused: async () => (await forgetUnused(db, journal, leftOut)).map(({ name }) => name),
    collections: (known?.branches ?? []).map(({ collection }) => collection),
    isAbsent: async () => known === undefined && !claimed && !(await hasCollections(db, config)),
    isClaimed: () => claimed,
    checkClaim: async (session) => {
      if (!claimed) await look(session);
    },
    claim: async (session) => {
      for (let round = 0; !claimed; round += 1) {
        const { found, branches } = await look(session);
        if (claimed || (await write(db, config, { found, branches }, session))) return;
        // A contradiction that a majority has not confirmed yet is refused, but not shown.
        if (round === maxRounds) throw claimedByOthers(db);
        await pause(roundMs);
      }
    },
    prepare: async () => {
      if (claimed) return;
      const { found } = await look(undefined);
      if (!found) await createCollection(db, identityCollection);
    },
    rename: ({ dryRun }) => rename(db, config, dryRun),
  };
}

/** Also true if the user may not list them: then nothing is known. */
async function hasCollections(db: Db, { journal, branches }: Config): Promise<boolean> {
  const names = [...branches.map(({ collection }) => collection), ...(journal ? [journal] : [])];
  const filter = { name: { $in: names } };
  try {
    return (await db.listCollections(filter, { nameOnly: true }).toArray()).length > 0;
  } catch (error) {
    if (isServerError(error, 'unauthorized')) return true;
    throw error;
  }
}

const maxRounds = 20;
const roundMs = 50;

function claimedByOthers(db: Db): BankctlError {
  return new BankctlError(
    'timed_out',
    `Another command is writing the identity of the database ${db.databaseName}.`,
    'Nothing was applied; try again.',
  );
}

async function refuseConflict(conflict: Promise<string | undefined>): Promise<void> {
  const found = await conflict;
  if (found !== undefined) throw new BankctlError('config_mismatch', found);
}

/** False if another command came first, outside a transaction; inside one, that is a conflict. */
async function write(
  db: Db,
  config: Config,
  { found, branches }: { readonly found: Identity | undefined; readonly branches: Branches },
  session: ClientSession | undefined,
): Promise<boolean> {
  const options = session ? { session } : {};
  const owned = branches.map(ownedBranch).map(toStoredBranch);
  try {
    if (!found) {
      await identityDocuments(db).insertOne(
        { ...freshDocument(config.journal), branches: owned },
        options,
      );
      return true;
    }
    const filter = { _id: identityId, 'branches.branch': { $nin: owned.map((it) => it.branch) } };
    const push = { $push: { branches: { $each: owned } } };
    return (await identityDocuments(db).updateOne(filter, push, options)).modifiedCount === 1;
  } catch (error) {
    if (session || !isDuplicate(error)) throw error;
    return false;
  }
}

/**
 * Replaces the identity only as it was read, so that of two simultaneous changes only one is made.
 */
async function rename(db: Db, config: Config, dryRun: boolean): Promise<readonly string[]> {
  const before = await identityDocuments(db).findOne({ _id: identityId });
  if (!before) return [];
  const known = tryParse(before, db.databaseName);
  const changes = known ? findMismatches(config, known) : ['the identity could not be read'];
  if (changes.length === 0) return [];
  await refuseConflict(renameConflict(db, config, known));
  if (dryRun) return changes;
  const collections = new Set(config.branches.map(({ collection }) => collection));
  const names = new Set(config.branches.map(({ name }) => name));
  const kept = (known?.branches ?? []).filter(
    ({ name, collection }) => !names.has(name) && !collections.has(collection),
  );
  const { _id: _, ...fresh } = freshDocument(config.journal);
  const { matchedCount } = await identityDocuments(db).updateOne(
    { ...before },
    {
      $set: {
        ...fresh,
        ...(known && { database_id: known.databaseId }),
        branches: [...config.branches.map(ownedBranch), ...kept].map(toStoredBranch),
      },
    },
  );
  if (matchedCount === 1) return changes;
  throw new BankctlError(
    'config_mismatch',
    `The identity of the database ${db.databaseName} was changed by another command meanwhile.`,
    'Repeat the command, and look at what it says.',
  );
}

function tryParse(document: Document, database: string): Identity | undefined {
  try {
    return parseIdentity(document, database);
  } catch {
    return undefined;
  }
}

function freshDocument(journal: string | false) {
  return { _id: identityId, database_id: new UUID().toHexString(), journal };
}

type Branches = Config['branches'];

/** The branches of the config that the identity does not have yet. */
function unclaimedBranches(config: Config, identity: Identity | undefined): Branches {
  const known = new Set(identity?.branches.map(({ name }) => name));
  return config.branches.filter(({ name }) => !known.has(name));
}

function ownedBranch({ name, collection, currency }: Branches[number]): OwnedBranch {
  return { name, collection, currency: currency.code };
}

/** Every contradiction, as clauses of a sentence that name both values. */
function findMismatches(config: Config, identity: Identity): readonly string[] {
  const found: string[] = [];
  const differs = (what: string, wanted: string | false, known: string | false) => {
    if (wanted === known) return;
    found.push(
      `${what} is ${showValue(wanted)} in the config and ${showValue(known)} in the database`,
    );
  };
  differs('the journal', config.journal, identity.journal);
  const byName = new Map(identity.branches.map((branch) => [branch.name, branch]));
  const byCollection = new Map(identity.branches.map((branch) => [branch.collection, branch]));
  for (const { name, collection, currency } of config.branches) {
    const known = byName.get(name);
    const owner = byCollection.get(collection);
    if (known) {
      differs(`the collection of ${name}`, collection, known.collection);
      differs(`the currency of ${name}`, currency.code, known.currency);
    } else if (owner) {
      differs(`the branch of the collection ${quote(collection)}`, name, owner.name);
    } else if (collection === identity.journal) {
      found.push(`${quote(collection)} is the collection of ${name} in the config and the journal`);
    }
  }
  return found;
}

function showValue(value: string | false): string {
  return value === false ? 'false' : quote(value);
}
