import type { BankctlError } from '../../core/errors.ts';
import { formatAmount } from '../../core/money.ts';
import { createDraw } from '../plan/random.ts';
import { exhaustiveCurrency } from './exhaustive-models.ts';
import { explain, narrate } from './exhaustive-narrate.ts';
import { beyondReach, type CheckedOptions, groupDigits, vocabulary } from './exhaustive-options.ts';
import type { ExhaustiveModelResult, ReportedSchedule } from './exhaustive-result.ts';
import type { Judgement, Trial, TrialHost, TrialWorld } from './exhaustive-trial.ts';
import {
  type Coverage,
  countPreemptions,
  countSwitches,
  explore,
  type Progress,
  type Run,
  replay,
} from './explorer.ts';
import { type SampleCoverage, sample } from './explorer-sample.ts';
import { checkReplay, digestSteps, formatScheduleId, stepLabel } from './schedule.ts';

/** Where an exhaustive run takes place, and who hears of it. */
export interface ExhaustiveHost extends TrialHost {
  /** Called after each schedule: keep it short. */
  readonly progress?: ((model: string, progress: Progress) => void) | undefined;
}

/** A wrong schedule that is remembered: of all that were found, at most two are. */
interface Found {
  readonly order: readonly number[];
  readonly id: string;
  readonly switches: number;
  readonly trace: readonly string[];
}

/** Enough schedules to know the rate, or else enough time. */
const rateSchedules = 300;
const rateMs = 1000;

/** One model on its way through its schedules. */
export class ModelRun {
  readonly #trial: Trial;
  readonly #options: CheckedOptions;
  readonly #host: ExhaustiveHost;
  readonly #tally = { schedules: 0, wrong: 0, misplaced: 0, lost: 0, crashed: 0, left_switched: 0 };
  #acknowledged = 0;
  #deadlocked = 0;
  #stuck = 0;
  #trouble: string | undefined;
  #sinceNs = 0n;
  #first: Found | undefined;
  #shortest: Found | undefined;

  constructor(trial: Trial, options: CheckedOptions, host: ExhaustiveHost) {
    this.#trial = trial;
    this.#options = options;
    this.#host = host;
  }

  /**
   * Runs what the options ask for. To be called once.
   *
   * @throws BankctlError `usage` where it is beyond reach, or an id does not fit
   */
  async run(): Promise<ExhaustiveModelResult> {
    this.#sinceNs = this.#host.monotonicNs();
    const { schedule } = this.#options;
    if (schedule) return this.#replayTyped(schedule.typed, schedule.id.order);
    const covered = await this.#cover();
    const shortest = this.#shortest;
    const report = shortest && {
      ...(await tell(this.#trial, shortest.order, shortest.trace)),
      id: shortest.id,
    };
    return this.#result(covered, {
      ...(this.#first ? { first_wrong: { id: this.#first.id } } : {}),
      ...(report ? { shortest_wrong: report } : {}),
    });
  }

  async #cover(): Promise<Covered> {
    const { execution, fixedSteps, plan } = this.#trial;
    const { random, preemptions } = this.#options;
    let refusal: BankctlError | undefined;
    let checked = random !== undefined;
    const shared = {
      ...execution,
      fixedSteps,
      signal: this.#host.interrupted,
      progress: (progress: Progress) => this.#host.progress?.(plan.model.name, progress),
      visit: (run: Run, world: TrialWorld) => {
        this.#visit(run, world);
        if (checked || !this.#rateIsKnown()) return undefined;
        checked = true;
        const perSecond = this.#tally.schedules / this.#seconds();
        refusal = beyondReach(plan.model, this.#options, perSecond);
        return refusal && ('stop' as const);
      },
    };
    const covered = random
      ? coveredSample(
          await sample({ ...shared, count: random.count, draw: createDraw(random.seed) }),
          random,
        )
      : coveredAll(await explore({ ...shared, preemptions }));
    if (refusal) throw refusal;
    return { ...covered, seconds: this.#seconds() };
  }

  #rateIsKnown(): boolean {
    return this.#tally.schedules >= rateSchedules || this.#seconds() * 1000 >= rateMs;
  }

  #seconds(): number {
    return Number(this.#host.monotonicNs() - this.#sinceNs) / 1e9;
  }

  #visit(run: Run, world: TrialWorld): void {
    const judgement = this.#trial.judge(run, world);
    this.#count(run, judgement);
    if (judgement.wrong) this.#remember(run, judgement);
  }

  #count(run: Run, { outcomes, leftSwitched, wrong, acknowledged }: Judgement): void {
    const tally = this.#tally;
    tally.schedules += 1;
    this.#acknowledged += acknowledged;
    for (const kind of ['misplaced', 'lost', 'crashed'] as const) {
      if (outcomes.includes(kind)) tally[kind] += 1;
    }
    if (wrong) tally.wrong += 1;
    if (leftSwitched) tally.left_switched += 1;
    if (run.end === 'deadlock') this.#deadlocked += 1;
    if (run.end === 'stuck') this.#stuck += 1;
    this.#trouble ??= troubleOf(run);
  }

