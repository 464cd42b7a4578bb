import {
  type CommandFailedEvent,
  type CommandStartedEvent,
  type CommandSucceededEvent,
  Decimal128,
  type Document,
  type MongoClient,
} from 'mongodb';
import { elsewhere, nowhere } from '../check/increment.ts';
import type { Plan, PlannedIncrement } from '../plan/increments.ts';

/** A write, as command monitoring saw it sent and answered. */
export interface ObservedWrite {
  /** From 0. */
  readonly worker: number;
  readonly amountMinor: number;
  readonly collection: string;
  /** Documents that it matched; undefined if no answer came, or the server refused it. */
  matched: number | undefined;
}

/** A command, in a form that the bare driver can issue again. */
export type IssuedCommand =
  | { readonly command: 'createIndexes'; readonly collection: string }
  | {
      readonly command: 'update';
      readonly collection: string;
      readonly filter: Document;
      readonly update: Document;
    };

/** Called with each command as it is sent, and with the write that a worker makes with it. */
export type CommandListener = (command: IssuedCommand, write: ObservedWrite | undefined) => void;

/** The increment that a worker has under way. */
interface UnderWay {
  amountMinor: number;
  account: string | undefined;
  write: ObservedWrite | undefined;
}

/**
 * Observes where the writes of a client are really sent: the namespace of the command is what
 * counts, not what the model believes it wrote to.
 *
 * A command is attributed by the amount it carries. An amount belongs to one worker alone, and a
 * worker has one increment under way. That holds whatever connection carries the command, in
 * whatever order commands leave, and for a command that the driver sends a second time (it carries
 * the same amount to the same namespace). It requires nothing of the model and does not rely on how
 * the driver keeps its asynchronous context, and it costs one map look-up less than
 * AsyncLocalStorage would. Any command that does not fit is counted, and one is enough to make the
 * run `undecided`.
 *
 * Source: MongoDB's "Command Logging and Monitoring" specification: the event of a command is
 * published before it is written to the socket, and names the namespace that it is sent to.
 */
export class CommandMonitor {
  readonly #database: string;
  readonly #workerOf: (amountMinor: number) => number | undefined;
  readonly #underWay = new Map<number, UnderWay>();
  /** By the request's id. */
  readonly #unanswered = new Map<number, ObservedWrite>();
  #unattributed = 0;
  #listener: CommandListener | undefined;

