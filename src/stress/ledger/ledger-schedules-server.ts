import type { MongoClient } from 'mongodb';
import type { Context } from '../../context.ts';
import { connect } from '../../database/connect.ts';
import type { BinaryHost } from '../../database/mongod-binary.ts';
import { startThrowaway } from '../../database/throwaway.ts';
import { refuseNamedDatabase, throwawayName } from '../load/load-database.ts';

/** A replica set, and a made-up database on it. */
export interface LedgerServer {
  readonly client: MongoClient;
  readonly database: string;
  /** Drops the database, and ends the server where it is a throwaway. */
  readonly end: () => Promise<void>;
}

/**
 * Opens a server for the schedules of the ledger: a throwaway replica set of one, or a made-up
 * database on the deployment that was given.
 *
 * @throws `not_ours` for a URI that names a database, and what starting or connecting can fail with
 */
export async function openLedgerServer(
  uri: string | undefined,
  host: BinaryHost & Pick<Context, 'freshId'> & { readonly timeoutMs: number },
): Promise<LedgerServer> {
  const options = { timeoutMs: host.timeoutMs, interrupted: host.interrupted };
  const throwaway = uri === undefined ? await startThrowaway(host) : undefined;
  try {
    const client = await connect(uri ?? throwaway?.uri ?? '', options);
    if (uri !== undefined) refuseNamedDatabase(client);
    const database = throwawayName(host, 'ledger');
    const end = async () => {
      await client
        .db(database)
        .dropDatabase()
        .catch(() => undefined);
      await client.close();
      await throwaway?.stop();
    };
    return { client, database, end };
  } catch (error) {
    await throwaway?.stop();
    throw error;
  }
}
