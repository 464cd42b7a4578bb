import type { AdoptionOptions, AdoptionResult } from '../bank/adoption/adoption.ts';
import type { BranchReport } from '../bank/adoption/tally.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { UnfinishedOperation } from '../core/unfinished-operation.ts';
import type { SingleResult } from '../render/result.ts';
import { column, figure, gridView, type View } from '../render/view.ts';
import { type AdoptData, adoptForms } from './adopt-schema.ts';
import type { Command, Session, Typed } from './command.ts';
import { commandLine } from './command-line.ts';
import {
  askConsent,
  type Consent,
  checkConsent,
  confirmationOptions,
  parseConsent,
} from './confirmation.ts';

export const adopt: Command = {
  name: 'adopt',
  summary: 'take over accounts that other programs wrote',
  description: [
    'Makes accounts of the documents that another program left in the collections of branches:',
    'stamps them, stores their balances as the branch does, begins their journal with the',
    'balance that they have, and gives the collections their index and validator. Balances may be',
    'doubles, integers, decimals or numeric text; account numbers may be integers, or have white',
    'space around them. Other fields stay as they are; the journal keeps what was replaced. A',
    'status open, frozen or closed counts as such, and opened_at and posted_at stay if they are',
    'times. A document with a version of its own, or with something else in those fields, is left',
    'alone without --replace-fields. So is, in a branch of doubles, where the other program goes',
    'on, one whose account number would be stored in another form.',
    '',
    'A double such as 7044.999999999999 is meant as 7045.00. A balance that loses more than that',
    "by rounding to the currency's digits is adopted and listed. What cannot be an account, or",
    'has the number of another document, is listed and left alone (status 1).',
    '',
    'The other program may go on writing meanwhile: nothing of that is lost. An interrupted run is',
    'completed by another one; after that there is nothing left to do. To adopt a collection that',
    'belongs to no branch, make it one in the config.',
    '',
    'With --outside-writes, the journal also catches up with what other programs did to accounts',
    'that were adopted before, or that bankctl opened.',
  ].join('\n'),
  arguments: [
    { name: 'branch', summary: 'branches to adopt (default: all)', optional: true, variadic: true },
  ],
  options: [
    {
      flags: '--replace-fields',
      summary: 'adopt also documents with fields of their own that bankctl writes over',
    },
    { flags: '--outside-writes', summary: 'journal also what other programs did to accounts' },
    ...confirmationOptions,
  ],
  examples: [
    'bankctl adopt --dry-run',
    'bankctl adopt branch1 branch2',
    'bankctl adopt branch1 --outside-writes --yes',
  ],
  results: adoptForms,
  makesDatabase: () => true,
  run,
};

/** What `adopt` was asked to do. */
interface AdoptInput extends AdoptionOptions, Consent {}

/** @throws `unknown_branch` */
export function parseAdopt(typed: Typed, config: Config): AdoptInput {
  const named = typed.args.flatMap((name) => (name === undefined ? [] : [name]));
  const branches = named.map((name) => findBranch(config, name).name);
  return {
    branches: named.length > 0 ? [...new Set(branches)] : config.branches.map(({ name }) => name),
    outsideWrites: typed.options['outsideWrites'] === true,
    replacesFields: typed.options['replaceFields'] === true,
    ...parseConsent(typed),
  };
}

async function run(typed: Typed, session: Session): Promise<SingleResult> {
  const input = parseAdopt(typed, await session.config());
  checkConsent(session, input, adopt.name);
  const { context, talk, progress } = session;
  const [bank, { Adoption }] = await Promise.all([
    session.bank(),
    import('../bank/adoption/adoption.ts'),
  ]);
  const verbs = { counting: 'Counting', adopting: 'Adopting', comparing: 'Comparing' };
  const adoption = new Adoption(bank, input, {
    context,
    progress: (doing, branch, documents) =>
      progress(`${verbs[doing]} ${branch}: ${count(documents, 'document')}`),
  });
  const again = commandLine(adopt, typed, session);
  if (input.dryRun || !input.yes) {
    const branches = await adoption.preview().catch((error: unknown) => {
      if (!context.interrupted.aborted) throw error;
      const message = `Interrupted. ${certainty(0)}`;
      throw new BankctlError('interrupted', message, `Run it again: ${again}`, { cause: error });
    });
    progress(undefined);
    if (input.dryRun) {
      talk('dry_run', 'Dry run: nothing was written.');
      return toResult({ branches, missing: [], isInterrupted: false }, input, session);
    }
    if (branches.every(isDone)) talk('nothing_to_do', 'There is nothing to adopt.');
    else await askAbout(branches, session);
  }
  const rerun = `To adopt the rest, run it again: ${again}`;
  const result = await adoption.carryOut().catch((error: unknown) => {
    throw explain(error, adoption.changed(), rerun);
  });
  progress(undefined);
  if (result.isInterrupted) {
    talk('interrupted', `Interrupted. ${certainty(adoption.changed())}`);
    talk('rerun', rerun);
  }
  return toResult(result, input, session);
}

