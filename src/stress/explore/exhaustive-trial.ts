import { type Db, MongoClient, MongoError, MongoServerError } from 'mongodb';
import { databaseError, invalidUri } from '../../database/database-error.ts';
import { claimDatabase, dropClaimed } from '../server.ts';
import type { SharedPoint, SharedWrite } from '../shared-model.ts';
import { AccountRing, type BranchBalance } from './exhaustive-accounts.ts';
import { ExhaustiveHistory, type HistoryPlace } from './exhaustive-history.ts';
import {
  type ExhaustiveModel,
  type Increment,
  legacyUpdate,
  type Subject,
} from './exhaustive-models.ts';
import type { Sight } from './exhaustive-narrate.ts';
import { CommandWatch, type IssuedCommand, type ObservedWrite } from './exhaustive-watch.ts';
import type { At, ExecutionOptions, Run, Waiting, World } from './explorer-execution.ts';
import { waitsInServer } from './server-waits.ts';

/** Where an exhaustive run takes place. */
export interface TrialHost {
  readonly uri: string;
  /**
   * A made-up name: each model gets a database of its own, `NAME_shared` and so on. One that
   * holds anything is refused.
   */
  readonly database: string;
  /** Leaves the databases behind. */
  readonly keep?: boolean | undefined;
  /** Where every event is written, if anywhere. */
  readonly history?: HistoryPlace | undefined;
  /** Bounds finding the server, milliseconds. */
  readonly timeoutMs: number;
  readonly monotonicNs: () => bigint;
  readonly interrupted: AbortSignal;
}

/** What is tried: who does what, and where they may be paused. */
export interface TrialPlan {
  readonly model: ExhaustiveModel;
  readonly workers: number;
  /** Workers take the branches in turn. */
  readonly branches: readonly string[];
  readonly points: readonly SharedPoint[];
}

/** How an increment ended. `unfinished`: in a schedule that ended in a deadlock, or was stuck. */
export type IncrementOutcome = 'ok' | 'misplaced' | 'lost' | 'crashed' | 'unfinished';

/** How a schedule ended. */
export interface Judgement {
  /** One a worker. */
  readonly outcomes: readonly IncrementOutcome[];
  readonly leftSwitched: boolean;
  /** At least one increment was misplaced, lost or crashed. */
  readonly wrong: boolean;
  readonly acknowledged: number;
}

/** A schedule's state: a fresh model, a fresh account, and what was seen. */
export interface TrialWorld extends World {
  readonly subject: Subject;
  readonly slot: number;
  readonly writes: readonly ObservedWrite[];
  readonly returned: readonly (SharedWrite | undefined)[];
  /** Filled where the trial narrates. */
  readonly sights: readonly Sight[];
}

/** A model, open on a real database, ready to be explored. */
export interface Trial {
  readonly plan: TrialPlan;
  readonly execution: ExecutionOptions<TrialWorld>;
  /** As `explore` takes it: undefined where workers branch. */
  readonly fixedSteps: readonly number[] | undefined;
  /** The branch of each worker. */
  readonly branchOf: readonly string[];
  /** From now on, note what each worker is seen to do. Costs time. */
  readonly narrate: (on: boolean) => void;
  /** Hears every command that the models send. */
  readonly listen: (listener?: (command: IssuedCommand) => void) => void;
  /**
   * How a schedule ended. To be called once for every one.
   *
   * @throws BankctlError where the server failed, rather than the model
   */
  readonly judge: (run: Run, world: TrialWorld) => Judgement;
  /** Reads the balances back; to be called when all is done. */
  readonly settle: () => Promise<Reckoning>;
  /** The database, through a client whose commands are not watched. */
  readonly plainDb: Db;
  readonly close: () => Promise<void>;
}

/** Whether what was seen and what is in the database agree. */
export interface Reckoning {
  readonly reconciled: boolean;
  readonly balances: readonly BranchBalance[];
}

const centsOfDollar = 100n;

/** The database that a model gets. */
export function databaseOf({ database }: Pick<TrialHost, 'database'>, model: string): string {
  return `${database}_${model}`;
}

/**
 * Opens a model on its own database of the host's server.
 *
 * @throws BankctlError as `databaseError`; `not_ours` where the database holds anything
 */
