import type { MongoClient } from 'mongodb';
import type { Context } from '../../core/context.ts';
import type { BinaryHost } from '../../database/mongod/mongod-binary.ts';
import { throwawayName, withStressServer, withThrowawayDatabase } from '../setup/server.ts';

/** A replica set, and the made-up name of a database on it. */
interface LedgerPlace {
  readonly client: MongoClient;
  readonly database: string;
}

/**
 * Explores the schedules of the ledger on a throwaway replica set of one, or in a database with a
 * made-up name on the given deployment. Nothing of it is left when it returns or throws.
 *
 * @throws as `withStressServer` and `withThrowawayDatabase`
 */
export async function withLedgerServer<Result>(
  uri: string | undefined,
  host: BinaryHost & Pick<Context, 'freshId'> & { readonly timeoutMs: number },
  work: (place: LedgerPlace) => Promise<Result>,
): Promise<Result> {
  return withStressServer({ uri, timeoutMs: host.timeoutMs, replicas: 1 }, host, (server) => {
    const place = { client: server.client, database: throwawayName(host, 'ledger') };
    return withThrowawayDatabase(server, { name: place.database, keep: false }, () => work(place));
  });
}
