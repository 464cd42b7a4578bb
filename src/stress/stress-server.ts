import type { MongoClient } from 'mongodb';
import { connect } from '../database/connect.ts';
import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import { refuseNamedDatabase, refuseUnpermitted } from './load/load-database.ts';

/** The server of a run: a throwaway one, or the one that the user named. */
export interface StressServer {
  readonly uri: string;
  /** For everything but the load: it is not monitored. */
  readonly client: MongoClient;
  /** Of its mongod, as `6.0.5`. */
  readonly version: string;
  /** Closes the client, and ends what was started. */
  readonly end: () => Promise<void>;
}

/**
 * Opens the server of a run. Without a URI it is a standalone that is gone after `end`.
 *
 * @throws `not_ours` for a URI that names a database, `not_permitted`, `interrupted`, and what
 *   finding a mongod or connecting can fail with
 */
export async function openStressServer(
  { uri, timeoutMs }: { readonly uri: string | undefined; readonly timeoutMs: number },
  host: BinaryHost,
): Promise<StressServer> {
  const options = { timeoutMs, interrupted: host.interrupted };
  if (uri !== undefined) {
    const client = await connect(uri, options);
    const end = () => client.close();
    try {
      refuseNamedDatabase(client);
      await refuseUnpermitted(client);
      return { uri, client, version: await versionOf(client), end };
    } catch (error) {
      await end();
      throw error;
    }
  }
  const { startThrowaway } = await import('../database/throwaway.ts');
  const server = await startThrowaway(host, { replicas: 0 });
  try {
    const client = await connect(server.uri, options);
    const end = async () => {
      await client.close();
      await server.stop();
    };
    return { uri: server.uri, client, version: server.version, end };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function versionOf(client: MongoClient): Promise<string> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  return String(version);
}
