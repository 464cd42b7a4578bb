import { type Db, MongoClient, MongoError, MongoServerError } from 'mongodb';
import { databaseError, invalidUri } from '../../database/database-error.ts';
import { type CommandListener, CommandMonitor } from '../drive/command-monitor.ts';
import type { At, ExecutionOptions, Run, Waiting, World } from '../explore/explorer-execution.ts';
import type { HistoryFile } from '../history/history-file.ts';
import { claimDatabase, dropClaimed } from '../load/load-database.ts';
import type { SharedPoint } from '../shared-model.ts';
import {
  type Increment,
  legacyUpdate,
  type PlainModel,
  type Subject,
} from '../subjects/plain-models.ts';
import { Narrator } from './narrator.ts';
import {
  accountNumbers,
  type BranchBalance,
  type IncrementOutcome,
  ScheduleHistory,
} from './schedule-history.ts';
import type { ScheduleJudgement } from './schedule-run.ts';
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
  /** Where every event is written, if anywhere, and since when its times count. */
  readonly history?: { readonly file: HistoryFile; readonly sinceNs: bigint } | undefined;
  /** Bounds finding the server, milliseconds. */
  readonly timeoutMs: number;
  readonly monotonicNs: () => bigint;
  readonly interrupted: AbortSignal;
}

/** What is tried: who does what, and where they may be paused. */
interface TrialPlan {
  readonly model: PlainModel;
  readonly workers: number;
  /** Workers take the branches in turn. */
  readonly branches: readonly string[];
  readonly points: readonly SharedPoint[];
}

/** How a schedule ended. */
export interface Judgement extends ScheduleJudgement {
  /** One a worker. */
  readonly outcomes: readonly IncrementOutcome[];
  readonly leftSwitched: boolean;
}

/** A schedule's state: a fresh model, and what the workers were seen to do. */
interface TrialWorld extends World {
  readonly subject: Subject;
  /** Of a schedule that is narrated. */
  readonly narrator: Narrator | undefined;
}

/** A model, open on a real database, ready to be explored. */
export interface Trial {
  readonly plan: TrialPlan;
  readonly execution: ExecutionOptions<TrialWorld>;
  /** As `explore` takes it: undefined if workers branch. */
  readonly fixedSteps: readonly number[] | undefined;
  /** The branch of each worker. */
  readonly branchOf: readonly string[];
  /** From now on, note what each worker is seen to do. Costs time. */
  readonly narrate: (on: boolean) => void;
  /** Calls a listener with every command that the model sends. */
  readonly listen: (listener?: CommandListener) => void;
  /**
   * How a schedule ended. To be called once for every one.
   *
   * @throws BankctlError if the server failed, rather than the model
   */
  readonly judge: (run: Run, world: TrialWorld) => Judgement;
  /** Reads the balances back; to be called when all is done. */
  readonly settle: () => Promise<Reckoning>;
  /** The database, through a client whose commands are not monitored. */
  readonly plainDb: Db;
  readonly close: () => Promise<void>;
}

