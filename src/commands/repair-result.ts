import type { PlanEntry } from '../audit/plan/plan.ts';
import type { BranchSums } from '../audit/plan/preflight.ts';
import type { EntryOutcome, JudgedEntry } from '../audit/plan/repair-run.ts';
import type { Bank } from '../bank/bank.ts';
import type { BranchConfig } from '../config/config.ts';
import { formatAmount } from '../core/money.ts';
import { count } from '../core/text.ts';
import type { Row, View } from '../render/view.ts';
import {
  amount,
  flag,
  listOf,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  text,
  wholeNumber,
} from './result-schema.ts';

/** What a run of a plan did, or would do. */
export interface Repaired {
  readonly bank: Bank;
  /** What the accounts of the plan had before, by branch. */
  readonly before: BranchSums;
  readonly judged: readonly JudgedEntry[];
  readonly unknown: number;
  readonly dryRun: boolean;
  readonly interrupted: boolean;
}

type Counts = Readonly<Record<EntryOutcome['kind'], number>>;

/** How many entries had each outcome. */
export function countsOf(judged: readonly JudgedEntry[]): Counts {
  const counts = { repaired: 0, replayed: 0, moved: 0, skipped: 0 };
  for (const { outcome } of judged) counts[outcome.kind] += 1;
  return counts;
}

/** `1 entry`, `2 entries`. */
export function entriesText(number: number): string {
  return number === 1 ? '1 entry' : `${number} entries`;
}

/** An entry that was not carried out; keys as in the JSON result. */
interface NotDone {
  readonly account: string;
  readonly operation: string;
  readonly code: string;
  readonly reason: string;
}

/** The run of a plan as JSON. */
interface RepairData {
  readonly repaired: number;
  readonly replayed: number;
  readonly moved: readonly NotDone[];
  readonly skipped: readonly NotDone[];
  readonly totals: readonly BranchTotals[];
  readonly dry_run: boolean;
  readonly interrupted?: boolean;
  /** Of an interrupted run: entries of which it is not known whether they were carried out. */
  readonly unknown?: number;
}

const notDone = listOf(
  objectOf<NotDone>({ account: text, operation: text, code: text, reason: text }),
);

/** What `repair` prints. */
export const repairForms: readonly ResultForm[] = [
  oneOf(
    objectOf<RepairData>({
      ...{ repaired: wholeNumber, replayed: wholeNumber, moved: notDone, skipped: notDone },
      totals: listOf(
        objectOf<BranchTotals>({ branch: text, currency: text, before: amount, changed: amount }),
      ),
      ...{ dry_run: flag, interrupted: optional(flag), unknown: optional(wholeNumber) },
    }),
  ),
];

/** The result as JSON. */
export function repairData(run: Repaired): RepairData {
  const { judged, dryRun, interrupted, unknown } = run;
  const { repaired, replayed } = countsOf(judged);
  const refusals = (kind: EntryOutcome['kind']) =>
    judged.flatMap(({ entry: { account, id: operation }, outcome }) =>
      outcome.kind === kind && 'error' in outcome
        ? [{ account, operation, code: outcome.error.code, reason: outcome.error.message }]
        : [],
    );
  return {
    ...{ repaired, replayed, moved: refusals('moved'), skipped: refusals('skipped') },
    totals: totalsOf(run),
    dry_run: dryRun,
    ...(interrupted && { interrupted, unknown }),
  };
}

/**
 * What the accounts of the plan had in one branch, and what this run added to that; keys as in the
 * JSON result. What they have now is not known, since other programs may have written meanwhile.
 */
interface BranchTotals {
  readonly branch: string;
  readonly currency: string;
  readonly before: string;
  readonly changed: string;
}

function totalsOf({ bank, before, judged }: Repaired): readonly BranchTotals[] {
  const changed = new Map<string, bigint>();
  for (const { entry, outcome } of judged) {
    if (outcome.kind !== 'repaired') continue;
    for (const { branch, amountMinor } of entry.changes) {
      changed.set(branch, (changed.get(branch) ?? 0n) + amountMinor);
    }
  }
  return [...before].map(([branch, beforeMinor]) => {
    const { currency } = bank.branches.get(branch);
    const shown = (minor: bigint) => formatAmount(minor, currency);
    return {
      ...{ branch, currency: currency.code },
      ...{ before: shown(beforeMinor), changed: shown(changed.get(branch) ?? 0n) },
    };
  });
}

