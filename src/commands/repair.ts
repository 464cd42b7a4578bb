import type { Plan, PlanEntry } from '../audit/plan/plan.ts';
import type { RepairHost, RepairRun } from '../audit/plan/repair-run.ts';
import type { Bank } from '../bank/bank.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { Left } from '../files/file-run.ts';
import { chooseStyle, draw, placeOf } from '../render/formats.ts';
import { bar } from '../render/progress.ts';
import type { SingleResult } from '../render/result.ts';
import type { Command, Session, Typed } from './command.ts';
import { argument } from './command-input.ts';
import {
  askConsent,
  type Consent,
  checkConsent,
  confirmationOptions,
  parseConsent,
} from './confirmation.ts';
import { rerunHint } from './file-command.ts';
import {
  countsOf,
  entriesText,
  type Repaired,
  repairData,
  repairForms,
  repairView,
} from './repair-result.ts';

/** What `repair` was asked for. */
interface RepairInput extends Consent {
  readonly file: string;
}

export const repair: Command = {
  name: 'repair',
  summary: 'carry out a plan that bankctl audit --plan wrote',
  description: [
    'Shows what the plan would change, asks, and posts each entry as an operation of type repair,',
    'with its reason as the memo. Of each entry all changes are made, or none.',
    'Money that another program added is journalled first, as an operation of type adopt.',
    '',
    'A plan belongs to one database, and each entry to the balances and versions that the audit',
    'saw. The whole plan is checked before anything is written: a line that cannot be read, or an',
    'entry that never was true, refuses all of it. What has moved since is skipped and said; make',
    'a new plan for it. Entries may be deleted from the plan, and put in another order.',
    '',
    'After an interruption of any kind, run the same command again: what was done is recognized by',
    'its id, and not done twice. bankctl reverse ID takes a repair back. A repair may leave a',
    'balance below minBalance, and may change a frozen account, but not a closed one.',
  ].join('\n'),
  arguments: [{ name: 'plan', summary: 'the file that bankctl audit --plan wrote' }],
  options: confirmationOptions,
  examples: [
    'bankctl repair plan.yaml --dry-run',
    'bankctl repair plan.yaml',
    'bankctl repair plan.yaml --yes --json',
  ],
  results: repairForms,
  run,
};

/** @throws `usage` */
export function parseRepair(typed: Typed): RepairInput {
  const file = argument(typed, 0);
  if (file !== '-') return { file, ...parseConsent(typed) };
  throw new BankctlError(
    'usage',
    'A plan is read from a file, since the standard input answers the question.',
    'Name the file that bankctl audit --plan wrote.',
  );
}

async function run(typed: Typed, session: Session): Promise<SingleResult> {
  const input = parseRepair(typed);
  checkConsent(session, input, 'repair');
  const config = await session.config();
  const [{ readPlanText }, { parsePlan }, { checkPlan }] = await Promise.all([
    import('../audit/plan/plan-reader.ts'),
    import('../audit/plan/plan-parser.ts'),
    import('../audit/plan/preflight.ts'),
  ]);
  const { context, progress } = session;
  const plan = parsePlan(input.file, await readPlanText(input.file, context), config);
  const bank = await session.bank();
  if (plan.entries.length === 0) {
    session.talk(
      'nothing_to_do',
      `The plan ${input.file} has no entries: there is nothing to repair.`,
    );
  }
  const before = await checkPlan(bank, input.file, plan, { context });
  if (!input.yes && !input.dryRun) await ask({ bank, plan, before, file: input.file }, session);
  const done = await carryOutAll(bank, plan.entries, input.dryRun, session);
  progress(undefined);
  const rerun = rerunHint(repair, typed, session);
  const hasEnded = done.failure === undefined && done.judged.length === plan.entries.length;
  if (!hasEnded) await refuseUnfinished(done, plan, session, rerun);
  return toResult({ bank, before, dryRun: input.dryRun, interrupted: !hasEnded, ...done });
}

async function carryOutAll(
  bank: Bank,
  entries: readonly PlanEntry[],
  dryRun: boolean,
  { context, progress }: Session,
): Promise<RepairRun> {
  const { carryOut } = await import('../audit/plan/repair-run.ts');
  const what = dryRun ? 'Checking' : 'Repairing';
  const host: RepairHost = {
    ...{ context, dryRun },
    progress: (done) =>
      progress(`${what} ${bar(done / entries.length)} ${done} of ${entries.length}`),
  };
  return carryOut(bank, entries, host);
}

interface Question extends Pick<Repaired, 'bank' | 'before'> {
  readonly plan: Plan;
  readonly file: string;
}

/** @throws `not_confirmed`, `interrupted`; what ends the look at what would be done */
async function ask({ bank, plan, before, file }: Question, session: Session): Promise<void> {
  const rehearsal = await carryOutAll(bank, plan.entries, true, session);
  session.progress(undefined);
  if (session.context.interrupted.aborted) {
    throw new BankctlError('interrupted', 'Interrupted. Nothing was repaired by this run.');
  }
  if (rehearsal.failure) throw rehearsal.failure.error;
  const { repaired } = countsOf(rehearsal.judged);
  if (repaired === 0) return;
  const { database, made, by } = plan;
  session.say(
    'preview',
    `The plan ${file} of the database ${quote(database)}, made ${made} by ${by}:`,
  );
  const view = repairView({ bank, before, dryRun: true, interrupted: false, ...rehearsal });
  const style = await chooseStyle({ ...placeOf(session.context, false), terminal: true });
  for (const line of (await draw(view, style)).split('\n')) session.say('preview', line);
  await askConsent(session, `Carry out ${entriesText(repaired)}?`);
}

function toResult(repaired: Repaired): SingleResult {
  const { judged, dryRun, interrupted } = repaired;
  const { moved, skipped } = countsOf(judged);
  const status = moved + skipped > 0 ? Status.refused : Status.done;
  return {
    kind: 'single',
    wrote: !dryRun,
    data: repairData(repaired),
    view: repairView(repaired),
    status: interrupted ? Status.interrupted : status,
  };
}

/**
 * Returns only if the run was interrupted after its first entry: then there is a result.
 *
 * @throws what ended the run, with what is certain and what to type next
 */
async function refuseUnfinished(
  { judged, unknown, failure }: RepairRun,
  { entries }: Plan,
  { context, talk }: Session,
  rerun: (left: Left) => string,
): Promise<void> {
  const certainty = certaintyOf(judged.length, unknown);
  const left = unknown > 0 ? 'unknown' : judged.length === 0 ? 'all' : 'rest';
  const hint = rerun(left);
  if (context.interrupted.aborted) {
    const message = `Interrupted. ${certainty}`;
    if (left === 'all') throw new BankctlError('interrupted', message, hint);
    talk(
      'interrupted',
      `${message} ${entriesText(entries.length - judged.length - unknown)} are left.`,
    );
    talk('rerun', hint);
    return;
  }
  const { describeFailure } = await import('../audit/plan/repair-failure.ts');
  throw describeFailure(failure?.error, certainty, hint);
}

function certaintyOf(done: number, unknown: number): string {
  if (done + unknown === 0) return 'Nothing was repaired by this run.';
  const known = `${entriesText(done)} ${done === 1 ? 'is' : 'are'} certainly done or skipped`;
  return unknown === 0
    ? `${known}, and nothing else was repaired by this run.`
    : `${known}; ${entriesText(unknown)} may or may not be done.`;
}
