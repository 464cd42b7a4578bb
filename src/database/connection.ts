import { MongoClient, type MongoClientOptions, MongoError } from 'mongodb';
import { BankctlError } from '../core/errors.ts';
import { checkUri } from '../core/uri.ts';
import { withOwnConcerns } from '../core/uri-options.ts';
import { type AnsweredCommand, logCommands } from './command-log.ts';
import { databaseError, invalidUri } from './database-error.ts';

/** How to connect. */
interface ConnectOptions {
  /** Time limit for finding a server, and for each of its answers; milliseconds. */
  readonly timeoutMs: number;
  /** The name in the server's log and in `currentOp`. */
  readonly appName?: string | undefined;
  /** Called with each command when it is answered. */
  readonly onCommand?: ((command: AnsweredCommand) => void) | undefined;
  /** Makes the client emit an event for every command, for those who watch what is sent. */
  readonly monitorCommands?: boolean | undefined;
  /** The maximum of connections, opened as they are needed; 10 by default. */
  readonly maxPoolSize?: number | undefined;
  /** Its abort gives up connecting. */
  readonly interrupted?: AbortSignal | undefined;
}

/**
 * A client that is not connected yet. What it writes is acknowledged by a majority and what it
 * reads has been, so that nothing shown to a user can be rolled back.
 *
 * A session with `snapshot: true` reads no snapshot with this client, since the driver lets the
 * client's read concern win over it, in silence; a transaction or a call that asks for the read
 * concern `snapshot` does.
 *
 * Finding a server, waiting for a connection and waiting for an answer are bounded each. The driver
 * repeats a call once whose connection broke, so a server that falls silent in the middle of a call
 * is reported after at most twice the time. (Version 7.9 of the driver made `timeoutMS`, which
 * bounded all of it together, a deprecated option without effect; `withTransaction` still repeats
 * for up to 120 s, which its caller has to bound.)
 *
 * @throws BankctlError `invalid_uri`
 */
export function createClient(uri: string, options: ConnectOptions): MongoClient {
  const { timeoutMs, appName = 'bankctl', maxPoolSize = 10, onCommand } = options;
  const settings: MongoClientOptions = {
    appName,
    monitorCommands: options.monitorCommands ?? onCommand !== undefined,
    maxPoolSize,
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
    waitQueueTimeoutMS: timeoutMs,
    retryWrites: true,
    retryReads: true,
    // Otherwise it repeats a commit by itself, and hides that the first attempt went unanswered.
    maxAdaptiveRetries: 0,
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority' },
    readPreference: 'primary',
  };
  try {
    const client = new MongoClient(withOwnConcerns(checkUri(uri, 'that was given')).uri, settings);
    if (onCommand) logCommands(client, onCommand);
    return client;
  } catch (error) {
    throw invalidUri(error, uri);
  }
}

/**
 * A connected client, as `createClient` makes it. The caller closes it.
 *
 * @throws BankctlError as `databaseError` says, and `interrupted`
 */
export async function connect(uri: string, options: ConnectOptions): Promise<MongoClient> {
  const client = createClient(uri, options);
  const { interrupted } = options;
  const giveUp = () => void client.close();
  interrupted?.addEventListener('abort', giveUp, { once: true });
  try {
    interrupted?.throwIfAborted();
    return await client.connect();
  } catch (error) {
    await client.close();
    if (interrupted?.aborted === true) {
      throw new BankctlError('interrupted', 'Stopped while connecting to the database.');
    }
    const failure = databaseError(error, { uri, timeoutMs: options.timeoutMs });
    // Until it is connected, the driver can only complain about the connection string.
    throw failure instanceof MongoError ? invalidUri(failure, uri) : failure;
  } finally {
    interrupted?.removeEventListener('abort', giveUp);
  }
}
