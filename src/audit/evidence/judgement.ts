import { type Currency, formatAmount } from '../../core/money.ts';
import { count } from '../../core/text.ts';
import type { Correction } from '../correction.ts';
import type { Finding } from '../finding.ts';
import { type BalanceSheet, balanceSheet, isSheet } from './balance-sheet.ts';
import { planCorrection } from './correction-plan.ts';
import { type AccountNumber, type Basis, type SeenNumber, widen } from './seen-numbers.ts';
import { findingsOf } from './sentences.ts';
import { createSignCheck } from './sign-convention.ts';
import { judge } from './theorem.ts';

/** What a judgement takes besides the account numbers. */
interface Judging {
  readonly basis: Basis;
  readonly currencyOf: (name: string) => Currency | undefined;
  /** Whether all places and the journal could be read. */
  readonly isWhole: boolean;
  readonly hasJournal: boolean;
  /** The name of the log, for messages. */
  readonly logName: string;
}

/** What is known of all account numbers of a source of intentions. */
interface Judgement {
  readonly findings: readonly Finding[];
  readonly corrections: readonly Correction[];
  readonly unjudged: readonly string[];
  /** Account numbers whose balances no fates of the calls explain. */
  readonly contradicted: readonly string[];
}

/**
 * Judges every account number. Pure.
 *
 * @throws `intended_sign`
 */
export function judgeNumbers(
  numbers: ReadonlyMap<string, AccountNumber>,
  judging: Judging,
): Judgement {
  const findings: Finding[] = [];
  const corrections: Correction[] = [];
  const contradicted: string[] = [];
  const unjudged = new Map<string, string[]>();
  const signs = createSignCheck();
  for (const account of [...numbers.keys()].sort()) {
    const number = numbers.get(account);
    if (!number) continue;
    const sheet = balanceSheet(number, judging.basis, judging.currencyOf);
    if (!isSheet(sheet)) {
      const like = unjudged.get(sheet.reason) ?? [];
      like.push(account);
      unjudged.set(sheet.reason, like);
      continue;
    }
    signs.add(sheet.places);
    const judged = judgeNumber(account, number, sheet, judging);
    findings.push(...judged.findings);
    if (judged.isContradicted) contradicted.push(account);
    if (judged.correction) corrections.push(judged.correction);
  }
  signs.end(judging.logName);
  return {
    findings,
    corrections,
    contradicted,
    unjudged: [...unjudged].map(([reason, accounts]) => unjudgedText(reason, accounts)),
  };
}

function unjudgedText(reason: string, [first = '', ...others]: readonly string[]): string {
  const more = others.length === 0 ? '' : ` and ${count(others.length, 'other')} like it`;
  return `The account number ${first}${more} cannot be judged: ${reason}.`;
}

function judgeNumber(
  account: string,
  number: AccountNumber,
  sheet: BalanceSheet,
  judging: Judging,
) {
  const { basis, hasJournal } = judging;
  const doubt = doubtOf(number, judging);
  const verdict = judge(sheet.places, { isDoubtful: doubt !== undefined });
  const unknown = number.places.filter(({ unknownRows }) => unknownRows > 0);
  const isUnknown = unknown.length > 0;
  const openDoubt = isUnknown ? 'it is not known whether some calls changed anything' : doubt;
  const setting = { account, sheet, basis, doubt: openDoubt };
  const said = findingsOf(verdict, { ...setting, repair: '' });
  const { correction, repair } = planCorrection({
    ...{ account, sheet, doubt: openDoubt ?? contradiction(verdict), hasJournal },
    findings: said.map(({ code }) => code),
    why: said.map(({ detail }) => detail).join(' '),
  });
  return {
    findings: [
      ...said.map((finding) => ({ ...finding, repair })),
      ...unknown.map((seen) => unknownFinding(account, seen, sheet)),
    ],
    correction: said.length > 0 ? correction : undefined,
    isContradicted: verdict.isContradicted,
  };
}

/** Balances that no fates of the calls explain are not known to be right after a correction. */
function contradiction({ isContradicted }: ReturnType<typeof judge>): string | undefined {
  return isContradicted ? 'the log, or the balances at its beginning, cannot be whole' : undefined;
}

/** Why the residuals may be wrong, in a clause. */
function doubtOf({ doubt, places }: AccountNumber, { basis, isWhole, hasJournal }: Judging) {
  if (!hasJournal) return 'the bank keeps no journal of what bankctl itself posted';
  if (!isWhole) return 'a part of the database could not be read';
  const late = places.find(({ isGivenLate }) => isGivenLate);
  if (late) {
    return `the balance of ${late.name} in the file may be from after what bankctl posted`;
  }
  const strange = strangeChange(places);
  if (strange !== undefined) return strange;
  if (basis !== 'statement') return doubt;
  const unnamed = places.find(({ place, givenMinor }) => place && givenMinor === undefined);
  return unnamed && `the statement leaves out ${unnamed.name}, which has the account too`;
}

/**
 * A change between two postings that no call of the number can have made: then others wrote too,
 * and the residuals are not only what became of the calls.
 */
function strangeChange(places: readonly SeenNumber[]): string | undefined {
  const sums = places.flatMap(({ plus, minus }) => [
    plus.all + plus.unknown,
    -minus.all - minus.unknown,
  ]);
  const add = (some: readonly bigint[]) => some.reduce((sum, one) => sum + one, 0n);
  const least = add(sums.filter((sum) => sum < 0n));
  const most = add(sums.filter((sum) => sum > 0n));
  const isOneCurrency = new Set(places.map(({ place }) => place?.currency?.code)).size <= 1;
  for (const seen of places) {
    if (seen.balanceMinor === undefined || seen.postedMinor === undefined) continue;
    const past = widen(seen, seen.balanceMinor);
    const tooLow = past.least < 0n && (isOneCurrency ? past.least < least : least === 0n);
    const tooHigh = past.most > 0n && (isOneCurrency ? past.most > most : most === 0n);
    if (tooLow) return `another program took away from ${seen.name} what no call of the log did`;
    if (tooHigh && most > 0n)
      return `another program added to ${seen.name} what no call of the log did`;
  }
  return undefined;
}

function unknownFinding(account: string, seen: SeenNumber, sheet: BalanceSheet): Finding {
  const { name, plus, minus, unknownRows, unknownLine, place } = seen;
  const currency = place?.currency ?? sheet.currency;
  const amount = formatAmount(plus.unknown - minus.unknown, currency ?? sheet.unit);
  const rows = unknownRows === 1 ? 'a call' : `${unknownRows} calls`;
  const lines = unknownRows === 1 ? `line ${unknownLine}` : `line ${unknownLine} and later`;
  return {
    code: 'unknown_outcome',
    account,
    branch: name,
    amount,
    ...(currency ? { currency: currency.code } : {}),
    certain: false,
    detail:
      `${account}: it is not known whether ${rows} of ${amount} to ${name} changed anything ` +
      `(${lines} of the log).`,
    cause: 'The log has no answer of the database.',
    repair: 'Find out whether they took effect; until then nothing is planned for the number.',
  };
}