export async function openTrial(plan: TrialPlan, host: TrialHost): Promise<Trial> {
  const name = databaseOf(host, plan.model.name);
  const watched = openClient(host, plan.workers + 1, true);
  const unwatched = openClient(host, 2, false);
  const plainDb = unwatched.db(name);
  let ours = false;
  const close = async () => {
    try {
      if (ours && !host.keep) await dropClaimed(unwatched, name);
    } finally {
      await Promise.all([watched.close(), unwatched.close()]);
    }
  };
  try {
    await claimDatabase(unwatched, name);
    ours = true;
    await plan.model.prepare(plainDb, plan.branches);
    const ring = new AccountRing(plainDb, plan.branches);
    await ring.fill(plan.model.document);
    const opened = new OpenTrial(plan, host, { watched, unwatched, name, ring });
    return opened.asTrial(plainDb, close);
  } catch (error) {
    await close().catch(() => undefined);
    throw databaseError(error, host);
  }
}

/**
 * A client that adds as little to a round trip as the driver can. A write is acknowledged by the
 * primary alone: waiting for the journal would take longer than the schedule, and has no bearing
 * on where a write goes. The driver does not repeat a write by itself: a schedule has each once.
 */
function openClient(host: TrialHost, maxPoolSize: number, monitorCommands: boolean): MongoClient {
  try {
    return new MongoClient(host.uri, {
      appName: 'bankctl stress',
      monitorCommands,
      maxPoolSize,
      retryWrites: false,
      retryReads: false,
      writeConcern: { w: 1 },
      readConcern: { level: 'local' },
      readPreference: 'primary',
      serverSelectionTimeoutMS: host.timeoutMs,
    });
  } catch (error) {
    throw invalidUri(error, host.uri);
  }
}

interface TrialParts {
  readonly watched: MongoClient;
  readonly unwatched: MongoClient;
  readonly name: string;
  readonly ring: AccountRing;
}

class OpenTrial {
  readonly #plan: TrialPlan;
  readonly #host: TrialHost;
  readonly #parts: TrialParts;
  readonly #watch: CommandWatch;
  readonly #points: ReadonlySet<string>;
  readonly #amounts: readonly bigint[];
  readonly #branchOf: readonly string[];
  readonly #freshSubject: () => Subject;
  readonly #history: ExhaustiveHistory | undefined;
  /** Writes that the caller saw otherwise than command monitoring did. */
  #disagreements = 0;
  #narrates = false;

  constructor(plan: TrialPlan, host: TrialHost, parts: TrialParts) {
    this.#plan = plan;
    this.#host = host;
    this.#parts = parts;
    const workers = Array.from({ length: plan.workers }, (_, worker) => worker);
    this.#amounts = workers.map((worker) => centsOfDollar << BigInt(worker));
    this.#branchOf = workers.map((worker) => plan.branches[worker % plan.branches.length] ?? '');
    this.#points = new Set(plan.model.pointsFor(plan.points));
    this.#watch = new CommandWatch(parts.watched, parts.name, this.#amounts);
    this.#freshSubject = plan.model.open(parts.watched.db(parts.name), plan.branches);
    this.#history =
      host.history && new ExhaustiveHistory(host.history, plan.model.name, plan.branches);
  }

  asTrial(plainDb: Db, close: () => Promise<void>): Trial {
    const { steps, fixed } = this.#plan.model.stepsFor(this.#plan.points);
    return {
      plan: this.#plan,
      execution: {
        fresh: () => this.#fresh(),
        points: this.#points,
        monotonicNs: this.#host.monotonicNs,
        waiting: (task) => this.#waiting(task),
      },
      fixedSteps: fixed ? this.#branchOf.map(() => steps) : undefined,
      branchOf: this.#branchOf,
      narrate: (on) => {
        this.#narrates = on;
        if (!on) this.#watch.listen();
      },
      listen: (listener) => this.#watch.listen(listener),
      judge: (run, world) => this.#judge(run, world),
      settle: () => this.#settle(),
      plainDb,
      close,
    };
  }

