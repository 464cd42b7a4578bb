import type { Bank } from '../../bank/bank.ts';
import { formatAmount } from '../../core/money.ts';
import { count } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import type { Write } from './call-graph.ts';
import { type Fates, findFates, type Matched } from './matching.ts';
import type { TracedCall } from './traced-calls.ts';
import type { PlacedWrites, Unit } from './traced-writes.ts';

/** What is known of one account number. */
interface TracedAccount extends PlacedWrites {
  readonly account: string;
  readonly calls: readonly TracedCall[];
  /** When bankctl last repaired the number: what is earlier is settled. */
  readonly repairedMs: number;
  readonly bank: Bank;
  readonly unit: Unit;
  readonly formatTime: (time: Date) => string;
}

/** What is to be said of it. */
interface JudgedAccount {
  readonly findings: readonly Finding[];
  /** Calls whose writes may be where the history does not reach. */
  readonly unseen: number;
  readonly isUndecided: boolean;
  /** Whether the history has, since the last repair, what the log cannot explain. */
  readonly isContradicted: boolean;
}

/**
 * What became of the calls for one account number. Pure. Nothing is said if all writes may be where
 * they were meant: calls whose amounts and times are alike could always have changed places.
 */
export function judgeAccount(traced: TracedAccount): JudgedAccount {
  const { calls, writes, repairedMs } = traced;
  const matched = findFates(
    calls.map(({ call }) => call),
    writes,
  );
  if (matched.kind === 'undecided') {
    return { findings: [], unseen: 0, isUndecided: true, isContradicted: false };
  }
  const isContradicted = matched.kind === 'contradicted' || traced.movedBefore !== undefined;
  const said = calls.map((call, index) => sayFate(call, matched.fates[index], isContradicted));
  const unseen = said.filter(mayBeUnseen).length;
  const isRight = !isContradicted && mayAllBeRight(traced);
  const findings = said.flatMap((fate, index) => {
    const call = calls[index];
    if (!call || typeof fate !== 'object' || (isRight && call.isAcknowledged)) return [];
    if (call.call.fromMs < repairedMs) return [];
    return [callFinding(call, fate, traced)];
  });
  const contradiction = isContradicted ? contradictionFindings(matched, traced) : [];
  return {
    findings: [...contradiction, ...findings],
    ...{ unseen, isUndecided: false, isContradicted: contradiction.length > 0 },
  };
}

function mayBeUnseen(fate: SaidFate | 'unseen' | undefined): boolean {
  return fate === 'unseen' || fate?.fates.includes('unseen') === true;
}

/** Whether every call that was acknowledged can be explained by a write to its own branch. */
function mayAllBeRight({ calls, writes }: TracedAccount): boolean {
  const places = new Set([...writes.map(({ place }) => place), ...calls.map((it) => it.branch)]);
  return [...places].every((place) => {
    const own = calls.filter(({ branch }) => branch === place);
    if (own.some(({ call }) => call.landed === 'no')) return false;
    const mustLand = own.map(({ call, isAcknowledged, mayBeUnseen }) => ({
      ...call,
      landed: isAcknowledged && !mayBeUnseen ? ('yes' as const) : ('maybe' as const),
    }));
    const there = writes.filter((write) => write.place === place);
    return findFates(mustLand, there).kind === 'explained';
  });
}

/** The possible fates of a call, as in the JSON result. */
interface SaidFate {
  readonly fates: readonly string[];
  readonly certain: boolean;
  /** True if even the set of fates may be wrong. */
  readonly isDoubtful: boolean;
}

/** @returns undefined if it was acknowledged and is certainly right; `unseen` if not known */
function sayFate(
  { branch, mayBeUnseen, modified, isAcknowledged, call }: TracedCall,
  found: Fates | undefined,
  isContradicted: boolean,
): SaidFate | 'unseen' | undefined {
  const { places = [], lost = true } = found ?? {};
  const isLanded = isAcknowledged && modified !== undefined && modified > 0;
  const fates = [
    ...places,
    ...(lost && !isLanded ? ['lost'] : []),
    ...(lost && mayBeUnseen && call.landed !== 'no' ? ['unseen'] : []),
  ];
  if (call.landed === 'no') return { fates, certain: true, isDoubtful: false };
  if (fates.includes('unseen') && places.every((place) => place === branch)) return 'unseen';
  // Others wrote too, or a clock is wrong: a write in its own branch may be the call's.
  if (isContradicted && places.includes(branch)) return undefined;
  const certain = fates.length === 1 && !isContradicted;
  const said = { fates, certain, isDoubtful: isContradicted };
  return certain && isAcknowledged && fates[0] === branch ? undefined : said;
}

