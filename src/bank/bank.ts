import type { ClientSession, Db, MongoClient } from 'mongodb';
import type { Config } from '../config/config.ts';
import { type Branches, createBranches } from './branches.ts';
import { createJournal, type Journal } from './journal.ts';

/** A bank that is open for work: its models, made once, and the connection they share. */
export interface Bank {
  readonly config: Config;
  readonly branches: Branches;
  /** Undefined where the config says `journal: false`. */
  readonly journal: Journal | undefined;
  /** Bound on a whole operation, milliseconds; the driver's own retries go on for 120 s. */
  readonly timeoutMs: number;
  /** The server's time. */
  readonly serverTime: () => Promise<Date>;
  /** A session that the caller ends. */
  readonly startSession: (options?: { readonly snapshot: boolean }) => ClientSession;
  /** Runs work in a session, and ends the session, which aborts what it left open. */
  readonly inSession: <T>(
    work: (session: ClientSession) => Promise<T>,
    options?: { readonly snapshot: boolean },
  ) => Promise<T>;
}

/** Makes the models of a bank on a connected client. Sends nothing. */
export function openBank(client: MongoClient, config: Config, timeoutMs: number): Bank {
  const db: Db = client.db(config.database);
  return Object.freeze({
    config,
    branches: createBranches(db, config),
    journal: config.journal === false ? undefined : createJournal(db, config.journal),
    timeoutMs,
    serverTime: async () => {
      const hello = await db.command({ hello: 1 });
      return hello['localTime'];
    },
    startSession: (options) => client.startSession(options),
    inSession: (work, options) => client.withSession({ ...options }, work),
  } satisfies Bank);
}
