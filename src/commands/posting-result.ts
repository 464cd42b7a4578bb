import type { Branches } from '../bank/branch.ts';
import type { Posting } from '../bank/operations/entry.ts';
import { referenceKey } from '../bank/operations/names.ts';
import { kindOf, type OperationType } from '../bank/operations/operation.ts';
import { type ShownProfile, showProfile } from '../bank/operations/profile.ts';
import { formatAmount } from '../core/money.ts';
import type { SingleResult } from '../render/result.ts';
import { column, figure, gridView, recordView, type View } from '../render/view.ts';

/** The outcome of one operation. */
export interface Posted {
  /** The id in the journal; null without a journal, and in a dry run that was given none. */
  readonly operation: string | null;
  readonly type: OperationType;
  readonly replayed: boolean;
  readonly dryRun: boolean;
  readonly reverses: string | undefined;
  readonly postings: readonly Posting[];
}

/** The result of a command that posts one operation: as JSON, and as people see it. */
export function postedResult(posted: Posted, branches: Branches): SingleResult {
  const [first, second, ...more] = posted.postings;
  if (!first) throw new Error('an applied operation has no posting');
  const { data, view } =
    second && (more.length > 0 || first.amountMinor !== -second.amountMinor)
      ? manyResult(posted, branches)
      : recordResult(posted, first, second, branches);
  return {
    kind: 'single',
    data,
    view,
    wrote: !posted.dryRun,
    ...(posted.operation === null || posted.dryRun ? {} : { operation: posted.operation }),
  };
}

type Shown = Pick<SingleResult, 'data' | 'view'>;

/** One posting, or the two of a transfer. */
function recordResult(
  posted: Posted,
  first: Posting,
  second: Posting | undefined,
  branches: Branches,
): Shown {
  const data = second
    ? transferData(posted, first, second, branches)
    : accountData(posted, first, branches);
  const { replayed: _replayed, dry_run: _dryRun, operation, currency, ...rest } = data;
  const shown = { ...withoutEmpty(rest), currency, ...(operation === null ? {} : { operation }) };
  return { data, view: flatView(shown) };
}

/** Without the owner and labels that an account did not have before. */
function withoutEmpty(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isEmpty = (name: string, value: unknown) =>
    name.endsWith('_before') && (value === null || (Array.isArray(value) && value.length === 0));
  return Object.fromEntries(Object.entries(data).filter(([name, value]) => !isEmpty(name, value)));
}

/** Postings that are no transfer, as the reversal of a repair may have. */
function manyResult(posted: Posted, branches: Branches): Shown {
  const postings = posted.postings.map((posting) => {
    const { amount, before, after } = amountsOf(posting, branches);
    const { branch, account, version } = posting;
    const figures = { amount, balance_before: before, balance: after, version: Number(version) };
    return { branch, account, ...figures, currency: branches.get(branch).currency.code };
  });
  const view = gridView(postings, [
    ...[column('branch'), column('account'), figure('amount'), figure('balance_before')],
    ...[figure('balance'), figure('version'), column('currency')],
  ]);
  const { operation, reverses } = posted;
  const notes = [
    ...(operation === null ? [] : [`operation ${operation}`]),
    ...(reverses === undefined ? [] : [`reverses ${reverses}`]),
  ];
  const data: PostedMany = { ...flags(posted), postings };
  return { data, view: { ...view, notes } };
}

/** What every posting says of its operation. */
interface PostedFlags {
  readonly operation: string | null;
  readonly reverses?: string;
  readonly replayed: boolean;
  readonly dry_run: boolean;
}

/** The JSON of an operation on one account. */
export interface PostedAccount extends PostedFlags, Partial<ShownProfile> {
  readonly branch: string;
  readonly account: string;
  readonly amount?: string;
  readonly balance_before?: string;
  readonly balance: string;
  readonly currency: string;
  readonly version: number;
  /** Of a command that sets it. */
  readonly status?: string;
}

/** One account of an operation on several. */
export interface TransferSide {
  readonly branch: string;
  readonly account: string;
  readonly balance_before: string;
  readonly balance: string;
  readonly version: number;
}

/** The JSON of an operation on two accounts. */
export interface PostedTransfer extends PostedFlags {
  readonly amount: string;
  readonly currency: string;
  readonly from: TransferSide;
  readonly to: TransferSide;
}

/** One posting of an operation on several accounts that is no transfer. */
export interface PostedOne extends TransferSide {
  readonly amount: string;
  readonly currency: string;
}

/** The JSON of an operation on several accounts that is no transfer. */
export interface PostedMany extends PostedFlags {
  readonly postings: readonly PostedOne[];
}

function flags({ operation, replayed, dryRun, reverses }: Posted): PostedFlags {
  return {
    operation,
    ...(reverses === undefined ? {} : { reverses }),
    replayed,
    dry_run: dryRun,
  };
}

function accountData(posted: Posted, posting: Posting, branches: Branches): PostedAccount {
  const amounts = amountsOf(posting, branches);
  const { showsAmount, status } = kindOf(posted.type);
  return {
    ...flags(posted),
    branch: posting.branch,
    account: posting.account,
    ...(showsAmount ? { amount: amounts.amount, balance_before: amounts.before } : {}),
    balance: amounts.after,
    currency: branches.get(posting.branch).currency.code,
    version: Number(posting.version),
    ...(status === undefined ? {} : { status }),
    ...(posting.profile && showProfile(posting.profile)),
  };
}

/** The leg that lost money is the source, even if a transfer was reversed. */
function transferData(
  posted: Posted,
  first: Posting,
  second: Posting,
  branches: Branches,
): PostedTransfer {
  const [from, to] = first.amountMinor < 0n ? [first, second] : [second, first];
  const side = (posting: Posting): TransferSide => {
    const { before, after } = amountsOf(posting, branches);
    return {
      branch: posting.branch,
      account: posting.account,
      balance_before: before,
      balance: after,
      version: Number(posting.version),
    };
  };
  return {
    ...flags(posted),
    amount: amountsOf(to, branches).amount,
    currency: branches.get(to.branch).currency.code,
    from: side(from),
    to: side(to),
  };
}

function amountsOf(posting: Posting, branches: Branches) {
  const { currency } = branches.get(posting.branch);
  return {
    amount: formatAmount(posting.amountMinor, currency),
    before: formatAmount(posting.balanceBeforeMinor, currency),
    after: formatAmount(posting.balanceAfterMinor, currency),
  };
}

/** One line per field; nested fields are flattened, as `from balance`. */
function flatView(data: Readonly<Record<string, unknown>>): View {
  const fields = Object.entries(data).flatMap(([name, value]) => flatten(name, value));
  return recordView(Object.fromEntries(fields));
}

function flatten(name: string, value: unknown): readonly (readonly [string, string])[] {
  if (Array.isArray(value)) return [[name, value.join(' ')]];
  if (typeof value !== 'object' || value === null) return [[name, String(value ?? '')]];
  const { branch, account, ...rest } = Object(value);
  return [
    [name, referenceKey({ branch, account })],
    ...Object.entries(rest).map(([inner, of]) => [`${name}_${inner}`, String(of)] as const),
  ];
}
