import type { ClientSession, Document, MongoClient } from 'mongodb';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { endAbandoned } from './abandoned-transactions.ts';
import { type BankScan, createScan } from './bank-scan.ts';
import { type BatchFiles, createBatchFiles } from './batch-files.ts';
import { type Branches, createBranches } from './branch.ts';
import { type Changes, createChanges } from './changes.ts';
import { type Commits, createCommits } from './commits.ts';
import { runWithin } from './deadline.ts';
import { type BankIdentity, createIdentity, refuseMismatch } from './identity.ts';
import { readIdentity, readIdentityOfSet } from './identity-document.ts';
import { createJournal, type Journal } from './journal.ts';

/** A bank that is open for work: its models, made once, and the connection they share. */
export interface Bank {
  readonly config: Config;
  /** The database's record of itself, and how the first write creates it. */
  readonly identity: BankIdentity;
  readonly branches: Branches;
  /** Undefined if the config says `journal: false`. */
  readonly journal: Journal | undefined;
  /** What the server recorded of every write, whoever wrote it. */
  readonly changes: Changes;
  /** How `audit` reads the database, whoever wrote it. */
  readonly scan: BankScan;
  /** Which rows were given under which `--batch` names; undefined without a journal. */
  readonly batchFiles: BatchFiles | undefined;
  /** The bound on a whole operation: the driver's own retries go on for 120 s. */
  readonly timeoutMs: number;
  /** A random share from 0 to 1, for pauses that keep rivals apart. */
  readonly draw: () => number;
  /** The writes under way: see `Commits`. */
  readonly commits: Commits;
  /** The server's time. */
  readonly serverTime: () => Promise<Date>;
  /** Ends transactions that killed clients left open, see `endAbandoned`. */
  readonly endAbandoned: () => Promise<void>;
  /** A session that the caller ends. */
  readonly startSession: (options?: { readonly snapshot: boolean }) => ClientSession;
  /** Runs work in a session that ends with it, which aborts what it left open. */
  readonly inSession: <T>(
    work: (session: ClientSession) => Promise<T>,
    options?: { readonly snapshot: boolean },
  ) => Promise<T>;
}

/** How a bank is opened. */
interface OpenOptions extends Pick<Bank, 'timeoutMs' | 'draw'> {
  /** The caller is about to change the identity, so a contradiction is not an error. */
  readonly rename?: boolean;
}

/**
 * Makes the models of a bank on a connected client.
 * @throws `no_transactions` if the bank has a journal and the server is a standalone;
 *   `not_initiated`; `config_mismatch` if the database says that something else belongs to a branch
 */
export async function openBank(
  client: MongoClient,
  config: Config,
  { timeoutMs, draw, rename = false }: OpenOptions,
): Promise<Bank> {
  const db = client.db(config.database);
  const hello = () => runWithin(timeoutMs, () => db.command({ hello: 1 }));
  const ofSet = rename ? undefined : await runWithin(timeoutMs, () => readIdentityOfSet(db));
  if (!ofSet) checkServer(await hello(), client, config);
  const known =
    ofSet || rename ? ofSet?.identity : await runWithin(timeoutMs, () => readIdentity(db));
  if (known) refuseMismatch(config, known);
  return Object.freeze({
    config,
    identity: createIdentity(db, config, known),
    branches: createBranches(db, config),
    journal: config.journal === false ? undefined : createJournal(db, config.journal),
    changes: createChanges(db, config),
    scan: createScan(db, config),
    batchFiles: config.journal === false ? undefined : createBatchFiles(db, config.journal),
    timeoutMs,
    draw,
    commits: createCommits(),
    serverTime: async () => (await hello())['localTime'],
    endAbandoned: () => endAbandoned(client),
    startSession: (options) => client.startSession(options),
    inSession: (work, options) => client.withSession({ ...options }, work),
  } satisfies Bank);
}

/**
 * Makes what is missing of all collections, with their indexes and validators; repeatable.
 * @throws `config_mismatch`, and as `prepareCollection` does
 */
export async function prepareBank({ identity, journal, branches }: Bank): Promise<void> {
  await identity.checkClaim();
  await journal?.prepare();
  for (const branch of branches) await branch.prepare();
}

/** @throws `not_initiated`, `no_transactions` */
function checkServer(hello: Document, client: MongoClient, config: Config): void {
  const hosts = client.options.hosts.join(', ');
  if (hello['isreplicaset'] === true) {
    throw new BankctlError(
      'not_initiated',
      `The server at ${hosts} has no replica set config: ` +
        'rs.initiate() was never run, or the set no longer has it as a member.',
    );
  }
  if (config.journal !== false && !hasTransactions(hello)) {
    throw new BankctlError(
      'no_transactions',
      `The server at ${hosts} is a standalone, which has no transactions.`,
    );
  }
}

/** A member of a replica set names its set; a router of a sharded cluster identifies itself. */
function hasTransactions(hello: Document): boolean {
  return typeof hello['setName'] === 'string' || hello['msg'] === 'isdbgrid';
}