  #remember(run: Run, judgement: Judgement): void {
    const switches = countSwitches(run.steps);
    const best = this.#shortest;
    const shorter =
      !best ||
      switches < best.switches ||
      (switches === best.switches && run.steps.length < best.order.length);
    if (!shorter) return;
    const trace = traceOf(run, judgement);
    const order = run.steps.map(({ task }) => task);
    this.#shortest = { order, id: idOf(this.#trial, run), switches, trace };
    this.#first ??= this.#shortest;
  }

  async #replayTyped(typed: string, order: readonly number[]): Promise<ExhaustiveModelResult> {
    const { schedule } = this.#options;
    const { run, world } = await replay(this.#trial.execution, order);
    const judgement = this.#trial.judge(run, world);
    if (schedule) checkReplay(typed, schedule.id, run, workerName);
    const again = await tell(this.#trial, order, traceOf(run, judgement));
    this.#count(run, judgement);
    return this.#result(
      {
        complete: false,
        total: undefined,
        distinct: 1,
        covered: `the schedule ${again.id} alone`,
        seconds: this.#seconds(),
      },
      { replayed: again },
    );
  }

  async #result(
    covered: Covered,
    schedules: Pick<ExhaustiveModelResult, 'first_wrong' | 'shortest_wrong' | 'replayed'>,
  ): Promise<ExhaustiveModelResult> {
    const { plan, execution } = this.#trial;
    const { reconciled, balances } = await this.#trial.settle();
    const operations = this.#tally.schedules * plan.workers;
    const perSecond = (number: number) =>
      covered.seconds > 0 ? Math.round((number / covered.seconds) * 10) / 10 : 0;
    return {
      model: plan.model.name,
      workers: plan.workers,
      points: [...execution.points],
      operations,
      acknowledged: this.#acknowledged,
      ...this.#tally,
      deadlocked: this.#deadlocked,
      stuck: this.#stuck,
      ...(this.#trouble ? { trouble: this.#trouble } : {}),
      complete: covered.complete,
      total: covered.total === undefined ? null : String(covered.total),
      distinct: covered.distinct,
      covered: covered.covered,
      schedules_per_second: perSecond(this.#tally.schedules),
      throughput: perSecond(operations),
      reconciled,
      branches: balances.map(({ branch, expectedMinor, actualMinor }) => ({
        branch,
        expected: formatAmount(expectedMinor, exhaustiveCurrency),
        actual: formatAmount(actualMinor, exhaustiveCurrency),
      })),
      ...schedules,
    };
  }
}

/** What was covered, in the terms of all ways to cover. */
interface Covered {
  readonly complete: boolean;
  readonly total: bigint | undefined;
  readonly distinct: number;
  readonly covered: string;
  readonly seconds: number;
}

function coveredAll(coverage: Coverage): Omit<Covered, 'seconds'> {
  const { complete, total, schedules, stopped } = coverage;
  return { complete, total, distinct: schedules, covered: coverageSentence(coverage, stopped) };
}

/** `all 402 schedules with at most 2 preemptions, of 34,650`. */
function coverageSentence(coverage: Coverage, stopped: Coverage['stopped']): string {
  const { complete, schedules, allUpTo, schedulesUpTo, total, found } = coverage;
  if (complete) return `all ${groupDigits(schedules)} schedules`;
  const of = total === undefined ? `at least ${groupDigits(found)}` : groupDigits(total);
  const whole =
    allUpTo < 0
      ? ''
      : `all ${groupDigits(schedulesUpTo)} schedules with at most ${preemptions(allUpTo)}`;
  const beyond = schedules - schedulesUpTo;
  const rest = beyond > 0 ? `${groupDigits(beyond)} with ${preemptions(allUpTo + 1)}` : '';
  const parts = [whole, rest].filter((part) => part !== '').join(' and ');
  const why = stopped === 'bound' ? '' : stopped === 'stuck' ? ' (one is stuck)' : ' (stopped)';
  return `${parts || 'no schedule'}, of ${of}${why}`;
}

function preemptions(number: number): string {
  return `${number} preemption${number === 1 ? '' : 's'}`;
}

function coveredSample(
  coverage: SampleCoverage,
  { seed }: { readonly seed: number },
): Omit<Covered, 'seconds'> {
  const { schedules, distinct, total } = coverage;
  const of = total === undefined ? 'an unknown number' : groupDigits(total);
  return {
    // A sample is no proof, even where it happens to have met every schedule.
    complete: false,
    total,
    distinct,
    covered:
      `${groupDigits(schedules)} schedules drawn at random with seed ${seed}, ` +
      `${groupDigits(distinct)} of them different, of ${of}`,
  };
}

/** Who is stuck where, or who waits for whom; undefined for a run that ended by itself. */
export function troubleOf({ end, steps, waiters }: Run): string | undefined {
  const last = steps.at(-1);
  if (end === 'stuck' && last) {
    return `${workerName(last.task)} neither ends nor reaches a point after ${last.to}`;
  }
  if (end !== 'deadlock') return undefined;
  return waiters
    .map((waiter) => {
      const holders = waiter.for.map(workerName).join(' and ') || 'somebody else';
      const who = `${workerName(waiter.task)}, after ${waiter.point},`;
      return `${who} waits for ${holders} (${waiter.what})`;
    })
    .join('; ');
}

function workerName(worker: number): string {
  return `worker ${worker + 1}`;
}

function idOf({ plan }: Trial, { steps }: Run): string {
  return formatScheduleId(
    {
      model: plan.model.name,
      points: plan.points,
      workers: plan.workers,
      order: steps.map(({ task }) => task),
      digest: digestSteps(steps),
    },
    vocabulary,
  );
}

/** A schedule in lines that hold neither times nor accounts, so they are the same in every run. */
function traceOf({ steps, end }: Run, judgement: Judgement): readonly string[] {
  const outcomes = judgement.outcomes.map((outcome, worker) => `${worker}:${outcome}`).join(' ');
  const left = judgement.leftSwitched ? ' left switched' : '';
  return [...steps.map(stepLabel), `${end} ${outcomes}${left}`];
}

/** Runs a schedule again, telling what happens in it and whether it ended as it did before. */
async function tell(
  trial: Trial,
  order: readonly number[],
  before: readonly string[],
): Promise<ReportedSchedule> {
  trial.narrate(true);
  const { run, world } = await replay(trial.execution, order);
  trial.narrate(false);
  const judgement = trial.judge(run, world);
  const steps = narrate(run.steps, world.sights);
  const trace = traceOf(run, judgement);
  const id = idOf(trial, run);
  return {
    id,
    model: trial.plan.model.name,
    workers: trial.branchOf.map((branch, worker) => ({ worker: worker + 1, branch })),
    steps,
    reason: explain(steps),
    replay: `bankctl stress --schedule ${id}${branchesOption(trial.plan.branches.length)}`,
    same_again: trace.join('\n') === before.join('\n'),
    switches: countSwitches(run.steps),
    preemptions: countPreemptions(run.steps),
    outcomes: judgement.outcomes,
    left_switched: judgement.leftSwitched,
    trace,
  };
}

/** An id does not say how many branches there are; two is what is taken where nothing is said. */
function branchesOption(branches: number): string {
  return branches === 2 ? '' : ` --branches ${branches}`;
}