function isDone({ adopted, converted, outside }: BranchReport): boolean {
  return adopted + converted + outside.length === 0;
}

async function askAbout(branches: readonly BranchReport[], session: Session): Promise<void> {
  for (const report of branches) {
    session.say('preview', previewLine(report));
    for (const line of renumberedLines(report)) session.say('preview', line);
  }
  sayConflicts(branches, session);
  await askConsent(session, 'Adopt these?');
}

/** What would be done with one branch, for the person who is asked. */
function previewLine(report: BranchReport): string {
  const { branch, adopted, converted, conflicting, before, after, currency } = report;
  const { renumbered, replaced } = report;
  const rounded = report.rounded.length + report.roundedMore;
  const outside = report.outside.length + report.outsideMore;
  const parts = [
    `${count(adopted, 'document')} to adopt`,
    ...(converted > 0 ? [`${count(converted, 'balance')} to convert`] : []),
    ...(rounded > 0 ? [`${count(rounded, 'balance')} to round`] : []),
    ...(renumbered > 0 ? [`${count(renumbered, 'account number')} to change`] : []),
    ...(replaced > 0 ? [`${count(replaced, 'document')} with fields to write over`] : []),
    ...(outside > 0 ? [`${count(outside, 'account')} to journal`] : []),
    ...(conflicting > 0 ? [`${count(conflicting, 'document')} to leave alone`] : []),
  ];
  const total = before === after ? `${after}, as before` : `${after}, instead of ${before}`;
  return `${branch}: ${parts.join(', ')}; the total is ${total} (${currency}).`;
}

/** Programs that look for the numbers as they were will not find them. */
function renumberedLines({ branch, renumbered, renumberedRows }: BranchReport): readonly string[] {
  if (renumbered === 0) return [];
  const some = renumberedRows.map(({ before, after }) => `${before} becomes ${after}`);
  const more = renumbered > some.length ? ['…'] : [];
  const list = [...some, ...more].join(', ');
  const numbers = count(renumbered, 'account number');
  return [`${branch}: ${numbers} in another form, which a program may look for: ${list}.`];
}

/** How many conflicts are shown; the result has more of them. */
const maxShown = 10;

function sayConflicts(branches: readonly BranchReport[], session: Session): void {
  const conflicts = branches.flatMap((report) => report.conflicts);
  for (const { branch, code, detail } of conflicts.slice(0, maxShown)) {
    session.say('conflict', `${branch}, ${code}: ${detail}`);
  }
  const more = conflicts.length - maxShown;
  if (more > 0) session.say('more_conflicts', `... and ${more} more; --dry-run --json lists them.`);
  if (conflicts.some(isTakenField)) session.say('conflict', replaceHint);
}

function isTakenField({ code }: BranchReport['conflicts'][number]): boolean {
  return code === 'field_taken';
}

const replaceHint =
  'field_taken: --replace-fields adopts these too; the journal keeps what the fields had.';

function certainty(changed: number): string {
  if (changed === 0) return 'Nothing was adopted by this run.';
  return `${count(changed, 'document')} ${changed === 1 ? 'is' : 'are'} certainly adopted.`;
}

/** What ended it, with what is certain and what to type next. */
function explain(error: unknown, changed: number, rerun: string): unknown {
  const fate = certainty(changed);
  if (!(error instanceof BankctlError)) return new UnfinishedOperation(fate, rerun, error);
  if (changed === 0 && error.code !== 'outcome_unknown' && error.code !== 'interrupted') {
    return error;
  }
  return new BankctlError(error.code, `${error.message} ${fate}`, rerun, { cause: error });
}

