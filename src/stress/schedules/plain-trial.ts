import { type Db, MongoClient, MongoError, MongoServerError } from 'mongodb';
import { databaseError, invalidUri } from '../../database/database-error.ts';
import { type CommandListener, CommandMonitor } from '../drive/command-monitor.ts';
import type { At, ExecutionOptions, Run, Waiting, World } from '../explore/explorer-execution.ts';
import type { HistoryFile } from '../history/history-file.ts';
import { claimDatabase, dropClaimed } from '../setup/server.ts';
import {
  type Increment,
  legacyUpdate,
  type PlainModel,
  type Subject,
} from '../subjects/plain-models.ts';
import type { SharedPoint } from '../subjects/shared-model.ts';
import { Narrator } from './narrator.ts';
import { accountNumbers, type IncrementOutcome, ScheduleHistory } from './schedule-history.ts';
import type { ScheduleJudgement } from './schedule-run.ts';
import { waitsInServer } from './server-waits.ts';

/** Where an exhaustive run takes place. */
export interface TrialHost {
  readonly uri: string;
  /**
   * A made-up name: each model gets a database of its own, `NAME_shared` and so on. A database that
   * holds anything is refused.
   */
  readonly database: string;
  /** Leaves the databases in place. */
  readonly keep?: boolean | undefined;
  /** Where every event is written, if anywhere, and the time that its times are relative to. */
  readonly history?: { readonly file: HistoryFile; readonly sinceNs: bigint } | undefined;
  /** Limit on finding the server, milliseconds. */
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
  /** One per worker. */
  readonly outcomes: readonly IncrementOutcome[];
  readonly leftSwitched: boolean;
}

/** The state of a schedule: a fresh model, and what the workers were seen to do. */
interface TrialWorld extends World {
  readonly subject: Subject;
  /** For a schedule that is narrated. */
  readonly narrator: Narrator | undefined;
}

const centsOfDollar = 100n;

/** The database that a model gets. */
export function databaseOf({ database }: Pick<TrialHost, 'database'>, model: string): string {
  return `${database}_${model}`;
}

/**
 * Opens a model on its own database of the host's server.
 *
 * @throws BankctlError as from `databaseError`; `not_ours` if the database holds anything
 */
export async function openTrial(plan: TrialPlan, host: TrialHost): Promise<Trial> {
  const name = databaseOf(host, plan.model.name);
  const monitored = openClient(host, plan.workers + 1, true);
  const unmonitored = openClient(host, 2, false);
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
    await plan.model.prepare(unmonitored.db(name), plan.branches, accountNumbers, 0n);
    return new Trial(plan, host, { monitored, unmonitored, name, close });
  } catch (error) {
    await close().catch(() => undefined);
    throw databaseError(error, host);
  }
}

/**
 * A client that adds as little to a round trip as the driver can. A write is acknowledged by the
 * primary alone: waiting for the journal would take longer than the schedule, and has no bearing on
 * where a write goes. The driver does not retry writes: a schedule has each write once.
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
  readonly close: () => Promise<void>;
}

/** A model, open on a real database, ready to be explored. */
export class Trial {
  readonly plan: TrialPlan;
  readonly execution: ExecutionOptions<TrialWorld>;
  /** As `explore` takes it; undefined if workers branch. */
  readonly fixedSteps: readonly number[] | undefined;
  /** The branch of each worker. */
  readonly branchOf: readonly string[];
  /** The database, through a client whose commands are not monitored. */
  readonly plainDb: Db;
  readonly close: () => Promise<void>;
  readonly #host: TrialHost;
  readonly #name: string;
  readonly #admin: Db;
  readonly #monitor: CommandMonitor;
  readonly #history: ScheduleHistory;
  /** Powers of two, so that a balance tells whose writes are in it. */
  readonly #amounts: readonly bigint[];
  readonly #freshSubject: () => Subject;
  #narrates = false;

