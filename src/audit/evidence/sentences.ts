import { formatAmount } from '../../core/money.ts';
import type { Finding } from '../finding.ts';
import type { BalanceSheet } from './balance-sheet.ts';
import type { Basis } from './seen-numbers.ts';
import type { Bounds, Statement, Verdict } from './theorem.ts';

/** What is said of one account number, besides the verdict. */
interface Setting {
  readonly account: string;
  readonly sheet: BalanceSheet;
  readonly basis: Basis;
  /** Why nothing about it is certain, in a clause. */
  readonly doubt: string | undefined;
  /** What mends it. */
  readonly repair: string;
}

/** A verdict as findings, in sentences. Pure. */
export function findingsOf(verdict: Verdict, setting: Setting): readonly Finding[] {
  const { account, sheet, repair } = setting;
  const { currency, unit } = sheet;
  const { explanations } = verdict;
  return verdict.statements.map((statement): Finding => {
    const { code, certain, amount } = statement;
    const isOpen = !certain || (code !== 'misplaced_write' && statement.branch === undefined);
    return {
      code,
      account,
      ...whereOf(statement),
      amount: formatAmount(amount, unit),
      ...(currency ? { currency: currency.code } : {}),
      certain,
      ...(isOpen && explanations !== undefined ? { explanations } : {}),
      detail: `${account}: ${detailOf(statement, verdict, setting)}.`,
      cause: causeOf(statement, verdict, setting),
      repair,
    };
  });
}

function whereOf(statement: Statement) {
  if (statement.code === 'misplaced_write') return { from: statement.from, to: statement.to };
  return statement.branch === undefined ? {} : { branch: statement.branch };
}

function detailOf(statement: Statement, verdict: Verdict, setting: Setting): string {
  const { certain, code } = statement;
  if (code === 'outside_write') return outsideText(statement.amount, setting);
  const text =
    code === 'misplaced_write' ? movedText(statement, setting) : lostText(statement, setting);
  const { bounds } = verdict;
  if (certain) {
    const isNamed = code === 'misplaced_write' || statement.branch !== undefined;
    return isNamed ? `${text} (certain)` : `${text} (certain)${openText(verdict, setting)}`;
  }
  if (bounds && code === 'misplaced_write') return boundsText(bounds, setting);
  return `${howMany(verdict.explanations)}: ${text}`;
}

function howMany(explanations: number | undefined): string {
  return `one of ${explanations ?? 'several'} explanations`;
}

function movedText(
  { from, to, amount }: Statement & { readonly code: 'misplaced_write' },
  { sheet }: Setting,
): string {
  return `${formatAmount(amount, sheet.unit)} of ${from}'s money is in ${to}`;
}

function lostText(
  { amount, branch }: Exclude<Statement, { readonly code: 'misplaced_write' }>,
  { sheet: { unit, places } }: Setting,
): string {
  const whole = branch === undefined ? ' in all' : '';
  // With one place there is nothing to distinguish it from.
  const whose = branch === undefined || places.length === 1 ? '' : ` of ${branch}'s money`;
  if (amount > 0n) return `${formatAmount(amount, unit)}${whose} lost${whole}`;
  const from = branch === undefined ? '' : ` from ${branch}`;
  return `withdrawals of ${formatAmount(-amount, unit)}${from} lost${whole}`;
}

/** What is left open when only the sum is known. */
function openText({ explanations, bounds }: Verdict, { sheet: { unit } }: Setting): string {
  const number = explanations === undefined ? 'several' : `${explanations}`;
  const ways = `, but not of which branch: there are ${number} explanations`;
  if (!bounds || (bounds.min > 0n && bounds.max > 0n)) return ways;
  const { from, to, min, max } = bounds;
  const way = (amount: bigint, giver: string, taker: string) =>
    amount > 0n
      ? [`up to ${formatAmount(amount, unit)} of ${giver}'s money may be in ${taker}`]
      : [];
  const parts = [...way(max, from, to), ...way(-min, to, from)];
  return parts.length === 0 ? ways : `${ways}, and ${parts.join(', or ')}`;
}

function boundsText({ from, to, min, max }: Bounds, { sheet: { unit } }: Setting): string {
  const [giver, taker, least, most] = max > 0n ? [from, to, min, max] : [to, from, -max, -min];
  const between = `between ${formatAmount(least, unit)} and ${formatAmount(most, unit)}`;
  return `${between} of ${giver}'s money is in ${taker}`;
}

function outsideText(amount: bigint, { sheet: { unit }, basis }: Setting): string {
  const more = amount > 0n ? 'more' : 'less';
  const size = formatAmount(amount < 0n ? -amount : amount, unit);
  const source = basis === 'statement' ? 'the statement has' : 'the log explains';
  return `${size} ${more} than ${source}`;
}

function causeOf(
  statement: Statement,
  { isContradicted }: Verdict,
  { doubt, basis }: Setting,
): string | null {
  if (doubt !== undefined) return `Nothing is certain: ${doubt}.`;
  if (isContradicted) {
    return 'The log or its beginning is not whole, or another program wrote too.';
  }
  if (basis === 'statement') return null;
  if (statement.code === 'misplaced_write')
    return "Calls were sent to another branch's collection.";
  return statement.code === 'lost_write'
    ? 'Calls were acknowledged, but changed no document.'
    : null;
}