/** Whether what was seen and what is in the database agree. */
interface Reckoning {
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
 * @throws BankctlError as `databaseError`; `not_ours` if the database holds anything
 */
export async function openTrial(plan: TrialPlan, host: TrialHost): Promise<Trial> {
  const name = databaseOf(host, plan.model.name);
  const monitored = openClient(host, plan.workers + 1, true);
  const unmonitored = openClient(host, 2, false);
  const plainDb = unmonitored.db(name);
  let ours = false;
  const close = async () => {
    try {
      if (ours && !host.keep) await dropClaimed(unmonitored, name);
    } finally {
      await Promise.all([monitored.close(), unmonitored.close()]);
    }
  };
  try {
    await claimDatabase(unmonitored, name);
    ours = true;
    await plan.model.prepare(plainDb, plan.branches, accountNumbers, 0n);
    return new OpenTrial(plan, host, { monitored, unmonitored, name }).asTrial(plainDb, close);
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

interface Clients {
  readonly monitored: MongoClient;
  readonly unmonitored: MongoClient;
  /** Of the database. */
  readonly name: string;
}

class OpenTrial {
  readonly #plan: TrialPlan;
  readonly #host: TrialHost;
  readonly #clients: Clients;
  readonly #monitor: CommandMonitor;
  readonly #history: ScheduleHistory;
  readonly #points: ReadonlySet<string>;
  /** Powers of two, so that a balance tells whose writes are in it. */
  readonly #amounts: readonly bigint[];
  readonly #branchOf: readonly string[];
  readonly #freshSubject: () => Subject;
  #narrates = false;

  constructor(plan: TrialPlan, host: TrialHost, clients: Clients) {
    const { monitored, unmonitored, name } = clients;
    const { branches, model } = plan;
    this.#plan = plan;
    this.#host = host;
    this.#clients = clients;
    const workers = Array.from({ length: plan.workers }, (_, worker) => worker);
    this.#amounts = workers.map((worker) => centsOfDollar << BigInt(worker));
    this.#branchOf = workers.map((worker) => branches[worker % branches.length] ?? '');
    this.#points = new Set(model.pointsFor(plan.points));
    const byAmount = new Map(this.#amounts.map((amount, worker) => [Number(amount), worker]));
    this.#monitor = new CommandMonitor(monitored, name, (amount) => byAmount.get(amount));
    this.#freshSubject = model.open(monitored.db(name), branches);
    const sinceNs = host.history?.sinceNs ?? host.monotonicNs();
    this.#history = new ScheduleHistory({
      db: unmonitored.db(name),
      model: model.name,
      branches,
      writeOf: (worker) => this.#monitor.writeOf(worker),
      nowNs: () => Number(host.monotonicNs() - sinceNs),
      file: host.history?.file,
    });
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
        if (!on) this.#monitor.listen();
      },
      listen: (listener) => this.#monitor.listen(listener),
      judge: (run, world) => this.#judge(run, world),
      settle: () => this.#settle(),
      plainDb,
      close,
    };
  }

  #fresh(): TrialWorld | Promise<TrialWorld> {
    const history = this.#history;
    return history.isFull ? history.endSection().then(() => this.#world()) : this.#world();
  }

  #world(): TrialWorld {
    const account = this.#history.begin();
    const subject = this.#freshSubject();
    const tasks = this.#branchOf.map((branch, worker) => {
      const amountMinor = this.#amounts[worker] ?? 0n;
      const increment: Increment = { worker, branch, account, amountMinor };
      return (at: At) => {
        this.#monitor.begin(worker, Number(amountMinor), account);
        return this.#history.record(increment, () => subject.increment(increment, at));
      };
    });
    if (!this.#narrates) return { tasks, subject, narrator: undefined };
    const narrator = new Narrator(subject, this.#branchOf, this.#points);
    this.#monitor.listen((command, write) => narrator.noteCommand(command, write));
    return { tasks: tasks.map((task, worker) => narrator.watch(task, worker)), subject, narrator };
  }

  #judge(run: Run, { subject }: TrialWorld): Judgement {
    for (const error of run.errors) {
      if (isFailureOfServer(error)) throw databaseError(error, this.#host);
    }
    const outcomes = this.#history.outcomes(this.#branchOf);
    const leftSwitched = run.end === 'done' && subject.isSwitched();
    const wrong = outcomes.filter((outcome) => outcome !== 'ok' && outcome !== 'unfinished');
    return {
      outcomes,
      leftSwitched,
      found: [...wrong, ...(leftSwitched ? ['left_switched'] : [])],
      wrong: wrong.length > 0,
      acknowledged: outcomes.filter((outcome) => outcome !== 'crashed' && outcome !== 'unfinished')
        .length,
    };
  }

  async #settle(): Promise<Reckoning> {
    const history = this.#history;
    await history.endSection();
    const reconciled = history.doubts === 0 && this.#monitor.unattributed === 0;
    return { reconciled, balances: history.balances };
  }

  /** Called about a write that is late. The amount in it says whose it is. */
  #waiting(worker: number): Promise<Waiting | undefined> {
    const wanted = JSON.stringify(legacyUpdate(this.#amounts[worker] ?? 0n)['$inc']);
    const { name, unmonitored } = this.#clients;
    return waitsInServer(unmonitored.db('admin'), {
      task: worker,
      isOperation: ({ ns, command }) =>
        String(ns).startsWith(`${name}.`) &&
        JSON.stringify({ balance: command?.u?.$inc?.balance }) === wanted,
      ownerOf: () => undefined,
    });
  }
}

/** Codes by which the server refuses a document, which is the model's doing. */
const refusedDocument: ReadonlySet<unknown> = new Set([121, 11000]);

/** True for a failure of the server or the way to it: nothing can be concluded from that. */
function isFailureOfServer(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  return !(error instanceof MongoServerError) || !refusedDocument.has(error.code);
}