  constructor(plan: TrialPlan, host: TrialHost, { monitored, unmonitored, name, close }: Clients) {
    const { branches, model } = plan;
    const { steps, fixed } = model.stepsFor(plan.points);
    const workers = Array.from({ length: plan.workers }, (_, worker) => worker);
    const sinceNs = host.history?.sinceNs ?? host.monotonicNs();
    this.plan = plan;
    this.execution = {
      fresh: () => this.#fresh(),
      points: new Set(model.pointsFor(plan.points)),
      monotonicNs: host.monotonicNs,
      waiting: (task) => this.#waiting(task),
    };
    this.fixedSteps = fixed ? workers.map(() => steps) : undefined;
    this.branchOf = workers.map((worker) => branches[worker % branches.length] ?? '');
    this.plainDb = unmonitored.db(name);
    this.close = close;
    this.#host = host;
    this.#name = name;
    this.#admin = unmonitored.db('admin');
    this.#amounts = workers.map((worker) => centsOfDollar << BigInt(worker));
    const byAmount = new Map(this.#amounts.map((amount, worker) => [Number(amount), worker]));
    this.#monitor = new CommandMonitor(monitored, name, (amount) => byAmount.get(amount));
    this.#freshSubject = model.open(monitored.db(name), branches);
    this.#history = new ScheduleHistory({
      db: this.plainDb,
      model: model.name,
      branches,
      writeOf: (worker) => this.#monitor.writeOf(worker),
      nowNs: () => Number(host.monotonicNs() - sinceNs),
      file: host.history?.file,
    });
  }

  /** From now on, notes what each worker is seen to do. Costs time. */
  narrate(on: boolean): void {
    this.#narrates = on;
    if (!on) this.listen();
  }

  /**
   * Calls a listener with every command that the model sends, until this is called without a
   * listener.
   */
  listen(listener?: CommandListener): void {
    this.#monitor.listen(listener);
  }

  /**
   * How a schedule ended. To be called once for every schedule.
   *
   * @throws BankctlError if the server failed, rather than the model
   */
  readonly judge = (run: Run, { subject }: TrialWorld): Judgement => {
    for (const error of run.errors) {
      if (isFailureOfServer(error)) throw databaseError(error, this.#host);
    }
    const outcomes = this.#history.outcomes(this.branchOf);
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
  };

  /**
   * Reads the balances back; to be called when all is done.
   *
   * @returns whether what was seen and what is in the database agree, and what is there
   */
  async settle() {
    await this.#history.endSection();
    const reconciled = this.#history.doubts === 0 && this.#monitor.unattributed === 0;
    return { reconciled, balances: this.#history.balances };
  }

  #fresh(): TrialWorld | Promise<TrialWorld> {
    const history = this.#history;
    return history.isFull ? history.endSection().then(() => this.#world()) : this.#world();
  }

  #world(): TrialWorld {
    const account = this.#history.begin();
    const subject = this.#freshSubject();
    const tasks = this.branchOf.map((branch, worker) => {
      const amountMinor = this.#amounts[worker] ?? 0n;
      const increment: Increment = { worker, branch, account, amountMinor };
      return (at: At) => {
        this.#monitor.begin(worker, Number(amountMinor), account);
        return this.#history.record(increment, () => subject.increment(increment, at));
      };
    });
    if (!this.#narrates) return { tasks, subject, narrator: undefined };
    const narrator = new Narrator(subject, this.branchOf, this.execution.points);
    this.listen((command, write) => narrator.noteCommand(command, write));
    return { tasks: tasks.map((task, worker) => narrator.watch(task, worker)), subject, narrator };
  }

  /** Called for a late write. The amount in it shows whose it is. */
  #waiting(worker: number): Promise<Waiting | undefined> {
    const wanted = JSON.stringify(legacyUpdate(this.#amounts[worker] ?? 0n)['$inc']);
    return waitsInServer(this.#admin, {
      task: worker,
      isOperation: ({ ns, command }) =>
        String(ns).startsWith(`${this.#name}.`) &&
        JSON.stringify({ balance: command?.u?.$inc?.balance }) === wanted,
      ownerOf: () => undefined,
    });
  }
}

/** Codes with which the server refuses a document: the model is to blame. */
const refusedDocument: ReadonlySet<unknown> = new Set([121, 11000]);

/** True for a failure of the server or the connection: nothing can be concluded from it. */
function isFailureOfServer(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  return !(error instanceof MongoServerError) || !refusedDocument.has(error.code);
}