  #fresh(): TrialWorld | Promise<TrialWorld> {
    const { ring } = this.#parts;
    return ring.isUsedUp ? this.#turn().then(() => this.#world()) : this.#world();
  }

  async #turn(): Promise<void> {
    const { ring, unwatched, name } = this.#parts;
    await this.#history?.flush(unwatched.db(name));
    await ring.turn();
  }

  #world(): TrialWorld {
    const { slot, account } = this.#parts.ring.take();
    const subject = this.#freshSubject();
    const writes = this.#watch.begin(account);
    const returned: (SharedWrite | undefined)[] = this.#branchOf.map(() => undefined);
    const sights: Sight[] = [];
    const history = this.#history;
    history?.beginSchedule(account);
    const tasks = this.#branchOf.map((branch, worker) => {
      const amountMinor = this.#amounts[worker] ?? 0n;
      const increment: Increment = { worker, branch, account, amountMinor };
      const task = async (at: At) => {
        returned[worker] = await subject.increment(increment, at);
      };
      if (!history) return task;
      return (at: At) => history.record({ ...increment, writes }, () => task(at));
    });
    const world = { tasks, subject, slot, writes, returned, sights };
    return this.#narrates ? this.#narrated(world, sights) : world;
  }

  /** The same world, whose workers' doings are noted step by step. */
  #narrated(world: TrialWorld, sights: Sight[]): TrialWorld {
    let step = -1;
    let running = -1;
    const { subject } = world;
    this.#watch.listen((command, writer) => {
      const worker = writer ?? running;
      if (command.command === 'createIndexes') {
        sights.push({ step, worker, saw: 'index', collection: command.collection });
        return;
      }
      const write = world.writes.at(-1);
      const meant = this.#branchOf[worker] ?? '';
      if (write) sights.push({ step, worker, saw: 'write', write, meant });
    });
    const begin = (worker: number) => {
      step += 1;
      running = worker;
    };
    const tasks = world.tasks.map((task, worker) => async (at: At) => {
      begin(worker);
      const branch = this.#branchOf[worker] ?? '';
      try {
        await task(async (point) => {
          sights.push({ step, worker, saw: 'point', point, branch, state: subject.state() });
          await at(point);
          if (this.#points.has(point)) begin(worker);
        });
        sights.push({ step, worker, saw: 'end', state: subject.state() });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        sights.push({ step, worker, saw: 'crash', message, state: subject.state() });
        throw error;
      }
    });
    return { ...world, tasks };
  }

  #judge(run: Run, world: TrialWorld): Judgement {
    const { ring } = this.#parts;
    for (const error of run.errors) {
      if (isFailureOfServer(error)) throw databaseError(error, this.#host);
    }
    for (const { worker, collection, matched } of world.writes) {
      if (matched) ring.landed(world.slot, collection, this.#amounts[worker] ?? 0n);
    }
    const finished = new Set(run.steps.filter(({ end }) => end === 'ended').map(taskOf));
    for (const step of run.steps) {
      for (const { task, end } of step.answered) if (end === 'ended') finished.add(task);
    }
    const outcomes = this.#branchOf.map((branch, worker): IncrementOutcome => {
      ring.meant(branch, this.#amounts[worker] ?? 0n);
      if (run.errors[worker] !== undefined) return 'crashed';
      if (!finished.has(worker)) return 'unfinished';
      return this.#judgeWrites(world, worker, branch);
    });
    return {
      outcomes,
      leftSwitched: run.end === 'done' && world.subject.isSwitched(),
      wrong: outcomes.some((outcome) => outcome !== 'ok' && outcome !== 'unfinished'),
      acknowledged: finished.size,
    };
  }

  #judgeWrites(world: TrialWorld, worker: number, branch: string): IncrementOutcome {
    let outcome: IncrementOutcome = 'lost';
    let sent: ObservedWrite | undefined;
    for (const write of world.writes) {
      if (write.worker !== worker) continue;
      sent = write;
      if (!write.matched) continue;
      if (write.collection !== branch) outcome = 'misplaced';
      else if (outcome === 'lost') outcome = 'ok';
    }
    const told = world.returned[worker];
    if (told?.collection !== sent?.collection || told?.matched !== sent?.matched) {
      this.#disagreements += 1;
    }
    return outcome;
  }

  async #settle(): Promise<Reckoning> {
    const { ring } = this.#parts;
    await this.#turn();
    const reconciled =
      ring.mismatches === 0 && this.#disagreements === 0 && this.#watch.unattributed === 0;
    return { reconciled, balances: ring.balances };
  }

  /** Asked about a write that is late. The amount in it says whose it is. */
  #waiting(worker: number): Promise<Waiting | undefined> {
    const wanted = JSON.stringify(legacyUpdate(this.#amounts[worker] ?? 0n)['$inc']);
    const { name, unwatched } = this.#parts;
    return waitsInServer(unwatched.db('admin'), {
      task: worker,
      isOperation: ({ ns, command }) =>
        String(ns).startsWith(`${name}.`) &&
        JSON.stringify({ balance: command?.u?.$inc?.balance }) === wanted,
      ownerOf: () => undefined,
    });
  }
}

function taskOf({ task }: { readonly task: number }): number {
  return task;
}

/** Codes by which the server refuses a document, which is the model's doing. */
const refusedDocument: ReadonlySet<unknown> = new Set([121, 11000]);

/** True for a failure of the server or the way to it: nothing can be concluded from that. */
function isFailureOfServer(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  return !(error instanceof MongoServerError) || !refusedDocument.has(error.code);
}
