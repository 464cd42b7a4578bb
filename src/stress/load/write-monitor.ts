import { type CommandStartedEvent, Decimal128, type MongoClient } from 'mongodb';
import { elsewhere, nowhere } from '../check/increment.ts';
import type { Plan, PlannedIncrement } from '../plan/increments.ts';

/** Which operation it is, without the rest of it. */
export type OperationPlace = Pick<PlannedIncrement, 'worker' | 'index'>;

/** Tells of each operation where its write was really sent. */
export interface WriteMonitor {
  /** Says that a worker begins an operation with this amount, minor units. */
  readonly begin: (worker: number, amountMinor: number) => void;
  /** Where the worker's write went: an index into the collections, `elsewhere` or `nowhere`. */
  readonly landed: (worker: number) => number;
  /** Commands that belong to no operation under way, or disagree about one; 0 in a sound run. */
  readonly unattributed: () => number;
}

/** Called when the write of an increment leaves, with the collection's index. */
export type OnSent = (operation: OperationPlace, landed: number) => void;

/**
 * Watches the `update` commands of a client. The namespace of the command is what counts, not
 * what the model believes it wrote to.
 *
 * A command is told to belong to an operation by the amount it carries. No two increments of a
 * plan have the same amount, the amount gives the plan's index, the index gives the worker, and a
 * worker has one increment under way. That holds whatever connection carries the command, in
 * whatever order commands leave, and for a command that the driver sends a second time (it
 * carries the same amount to the same namespace). It asks nothing of the model and it does not
 * rely on how the driver keeps its asynchronous context, so it costs a map look-up less than
 * AsyncLocalStorage would. Any command that does not fit is counted, and one is enough to make
 * the run `undecided`.
 *
 * Source: MongoDB's "Command Logging and Monitoring" specification: a CommandStartedEvent is
 * published before the command is written to the socket.
 *
 * @param client made with `monitorCommands: true`
 * @param collections the run's collections, at most 254
 */
export function monitorWrites(
  client: MongoClient,
  database: string,
  collections: readonly string[],
  plan: Plan,
  onSent: OnSent,
): WriteMonitor {
  const places = new Map(collections.map((name, index) => [name, index]));
  const underWay = new Map<number, { amountMinor: number; landed: number }>();
  let unattributed = 0;
  client.on('commandStarted', (event: CommandStartedEvent) => {
    if (event.commandName !== 'update' || event.databaseName !== database) return;
    const { update, updates }: Readonly<Record<string, unknown>> = event.command;
    const amountMinor = amountOf(updates);
    const index = amountMinor === undefined ? -1 : plan.indexOf(amountMinor);
    const worker = index % plan.workers;
    const operation = underWay.get(worker);
    const landed = places.get(String(update)) ?? elsewhere;
    const resent = operation?.landed === landed;
    if (operation?.amountMinor !== amountMinor || (operation?.landed !== nowhere && !resent)) {
      unattributed += 1;
      return;
    }
    operation.landed = landed;
    onSent({ worker, index }, landed);
  });
  return Object.freeze({
    begin: (worker: number, amountMinor: number) => {
      const operation = underWay.get(worker);
      if (operation) {
        operation.amountMinor = amountMinor;
        operation.landed = nowhere;
      } else {
        underWay.set(worker, { amountMinor, landed: nowhere });
      }
    },
    landed: (worker: number) => underWay.get(worker)?.landed ?? nowhere,
    unattributed: () => unattributed,
  });
}

/** The amount of the one `$inc` that an increment's command holds. */
function amountOf(updates: unknown): number | undefined {
  if (!Array.isArray(updates) || updates.length !== 1) return undefined;
  const balance: unknown = updates[0]?.u?.$inc?.balance;
  if (!(balance instanceof Decimal128)) return undefined;
  // Decimal128 in its binary form begins with the coefficient, lowest byte first; the amounts of
  // a plan fit its first six bytes. Printing and parsing it would cost more than the rest here.
  const { bytes } = balance;
  let coefficient = 0;
  for (let place = 5; place >= 0; place -= 1) coefficient = coefficient * 256 + (bytes[place] ?? 0);
  return coefficient;
}
