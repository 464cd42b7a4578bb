import type { CommandFailedEvent, CommandSucceededEvent, MongoClient } from 'mongodb';

/** A command to the server, as it was answered; without any value that it carried. */
export interface AnsweredCommand {
  readonly command: string;
  readonly database: string;
  /** Null if it is about no collection. */
  readonly collection: string | null;
  /** How many were returned, or matched by a write; null if it is not about documents. */
  readonly documents: number | null;
  /** From sending it to the whole answer. */
  readonly ms: number;
  /** The name of the error; null if there is none. */
  readonly failed: string | null;
}

/**
 * Calls a listener with each command that a client sends, when it is answered.
 *
 * @param client made with `monitorCommands: true`
 * Source: MongoDB's "Command Logging and Monitoring" specification. The driver leaves out what
 * authentication carries; this leaves out all that any other command does.
 */
export function logCommands(
  client: MongoClient,
  listener: (command: AnsweredCommand) => void,
): void {
  const collections = new Map<number, string | null>();
  client.on('commandStarted', ({ requestId, command, commandName }) => {
    const named: unknown = commandName === 'getMore' ? command['collection'] : command[commandName];
    collections.set(requestId, typeof named === 'string' ? named : null);
  });
  const answered = (event: CommandSucceededEvent | CommandFailedEvent) => {
    const collection = collections.get(event.requestId) ?? null;
    collections.delete(event.requestId);
    const { commandName: command, databaseName: database, duration: ms } = event;
    const reply: Reply = Object('reply' in event ? event.reply : {});
    const documents = documentsOf(reply);
    const failed = 'failure' in event ? errorName(event.failure) : writeError(reply);
    listener({ command, database, collection, documents, ms, failed });
  };
  client.on('commandSucceeded', answered);
  client.on('commandFailed', answered);
}

/** What a reply may have. */
interface Reply {
  readonly n?: unknown;
  readonly cursor?: { readonly firstBatch?: unknown; readonly nextBatch?: unknown };
  readonly writeErrors?: unknown;
}

function documentsOf({ n, cursor }: Reply): number | null {
  const batch = cursor?.firstBatch ?? cursor?.nextBatch;
  if (Array.isArray(batch)) return batch.length;
  return typeof n === 'number' ? n : null;
}

function writeError({ writeErrors }: Reply): string | null {
  const [first] = Array.isArray(writeErrors) ? writeErrors : [];
  return first === undefined ? null : errorName(first);
}

/** Its message may quote a document. */
function errorName(error: unknown): string {
  const { codeName, code, name } = Object(error);
  if (typeof codeName === 'string') return codeName;
  return typeof code === 'number' ? `error ${code}` : String(name ?? 'an error');
}
