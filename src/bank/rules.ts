import type { BranchConfig } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import type { AccountState, Book } from './book.ts';
import type { Posting } from './operations/entry.ts';
import type { Leg, Pinned } from './operations/kind.ts';
import { referenceKey, shellReference } from './operations/names.ts';
import { noProfile, type ProfileChange } from './operations/profile.ts';
import { maxBalanceMinor } from './stored-balance.ts';

/** What an operation does, once the rules let it through. */
interface Accepted {
  readonly at: Date;
  readonly postings: readonly Posting[];
}

/**
 * Applies the legs of one operation and advances the book. Pure except for the book. The time is
 * the server's, or a millisecond after the newest posting of an earlier transaction on these
 * accounts, so that times alone order transactions. Each transaction of an account waits for the
 * disk, so only more than a thousand per second would run ahead of the clock. If the clock was set
 * back, times continue from the newest posting until it has caught up.
 * @throws `BankctlError` with the code of the rule that refuses it; the book is then unchanged
 */
export function applyLegs(book: Book, legs: readonly Leg[]): Accepted {
  const steps = legs.map((leg) => {
    const key = referenceKey(leg);
    return { leg, key, before: stateBefore(book, leg, key) };
  });
  let at = book.now;
  for (const { before } of steps) if (before.nextAt.getTime() > at.getTime()) at = before.nextAt;
  const states = steps.map(({ leg, key, before }) => stateAfter(book, leg, key, before, at));
  for (const { key } of states) {
    const behind = book.behind.get(key);
    if (behind) throw behind;
  }
  for (const { key, after } of states) book.accounts.set(key, after);
  return { at, postings: states.map(({ posting }) => posting) };
}

function stateBefore(book: Book, leg: Leg, key: string): AccountState {
  const branch = book.branch(leg.branch);
  const reading = book.accounts.get(key) ?? 'missing';
  if (reading instanceof BankctlError) throw reading;
  if (reading === 'missing') {
    if (leg.missing === 'create') return newAccount(book.now);
    throw new BankctlError(
      'account_not_found',
      `There is no account ${leg.account} in ${branch.name}.`,
      `Open it with bankctl open ${shellReference(leg)}.`,
    );
  }
  checkStatus(leg, reading);
  if (leg.pinned) checkPinned(branch, leg, reading, leg.pinned);
  return reading;
}

function checkPinned(
  { currency }: BranchConfig,
  leg: Leg,
  { balanceMinor, version }: AccountState,
  pinned: Pinned,
): void {
  if (balanceMinor === pinned.balanceMinor && version === pinned.version) return;
  const shown = (minor: bigint, at: bigint) =>
    `${formatAmount(minor, currency)} ${currency.code} at version ${at}`;
  throw new BankctlError(
    'account_moved',
    `The account ${referenceKey(leg)} has ${shown(balanceMinor, version)}, ` +
      `and no longer ${shown(pinned.balanceMinor, pinned.version)}.`,
  );
}

function newAccount(now: Date): AccountState {
  const times = { openedAt: now, postedAt: now, nextAt: now };
  const rest = { profile: undefined, documentId: undefined };
  return { version: 0n, balanceMinor: 0n, status: 'open', ...times, ...rest };
}

function checkStatus(leg: Leg, { status }: AccountState): void {
  if (leg.existing === 'use' && (leg.needs?.includes(status) ?? status === 'open')) return;
  const shown = referenceKey(leg);
  const words = shellReference(leg);
  if (leg.existing === 'refuse') {
    throw new BankctlError(
      'account_exists',
      `The account ${shown} already exists.`,
      `See it with bankctl balance ${words}.`,
    );
  }
  if (status === leg.status && status !== 'open') {
    throw new BankctlError(
      status === 'closed' ? 'account_closed' : 'account_frozen',
      `The account ${shown} is already ${status}.`,
      `See it with bankctl balance ${words}.`,
    );
  }
  if (status === 'closed') {
    throw new BankctlError('account_closed', `The account ${shown} is closed.`);
  }
  if (status === 'frozen') {
    throw new BankctlError(
      'account_frozen',
      `The account ${shown} is frozen.`,
      `Unfreeze it with bankctl unfreeze ${words}.`,
    );
  }
  throw new BankctlError(
    'account_not_frozen',
    `The account ${shown} is not frozen.`,
    `See its status with bankctl balance ${words}.`,
  );
}

function stateAfter(book: Book, leg: Leg, key: string, before: AccountState, at: Date) {
  const branch = book.branch(leg.branch);
  const balanceMinor = before.balanceMinor + (leg.isRecorded ? 0n : leg.amountMinor);
  if (leg.status === undefined) checkBounds(branch, leg, before.balanceMinor, balanceMinor);
  if (leg.status === 'closed' && balanceMinor !== 0n) {
    throw new BankctlError(
      'balance_not_zero',
      `The account ${referenceKey(leg)} still has ${formatAmount(balanceMinor, branch.currency)} ` +
        `${branch.currency.code}.`,
    );
  }
  const profile = profileChange(leg, before);
  const after: AccountState = {
    version: before.version + 1n,
    balanceMinor,
    status: leg.status ?? before.status,
    openedAt: before.openedAt,
    postedAt: at,
    // A second posting of the same transaction is ordered by `seq`.
    nextAt: at,
    profile: profile?.after ?? before.profile,
    documentId: before.documentId,
    ...(before.hasBadProfile && !profile ? { hasBadProfile: true } : {}),
  };
  const posting: Posting = {
    branch: leg.branch,
    account: leg.account,
    amountMinor: leg.amountMinor,
    balanceBeforeMinor: balanceMinor - leg.amountMinor,
    balanceAfterMinor: balanceMinor,
    version: after.version,
  };
  return { key, after, posting: profile ? { ...posting, profile } : posting };
}

function profileChange(leg: Leg, state: AccountState): ProfileChange | undefined {
  if (!leg.profile) return undefined;
  const before = state.profile ?? noProfile;
  return { before, after: leg.profile(before, state.hasBadProfile === true) };
}

function checkBounds(
  branch: BranchConfig,
  leg: Leg,
  beforeMinor: bigint,
  afterMinor: bigint,
): void {
  const { currency } = branch;
  const shown = (minor: bigint) => formatAmount(minor, currency);
  if (afterMinor < branch.minBalanceMinor && !leg.isUnbounded) {
    const least = shown(branch.minBalanceMinor);
    if (leg.existing === 'refuse') {
      throw new BankctlError(
        'below_minimum',
        `The account ${referenceKey(leg)} would begin with ${shown(afterMinor)} ` +
          `${currency.code}, below the minimum of ${least}.`,
        'Open it with a balance that its branch allows.',
      );
    }
    throw new BankctlError(
      'below_minimum',
      `The account ${referenceKey(leg)} has ${shown(beforeMinor)} ${currency.code}; ` +
        `${shown(leg.amountMinor)} would leave ${shown(afterMinor)}, below the minimum ` +
        `of ${least}.`,
      `See it with bankctl balance ${shellReference(leg)}.`,
    );
  }
  const limitMinor = maxBalanceMinor(branch);
  if (afterMinor > limitMinor || afterMinor < -limitMinor) {
    const limit = shown(afterMinor < 0n ? -limitMinor : limitMinor);
    throw new BankctlError(
      'balance_limit',
      `The account ${referenceKey(leg)} would be beyond ${limit} ${currency.code}, which ` +
        `${branch.storage === 'double' ? 'a double cannot hold exactly' : 'is the limit'}.`,
      branch.storage === 'double'
        ? 'With storage: double a balance has at most 15 digits, including the decimals.'
        : undefined,
    );
  }
}
