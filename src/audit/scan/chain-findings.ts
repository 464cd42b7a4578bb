import type { ChainEnd, ChainVerdict, Gap, MissingPostings } from '../../bank/chain.ts';
import type { BranchConfig } from '../../config/config.ts';
import { formatAmount } from '../../core/money.ts';
import { count, quote, shellWord } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import type { ChainPosting } from './journal-posting.ts';

/** How the postings of an account and its document fit together. */
export type FollowedVerdict = ChainVerdict<ChainPosting>;

/** An account whose chain was followed to its document. */
export interface FollowedAccount extends ChainEnd {
  readonly branch: BranchConfig;
  readonly account: string;
  readonly isClosed: boolean;
}

/** How amounts and times are written. */
interface Writing {
  readonly amount: (minor: bigint) => string;
  readonly at: (time: Date) => string;
}

/** What a chain says is wrong with its account. */
export function chainFindings(
  followed: FollowedAccount,
  verdict: FollowedVerdict,
  formatTime: (time: Date) => string,
): readonly Finding[] {
  const { branch, account } = followed;
  const writing: Writing = {
    amount: (minor) => formatAmount(minor, branch.currency),
    at: formatTime,
  };
  const shown = `${branch.name}:${account}`;
  const gap = (detail: string, amountMinor?: bigint): Finding => ({
    ...{ code: 'version_gap', account, branch: branch.name },
    ...(amountMinor === undefined
      ? {}
      : { amount: writing.amount(amountMinor), currency: branch.currency.code }),
    ...{ detail, cause: null, repair: 'Restore what is missing from a backup.' },
  });
  return [
    ...verdict.missing.map((missing) =>
      gap(missingDetail(shown, missing, writing), missing.amountMinor),
    ),
    ...verdict.repeated.map((version) =>
      gap(`The journal has two postings of version ${version} of ${shown}.`),
    ),
    ...(verdict.ahead ? [gap(aheadDetail(shown, followed, verdict.ahead))] : []),
    ...(verdict.gapCount > 0 ? [outsideWrite(shown, followed, verdict, writing)] : []),
  ];
}

function missingDetail(
  shown: string,
  { from, to, amountMinor }: MissingPostings,
  { amount }: Writing,
): string {
  const what = from === to ? `version ${from}` : `versions ${from} to ${to}`;
  return (
    `The journal lacks ${what} of ${shown}: ` +
    `${from === to ? 'it' : 'together they'} changed the balance by ${amount(amountMinor)}.`
  );
}

function aheadDetail(shown: string, { version }: ChainEnd, ahead: ChainPosting): string {
  return (
    `The journal has postings of ${shown} up to version ${ahead.version}, but its document ` +
    `is of version ${version}: an older one was put back.`
  );
}

function outsideWrite(
  shown: string,
  { branch, account, balanceMinor, isClosed }: FollowedAccount,
  { outsideMinor, gaps, gapCount, missing }: FollowedVerdict,
  writing: Writing,
): Finding {
  const { amount } = writing;
  const code = branch.currency.code;
  const size = amount(outsideMinor < 0n ? -outsideMinor : outsideMinor);
  const who = gapCount === 1 ? 'another program' : 'other programs';
  const places = gapCount === 1 ? '' : ` at ${gapCount} points`;
  const verb = outsideMinor < 0n ? 'took away' : 'added';
  const known = `${shown} has ${amount(balanceMinor)} ${code}`;
  const rest =
    missing.length > 0 ? '' : `, but the journal says ${amount(balanceMinor - outsideMinor)}`;
  const net =
    outsideMinor === 0n
      ? `${known}, as the journal says, but other programs changed it${places} by amounts that ` +
        'cancel out.'
      : `${known}${rest}: ${who} ${verb} ${size}${places}.`;
  const accept = `bankctl adopt ${shellWord(branch.name)} --outside-writes accepts it`;
  const takeBack = 'bankctl audit --plan FILE and then bankctl repair FILE take it back';
  return {
    ...{ code: 'outside_write', account, branch: branch.name },
    ...{ amount: amount(outsideMinor), currency: code, detail: net },
    cause: causeOf(gaps, gapCount, writing),
    repair: outsideMinor === 0n || isClosed ? `${accept}.` : `${accept}; ${takeBack}.`,
  };
}

function causeOf(gaps: readonly Gap<ChainPosting>[], gapCount: number, writing: Writing): string {
  const more = gapCount - gaps.length;
  const parts = gaps.map((gap) => gapText(gap, writing));
  return `${[...parts, ...(more > 0 ? [`and at ${count(more, 'other point')}`] : [])].join('; ')}.`;
}

function gapText(
  { amountMinor, after, before }: Gap<ChainPosting>,
  { amount, at }: Writing,
): string {
  const sign = amountMinor > 0n ? '+' : '';
  const name = ({ operation, version, at: time }: ChainPosting) =>
    `operation ${quote(operation)} of ${at(time)} (version ${version})`;
  const size = `${sign}${amount(amountMinor)}`;
  if (after && before) return `${size} between ${name(after)} and ${name(before)}`;
  if (after) return `${size} after ${name(after)}, the last one`;
  return before ? `${size} before ${name(before)}, the first one` : size;
}