/** A longer table is read by nobody: then only what was not done is shown. */
const maxRows = 1_000;

/** How many reasons are shown to people. */
const maxNotes = 20;

/** The result as people see it. */
export function repairView(run: Repaired): View {
  const { bank, judged, dryRun } = run;
  const isLong = judged.length > maxRows;
  const shown = isLong ? judged.filter(isRefused).slice(0, maxRows) : judged;
  return {
    layout: 'grid',
    columns: [
      { name: 'account' },
      { name: 'branch' },
      { name: 'amount', align: 'right' },
      { name: 'before', align: 'right' },
      { name: 'after', align: 'right' },
      { name: 'currency' },
      { name: 'outcome' },
    ],
    rows: shown.flatMap((one) => entryRows(one, dryRun, bank.branches.get)),
    notes: [
      ...(isLong ? [`Of ${entriesText(judged.length)}, only those not repaired are shown.`] : []),
      ...reasons(judged, dryRun),
      countsText(judged, dryRun),
      ...totalsOf(run).map((totals) => totalsText(totals, dryRun)),
      ...(countsOf(judged).moved > 0
        ? ['For what has moved, make a new plan with bankctl audit --plan.']
        : []),
    ],
  };
}

function isRefused({ outcome }: JudgedEntry): boolean {
  return 'error' in outcome;
}

function entryRows(
  { entry, outcome }: JudgedEntry,
  dryRun: boolean,
  branchOf: (name: string) => BranchConfig,
): readonly Row[] {
  const word = outcome.kind === 'repaired' && dryRun ? 'to do' : words[outcome.kind];
  return entry.changes.map(({ branch, amountMinor, balanceMinor }) => {
    const { currency } = branchOf(branch);
    const amounts = [amountMinor, balanceMinor, balanceMinor + amountMinor];
    const [amount = '', before = '', after = ''] = amounts.map((it) => formatAmount(it, currency));
    const isDone = !('error' in outcome);
    return [entry.account, branch, amount, before, isDone ? after : '', currency.code, word];
  });
}

const words: Readonly<Record<EntryOutcome['kind'], string>> = {
  repaired: 'repaired',
  replayed: 'done before',
  moved: 'moved',
  skipped: 'skipped',
};

/** Why the entries are to be carried out, before they are; and why some were not. */
function reasons(judged: readonly JudgedEntry[], dryRun: boolean): readonly string[] {
  const all = judged.flatMap(({ entry, outcome }) => {
    if ('error' in outcome) return [refusalText(entry, outcome)];
    return dryRun && outcome.kind === 'repaired' ? [reasonText(entry)] : [];
  });
  const more = all.length - maxNotes;
  const rest =
    more > 0 ? [`... and ${count(more, 'more reason')}; --json lists those not done.`] : [];
  return [...all.slice(0, maxNotes), ...rest];
}

/** Most reasons of an audit begin with the account already. */
function reasonText({ account, why }: PlanEntry): string {
  return why.startsWith(`${account}:`) ? why : `${account}: ${why}`;
}

function refusalText(
  { account }: PlanEntry,
  { kind, error }: Extract<EntryOutcome, { readonly error: unknown }>,
): string {
  return `${account} ${kind === 'moved' ? 'has moved' : 'was skipped'}: ${error.message}`;
}

function countsText(judged: readonly JudgedEntry[], dryRun: boolean): string {
  const { repaired, replayed, moved, skipped } = countsOf(judged);
  const was = (number: number) => (number === 1 ? 'was' : 'were');
  const done = dryRun ? 'would be repaired' : `${was(repaired)} repaired`;
  return [
    `${entriesText(repaired)} ${done}`,
    ...(replayed > 0 ? [`${replayed} ${was(replayed)} done before`] : []),
    ...(moved > 0 ? [`${moved} ${moved === 1 ? 'has' : 'have'} moved`] : []),
    ...(skipped > 0 ? [`${skipped} ${was(skipped)} skipped`] : []),
  ]
    .join(', ')
    .concat(dryRun ? '; nothing was written.' : '.');
}

function totalsText({ branch, currency, before, changed }: BranchTotals, dryRun: boolean): string {
  const changes = dryRun ? 'this would change' : 'this run changed';
  const had = `${branch}: the accounts of the plan had ${before} ${currency}`;
  return `${had}, and ${changes} them by ${changed}.`;
}