function toResult(
  { branches, missing, isInterrupted }: AdoptionResult,
  { dryRun, outsideWrites }: AdoptInput,
  session: Session,
): SingleResult {
  const sum = (of: (report: BranchReport) => number) =>
    branches.reduce((total, report) => total + of(report), 0);
  const roundedMore = sum((report) => report.roundedMore);
  const outsideMore = sum((report) => report.outsideMore);
  const conflicts = branches.flatMap((report) => report.conflicts);
  for (const { branch, guard, reason } of missing) {
    const message = `${branch} has no ${guard} yet: ${reason}`;
    session.say(`missing_${guard}`, message, { branch, guard });
  }
  const data: AdoptData = {
    adopted: sum(({ adopted }) => adopted),
    converted: sum(({ converted }) => converted),
    rounded: branches.flatMap(({ rounded }) => rounded),
    ...(roundedMore > 0 && { rounded_more: roundedMore }),
    renumbered: sum(({ renumbered }) => renumbered),
    replaced: sum(({ replaced }) => replaced),
    conflicts,
    ...(outsideWrites && { outside: branches.flatMap(({ outside }) => outside) }),
    ...(outsideMore > 0 && { outside_more: outsideMore }),
    totals: branches.map(({ branch, currency, before, after }) => {
      return { branch, currency, before, after };
    }),
    dry_run: dryRun,
    ...(isInterrupted && { interrupted: true }),
  };
  return {
    kind: 'single',
    wrote: !dryRun,
    data,
    view: resultView(branches, outsideWrites),
    ...statusOf(isInterrupted, conflicts.length + missing.length > 0),
  };
}

function statusOf(isInterrupted: boolean, isRefused: boolean): Pick<SingleResult, 'status'> {
  if (isInterrupted) return { status: Status.interrupted };
  return isRefused ? { status: Status.refused } : {};
}

function resultView(branches: readonly BranchReport[], outsideWrites: boolean): View {
  const rows = branches.map((report) => ({
    ...report,
    rounded: report.rounded.length + report.roundedMore,
    outside: report.outside.length + report.outsideMore,
    conflicts: report.conflicting,
  }));
  const columns = [
    ...[column('branch'), figure('adopted'), figure('converted'), figure('rounded')],
    ...(outsideWrites ? [figure('outside')] : []),
    ...[figure('conflicts'), figure('before'), figure('after'), column('currency')],
  ];
  return { ...gridView(rows, columns), notes: branches.flatMap(notesOf) };
}

/** What people have to look at, of one branch. */
function notesOf(report: BranchReport): readonly string[] {
  const { branch, rounded, roundedMore, outside, outsideMore, conflicts, currency } = report;
  const lists = [
    listed(rounded, roundedMore, 'rounded balance', ({ account, before, after }) => {
      return `${branch}:${account}: rounded from ${before} to ${after} ${currency}`;
    }),
    listed(outside, outsideMore, 'account', ({ account, amount }) => {
      return `${branch}:${account}: ${amount} ${currency} written by other programs, journalled`;
    }),
    listed(conflicts, 0, 'conflict', ({ code, detail }) => `${branch}, ${code}: ${detail}`),
  ];
  const { after, before } = report;
  const sum = before === after ? [] : [`${branch}: rounding changed ${before} to ${after} in all.`];
  const left = 'Left alone. Mend these documents, or remove what is no account; then adopt again.';
  return [
    ...lists.flat(),
    ...renumberedLines(report),
    ...sum,
    ...(conflicts.length > 0 ? [left] : []),
    ...(conflicts.some(isTakenField) ? [replaceHint] : []),
  ];
}

/** The first of some things, and how many others there are. */
function listed<Item>(
  items: readonly Item[],
  others: number,
  noun: string,
  text: (item: Item) => string,
): readonly string[] {
  const more = items.length + others - maxShown;
  const shown = items.slice(0, maxShown).map(text);
  return more > 0
    ? [...shown, `... and ${count(more, `more ${noun}`)}; --json lists them.`]
    : shown;
}