function callFinding(
  { line, id, branch, amountMinor, time, isAcknowledged }: TracedCall,
  { fates, certain, isDoubtful }: SaidFate,
  { account, bank, formatTime }: TracedAccount,
): Finding {
  const { currency } = bank.branches.get(branch);
  const amount = formatAmount(amountMinor, currency);
  const at = time ? ` at ${formatTime(time)}` : '';
  const [only] = fates;
  const isLost = fates.every((fate) => fate === 'lost' || fate === branch);
  const verdict = fates.map(fateText).join(' or ') || 'has no write that fits';
  return {
    code: codeOf(isLost, isAcknowledged, certain),
    account,
    ...(certain && !isLost && only !== undefined ? { from: branch, to: only } : { branch }),
    ...{ amount, currency: currency.code, certain, line },
    ...(id === undefined ? {} : { operation: id }),
    fates,
    detail:
      `line ${line}, ${amount} to ${branch}:${account}${at}: ${verdict}` +
      `${certain ? ' (certain)' : isDoubtful ? ' (not certain)' : ''}.`,
    cause: certain
      ? causeOf(only === branch ? 'right' : isLost ? 'lost' : 'misplaced', isAcknowledged)
      : null,
    repair: 'The correction is that of the whole account number: bankctl audit --plan FILE.',
  };
}

function codeOf(isLost: boolean, isAcknowledged: boolean, certain: boolean): Finding['code'] {
  if (!isAcknowledged && (isLost || !certain)) return 'unknown_outcome';
  return isLost ? 'lost_write' : 'misplaced_write';
}

function fateText(fate: string): string {
  if (fate === 'lost') return 'changed nothing';
  return fate === 'unseen' ? 'is out of sight of the history' : `landed in ${fate}`;
}

function causeOf(fate: 'right' | 'lost' | 'misplaced', isAcknowledged: boolean): string {
  if (fate === 'misplaced') return "The call was sent to another branch's collection.";
  const answer = isAcknowledged ? 'was acknowledged' : 'got no answer';
  return `The call ${answer}, but ${fate === 'lost' ? 'changed no document' : 'took effect'}.`;
}

/** How many writes of one account number are named one by one. */
const maxNamed = 20;

/** What takes the certainty from an account number. */
function contradictionFindings(matched: Matched, traced: TracedAccount): readonly Finding[] {
  const { account, calls, writes, movedBefore } = traced;
  const unsure =
    calls.length === 0 ? '' : `, so none of its ${count(calls.length, 'call')} is certain`;
  const finding = (facts: Partial<Finding>, detail: string): Finding => ({
    code: 'outside_write',
    account,
    ...facts,
    detail: `${account}: ${detail}.`,
    cause: 'The log is not whole, a clock is wrong, or another program wrote too.',
    repair: 'Find out which; a clock that is wrong can be allowed for with --clock-skew.',
  });
  const moved =
    movedBefore === undefined
      ? []
      : [
          finding(
            { branch: movedBefore, certain: false },
            `its balance in ${movedBefore} changed without a write in the history${unsure}`,
          ),
        ];
  if (matched.kind !== 'contradicted') return moved;
  const { unexplained, moreUnexplained, callsLeft } = matched;
  const later = unexplained.filter((index) => (writes[index]?.atMs ?? 0) >= traced.repairedMs);
  const named = later.slice(0, maxNamed).flatMap((index) => {
    const write = writes[index];
    return write
      ? [
          finding(
            writeFacts(write, traced),
            `${writeText(write, traced)} is in no row of the log${unsure}`,
          ),
        ]
      : [];
  });
  const more = moreUnexplained + later.length - named.length;
  const [first] = callsLeft;
  const line = first === undefined ? undefined : calls[first]?.line;
  return [
    ...moved,
    ...named,
    ...(more === 0
      ? []
      : [
          finding(
            { certain: false },
            `${count(more, 'more write')} of the history cannot be explained by the log${unsure}`,
          ),
        ]),
    ...(line === undefined
      ? []
      : [
          {
            ...finding({ certain: false, line }, leftText(callsLeft.length, line)),
            code: 'lost_write' as const,
          },
        ]),
  ];
}

function leftText(calls: number, line: number): string {
  const which =
    calls === 1 ? `the call of line ${line}` : `${calls} calls, such as that of line ${line},`;
  return `${which} changed a document, says the log, but the history has no write left for it`;
}

function writeFacts({ place, amount }: Write, { unit, bank }: TracedAccount): Partial<Finding> {
  const currency = currencyOf(place, bank);
  return {
    branch: place,
    ...(amount === undefined ? {} : { amount: formatAmount(amount, unit) }),
    ...(currency === undefined ? {} : { currency }),
    certain: true,
  };
}

function currencyOf(place: string, { config }: Bank): string | undefined {
  return config.branches.find(({ name }) => name === place)?.currency.code;
}

function writeText({ place, amount, atMs }: Write, { unit, formatTime }: TracedAccount): string {
  const size = amount === undefined ? 'of an unknown amount' : `of ${formatAmount(amount, unit)}`;
  return `a write ${size} in ${place} at ${formatTime(new Date(atMs))}`;
}