  /**
   * @param client made with `monitorCommands: true`
   * @param workerOf the worker that alone writes such an amount, minor units
   */
  constructor(
    client: MongoClient,
    database: string,
    workerOf: (amountMinor: number) => number | undefined,
  ) {
    this.#database = database;
    this.#workerOf = workerOf;
    client.on('commandStarted', (event) => this.#started(event));
    client.on('commandSucceeded', (event) => this.#succeeded(event));
    client.on('commandFailed', (event) => this.#failed(event));
  }

  /** Commands that fit no increment under way; 0 in a trustworthy run. */
  get unattributed(): number {
    return this.#unattributed;
  }

  /**
   * A worker begins an increment.
   *
   * @param account the account's number; omitted if amounts alone distinguish increments
   */
  begin(worker: number, amountMinor: number, account?: string): void {
    const increment = this.#underWay.get(worker);
    if (increment) {
      increment.amountMinor = amountMinor;
      increment.account = account;
      increment.write = undefined;
    } else {
      this.#underWay.set(worker, { amountMinor, account, write: undefined });
    }
  }

  /** The write of a worker's latest increment; undefined if it has sent none. */
  writeOf(worker: number): ObservedWrite | undefined {
    return this.#underWay.get(worker)?.write;
  }

  /** Calls a listener for each command, until this is called without a listener. */
  listen(listener?: CommandListener): void {
    this.#listener = listener;
  }

  #started({ databaseName, commandName, command, requestId }: CommandStartedEvent): void {
    if (databaseName !== this.#database) return;
    if (commandName === 'createIndexes') {
      this.#listener?.({ command: commandName, collection: command['createIndexes'] }, undefined);
    }
    if (commandName !== 'update') return;
    const collection = String(command['update']);
    const [statement, ...others]: readonly Document[] = command['updates'] ?? [];
    const amountMinor = coefficientOf(statement?.['u']?.$inc?.balance);
    const worker = this.#workerOf(amountMinor) ?? -1;
    const increment = this.#underWay.get(worker);
    const fits =
      others.length === 0 &&
      increment?.amountMinor === amountMinor &&
      (increment.account === undefined || increment.account === statement?.['q']?.account_number) &&
      (increment.write === undefined || increment.write.collection === collection);
    if (!fits || !statement) {
      this.#unattributed += 1;
      return;
    }
    const write = { worker, amountMinor, collection, matched: undefined };
    increment.write = write;
    this.#unanswered.set(requestId, write);
    const { q: filter, u: update } = statement;
    this.#listener?.({ command: commandName, collection, filter, update }, write);
  }

  #succeeded({ requestId, reply }: CommandSucceededEvent): void {
    const write = this.#unanswered.get(requestId);
    if (!write) return;
    this.#unanswered.delete(requestId);
    write.matched = matchedBy(reply);
  }

  #failed({ requestId }: CommandFailedEvent): void {
    this.#unanswered.delete(requestId);
  }
}

/** The `n` of an update's reply, if the server accepted every statement of it. */
function matchedBy(reply: unknown): number | undefined {
  if (typeof reply !== 'object' || reply === null) return undefined;
  if (!('n' in reply) || 'writeErrors' in reply) return undefined;
  return typeof reply.n === 'number' ? reply.n : undefined;
}

/**
 * The coefficient of a decimal: the amount in minor units, as models write it; NaN for anything
 * else. Printing and parsing it would cost more than everything else that is done for a command
 * here.
 *
 * Source: BSON specification, Decimal128: the coefficient's lowest byte comes first. All amounts
 * fit its first six bytes.
 */
function coefficientOf(value: unknown): number {
  if (!(value instanceof Decimal128)) return Number.NaN;
  const { bytes } = value;
  let coefficient = 0;
  for (let place = 5; place >= 0; place -= 1) coefficient = coefficient * 256 + (bytes[place] ?? 0);
  return coefficient;
}

/** An operation, apart from what it does. */
type OperationPlace = Pick<PlannedIncrement, 'worker' | 'index'>;

/** Reports where the write of each operation of a load was really sent. */
interface WriteMonitor {
  /** Notes that a worker begins an operation with this amount, minor units. */
  readonly begin: (worker: number, amountMinor: number) => void;
  /** Where the worker's write went: an index into the collections, `elsewhere` or `nowhere`. */
  readonly landed: (worker: number) => number;
  /**
   * Commands that belong to no operation under way, or disagree about one; 0 in a trustworthy run.
   */
  readonly unattributed: () => number;
}

/**
 * Monitors the writes of a load. No two increments of a plan have the same amount, the amount gives
 * the plan's index, and the index gives the worker.
 *
 * @param client made with `monitorCommands: true`
 * @param collections the run's collections, at most 254
 * @param onSent called when the write of an increment is sent, with the collection's index
 */
export function monitorWrites(
  client: MongoClient,
  database: string,
  collections: readonly string[],
  plan: Plan,
  onSent: (operation: OperationPlace, landed: number) => void,
): WriteMonitor {
  const places = new Map(collections.map((name, index) => [name, index]));
  const placeOf = ({ collection }: ObservedWrite) => places.get(collection) ?? elsewhere;
  const monitor = new CommandMonitor(
    client,
    database,
    (amountMinor) => plan.indexOf(amountMinor) % plan.workers,
  );
  monitor.listen((_command, write) => {
    if (!write) return;
    onSent({ worker: write.worker, index: plan.indexOf(write.amountMinor) }, placeOf(write));
  });
  return Object.freeze({
    begin: (worker: number, amountMinor: number) => monitor.begin(worker, amountMinor),
    landed: (worker: number) => {
      const write = monitor.writeOf(worker);
      return write ? placeOf(write) : nowhere;
    },
    unattributed: () => monitor.unattributed,
  });
}
