import type { MongoClient } from 'mongodb';
import { endAbandoned } from '../../bank/abandoned-transactions.ts';
import type { Context } from '../../core/context.ts';
import { connect } from '../../database/connect.ts';
import { databaseError } from '../../database/database-error.ts';
import type { BinaryHost } from '../../database/mongod/mongod-binary.ts';
import { startThrowaway } from '../../database/throwaway.ts';
import {
  explainPermission,
  inThrowaway,
  refuseNamedDatabase,
  refuseUnpermitted,
  throwawayName,
} from '../load/load-database.ts';

/** A replica set, and a made-up database on it. */
interface LedgerPlace {
  readonly client: MongoClient;
  readonly database: string;
}

/**
 * Explores the schedules of the ledger on a throwaway replica set of one, or in a made-up database
 * on the deployment that was given. Nothing of it is left when it returns or throws.
 *
 * @throws `not_ours` for a URI that names a database, `not_permitted`, `LeftBehind`, and what
 *   starting, connecting and the work can fail with
 */
export async function onLedgerServer<Result>(
  uri: string | undefined,
  host: BinaryHost & Pick<Context, 'freshId'> & { readonly timeoutMs: number },
  work: (place: LedgerPlace) => Promise<Result>,
): Promise<Result> {
  const { timeoutMs, interrupted } = host;
  const throwaway = uri === undefined ? await startThrowaway(host) : undefined;
  const address = uri ?? throwaway?.uri ?? '';
  let client: MongoClient | undefined;
  try {
    client = await connect(address, { timeoutMs, interrupted });
    if (throwaway === undefined) {
      refuseNamedDatabase(client);
      await refuseUnpermitted(client);
    }
    const place = { client, database: throwawayName(host, 'ledger') };
    // A throwaway server is gone with all that it has.
    const keep = throwaway !== undefined;
    return await inThrowaway({ client, name: place.database, keep }, () =>
      work(place).finally(() => (keep ? undefined : endAbandoned(place.client))),
    );
  } catch (error) {
    throw explainPermission(databaseError(error, { uri: address, timeoutMs }));
  } finally {
    await client?.close();
    await throwaway?.stop();
  }
}
