import {
  type CommandFailedEvent,
  type CommandStartedEvent,
  type CommandSucceededEvent,
  Decimal128,
  type Document,
  type MongoClient,
} from 'mongodb';

/** A write, as the driver's command monitoring saw it leave and be answered. */
export interface ObservedWrite {
  /** From 0. */
  readonly worker: number;
  readonly collection: string;
  /** Documents that it matched; undefined where no answer came, or the server refused it. */
  matched: number | undefined;
}

/** A command, as the bare driver can issue it again. */
export type IssuedCommand =
  | { readonly command: 'createIndexes'; readonly collection: string }
  | {
      readonly command: 'update';
      readonly collection: string;
      readonly filter: Document;
      readonly update: Document;
    };

/**
 * Watches every command that the models send.
 *
 * A write is told to be a worker's by the amount that it carries, which is another for each
 * worker, and to be of this schedule by the account number, which is another for each schedule.
 * So it is attributed by what the server was really sent, whoever ran when it left, even when a
 * step that was blocked goes on during the step of another.
 *
 * Source: MongoDB specification "Command Logging and Monitoring": the event of a command is
 * published before it is sent, and names the namespace that it is sent to.
 */
export class CommandWatch {
  readonly #database: string;
  readonly #workers: ReadonlyMap<number, number>;
  readonly #underWay = new Map<number, ObservedWrite>();
  #account = '';
  #writes: ObservedWrite[] = [];
  #unattributed = 0;
  #listener: ((command: IssuedCommand, worker: number | undefined) => void) | undefined;

  /**
   * @param client made with `monitorCommands: true`
   * @param amounts of each worker, minor units, all different
   */
  constructor(client: MongoClient, database: string, amounts: readonly bigint[]) {
    this.#database = database;
    this.#workers = new Map(amounts.map((amount, worker) => [Number(amount), worker]));
    client.on('commandStarted', (event) => this.#started(event));
    client.on('commandSucceeded', (event) => this.#succeeded(event));
    client.on('commandFailed', (event) => this.#failed(event));
  }

  /** Writes that fit no worker of the schedule under way; 0 in a sound run. */
  get unattributed(): number {
    return this.#unattributed;
  }

  /** A new schedule begins, with this account. Its writes are gathered in the list returned. */
  begin(account: string): readonly ObservedWrite[] {
    this.#account = account;
    this.#writes = [];
    return this.#writes;
  }

  /** Calls a listener at each command, until it is called without one. */
  listen(listener?: (command: IssuedCommand, worker: number | undefined) => void): void {
    this.#listener = listener;
  }

  #started(event: CommandStartedEvent): void {
    if (event.databaseName !== this.#database) return;
    const { command, commandName } = event;
    if (commandName === 'createIndexes') {
      this.#listener?.({ command: commandName, collection: command['createIndexes'] }, undefined);
    }
    if (commandName !== 'update') return;
    const [statement] = command['updates'] ?? [];
    const worker = this.#workers.get(coefficientOf(statement?.u?.$inc?.balance));
    if (worker === undefined || statement.q?.account_number !== this.#account) {
      this.#unattributed += 1;
      return;
    }
    const write = { worker, collection: command['update'], matched: undefined };
    this.#writes.push(write);
    this.#underWay.set(event.requestId, write);
    const { q: filter, u: update } = statement;
    this.#listener?.(
      { command: commandName, collection: write.collection, filter, update },
      worker,
    );
  }

  #succeeded(event: CommandSucceededEvent): void {
    const write = this.#underWay.get(event.requestId);
    if (!write) return;
    this.#underWay.delete(event.requestId);
    write.matched = matchedBy(event.reply);
  }

  #failed(event: CommandFailedEvent): void {
    this.#underWay.delete(event.requestId);
  }
}

/** The `n` of an update's reply, where the server took every statement of it. */
function matchedBy(reply: unknown): number | undefined {
  if (typeof reply !== 'object' || reply === null) return undefined;
  if (!('n' in reply) || 'writeErrors' in reply) return undefined;
  return typeof reply.n === 'number' ? reply.n : undefined;
}

/**
 * The coefficient of a small decimal: the amount in minor units, as models write it. Printing and
 * parsing it would cost more than everything else that is done about a command here.
 *
 * Source: BSON specification, Decimal128: the coefficient's lowest byte comes first.
 */
function coefficientOf(value: unknown): number {
  if (!(value instanceof Decimal128)) return Number.NaN;
  const [first = 0, second = 0, third = 0, fourth = 0] = value.bytes;
  return first + (second << 8) + (third << 16) + fourth * 2 ** 24;
}
