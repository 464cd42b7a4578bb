import { hash } from 'node:crypto';
import type { AccountReference } from '../../bank/operations/names.ts';
import { createDigestTable } from '../../core/digest-table.ts';
import type { Observer, Place, SeenAccount, SeenPosting } from '../observer.ts';

/** One account number at one place, as far as it matters. Minor units of the place's currency. */
export interface SeenNumber {
  /** The branch, or the collection of a stray. */
  readonly name: string;
  /** Undefined if no document was seen. */
  place: Place | undefined;
  /** How many documents have the number; only one has a known balance. */
  documents: number;
  /** Undefined if it is not known. */
  balanceMinor: bigint | undefined;
  version: bigint | undefined;
  isClosed: boolean;
  /** What a file says that it had or should have. */
  givenMinor: bigint | undefined;
  /** When it had that, if the file says so. */
  givenAt: Date | undefined;
  /** bankctl's own postings, as far as they are later than the base or the opening. */
  ownMinor: bigint;
  /** All postings. */
  journalMinor: bigint;
  /** The balance after the last posting; undefined if there is none. */
  postedMinor: bigint | undefined;
  /** The least and the most that the balance changed by between two postings. */
  pastMinor: { readonly least: bigint; readonly most: bigint };
  /** The last posting that says what it had, whatever came before. */
  base: Base | undefined;
  /** Whether bankctl opened it. */
  isOpened: boolean;
  /**
   * True if what a file without a time says it had is what it had after a posting: the file may be
   * from then, so that nobody knows which postings it has.
   */
  isGivenLate: boolean;
  /** When bankctl last repaired it; undefined if it did not, or if that was reversed. */
  repairedAt: Date | undefined;
  readonly plus: CallSums;
  readonly minus: CallSums;
  unknownRows: number;
  /** The first line of a row of unknown outcome. */
  unknownLine: number;
}

/** Sums of rows of one sign, as absolute amounts. */
interface CallSums {
  all: bigint;
  missed: bigint;
  matched: bigint;
  unknown: bigint;
}

interface Base {
  readonly type: string;
  readonly at: Date;
  readonly version: bigint;
  readonly balanceMinor: bigint;
}

/** All that is known of one account number. */
export interface AccountNumber {
  /** One for each place that has it, or that a file says should have it. */
  readonly places: SeenNumber[];
  /** Why the residuals may be wrong, in a clause; undefined if they are right. */
  doubt: string | undefined;
}

/** What the residuals are computed from. */
export type Basis = 'opening' | 'journal' | 'statement';

/** The account numbers that files name, and what an audit sees of them. */
export interface SeenNumbers {
  readonly all: ReadonlyMap<string, AccountNumber>;
  /** The account number; from now on it is watched. */
  readonly watch: (account: string) => AccountNumber;
  /** Whether that is an operation of bankctl itself, which a log may have too. */
  readonly isOwn: (call: OwnCall) => boolean;
  readonly observer: Observer;
}

/** A posting of bankctl, as a log would have it. */
type OwnCall = AccountReference & Pick<SeenPosting, 'operation' | 'amountMinor'>;

/** The number at a place; made if there is none yet. */
export function placeOf({ places }: AccountNumber, name: string): SeenNumber {
  const known = places.find((place) => place.name === name);
  if (known) return known;
  const made = emptyPlace(name);
  places.push(made);
  return made;
}

const unchanged = { least: 0n, most: 0n };

function emptyPlace(name: string): SeenNumber {
  const none = (): CallSums => ({ all: 0n, missed: 0n, matched: 0n, unknown: 0n });
  return {
    ...{ name, place: undefined, documents: 0, balanceMinor: undefined, version: undefined },
    isClosed: false,
    ...{ givenMinor: undefined, givenAt: undefined, ownMinor: 0n, journalMinor: 0n },
    ...{ postedMinor: undefined, pastMinor: unchanged },
    ...{
      base: undefined,
      isOpened: false,
      isGivenLate: false,
      repairedAt: undefined,
      plus: none(),
      minus: none(),
    },
    ...{ unknownRows: 0, unknownLine: 0 },
  };
}

/**
 * Memory grows with the number of account numbers that are watched, and of repairs.
 *
 * @param branches the names of all branches, which a stray collection may have too
 */
export function createSeenNumbers(
  basis: Basis,
  skewMs: number,
  branches: ReadonlySet<string>,
): SeenNumbers {
  const all = new Map<string, AccountNumber>();
  const repairs = new Set<string>();
  const own = createOwnCalls();
  return {
    all,
    isOwn: own.has,
    watch: (account) => {
      const known = all.get(account);
      if (known) return known;
      const made: AccountNumber = { places: [], doubt: undefined };
      all.set(account, made);
      return made;
    },
    observer: {
      account: (seen) => {
        const number = all.get(seen.account);
        if (number) noteAccount(placeOf(number, nameOf(seen.place, branches)), seen);
      },
      posting: (posting) => {
        const { type, operation, reverses = '' } = posting;
        if (type === 'repair') repairs.add(operation);
        const number = all.get(posting.account);
        if (!number) return;
        const isOwn = type !== 'adopt' && type !== 'repair' && !repairs.has(reverses);
        const seen = placeOf(number, posting.branch);
        seen.journalMinor += posting.amountMinor;
        notePast(seen, posting, basis);
        if (type === 'open') seen.isOpened = true;
        if (isOwn) own.add(posting);
        if (isOwn && isAfter(seen, posting, basis)) seen.isGivenLate = true;
        if (type === 'repair') seen.repairedAt = posting.at;
        if (repairs.has(reverses)) seen.repairedAt = undefined;
        if (basis === 'journal') noteBase(seen, posting, isOwn);
        else if (basis === 'opening') noteOwn(number, seen, posting, isOwn, skewMs);
      },
    },
  };
}

/** Keeps 16 to 32 bytes for each. */
function createOwnCalls() {
  const table = createDigestTable();
  const halves = ({ operation, branch, account, amountMinor }: OwnCall) => {
    const text = JSON.stringify([operation, branch, account, String(amountMinor)]);
    const digest = hash('sha256', text, 'hex');
    return [0, 8].map((at) => Number.parseInt(digest.slice(at, at + 8), 16));
  };
  return {
    add: (call: OwnCall) => {
      const [high = 0, low = 0] = halves(call);
      table.update(high, low, () => 1);
    },
    has: (call: OwnCall) => {
      const [high = 0, low = 0] = halves(call);
      return table.get(high, low) > 0;
    },
  };
}

/** An account that bankctl opened had nothing before. */
function isAfter(
  { givenMinor, givenAt }: SeenNumber,
  { type, amountMinor, balanceAfterMinor }: SeenPosting,
  basis: Basis,
): boolean {
  if (givenMinor === undefined || givenAt !== undefined) return false;
  if (basis === 'opening' && type === 'open' && givenMinor !== 0n) return true;
  return amountMinor !== 0n && balanceAfterMinor === givenMinor;
}

function nameOf({ name, isBranch }: Place, branches: ReadonlySet<string>): string {
  return isBranch || !branches.has(name) ? name : `the collection ${name}`;
}

function noteAccount(seen: SeenNumber, account: SeenAccount): void {
  const { place, balanceMinor, version, isClosed } = account;
  seen.documents += 1;
  seen.isClosed = isClosed;
  seen.place = place;
  seen.balanceMinor = seen.documents > 1 ? undefined : balanceMinor;
  seen.version = seen.documents > 1 ? undefined : version;
}

/** What an adoption posts is in the balance already. */
function notePast(seen: SeenNumber, posting: SeenPosting, basis: Basis): void {
  const { type, at, amountMinor, balanceAfterMinor } = posting;
  const isAdoption = type === 'adopt';
  const before = isAdoption ? balanceAfterMinor : balanceAfterMinor - amountMinor;
  const isFirst = seen.postedMinor === undefined;
  if (!isFirst || !isAdoption) seen.pastMinor = widen(seen, before);
  seen.postedMinor = balanceAfterMinor;
  const isBefore = seen.givenAt !== undefined && at <= seen.givenAt;
  if (isBefore || (basis === 'journal' && baseTypes.has(type))) seen.pastMinor = unchanged;
}

/** The changes between two postings, with that from the last one to a balance. */
export function widen(
  { postedMinor = 0n, pastMinor: { least, most } }: Pick<SeenNumber, 'postedMinor' | 'pastMinor'>,
  balanceMinor: bigint,
): SeenNumber['pastMinor'] {
  const change = balanceMinor - postedMinor;
  return { least: change < least ? change : least, most: change > most ? change : most };
}

const baseTypes: ReadonlySet<string> = new Set(['open', 'adopt', 'repair']);

function noteBase(seen: SeenNumber, posting: SeenPosting, isOwn: boolean): void {
  const { type, at, amountMinor, balanceAfterMinor, version } = posting;
  if (baseTypes.has(type)) {
    seen.base = { type, at, version, balanceMinor: balanceAfterMinor };
    seen.ownMinor = 0n;
  } else if (isOwn) seen.ownMinor += amountMinor;
}

/** An opening of which the time is known has what was posted before. */
function noteOwn(
  number: AccountNumber,
  seen: SeenNumber,
  { at, amountMinor }: SeenPosting,
  isOwn: boolean,
  skewMs: number,
): void {
  if (!isOwn) return;
  const laterMs = seen.givenAt ? at.getTime() - seen.givenAt.getTime() : skewMs + 1;
  if (Math.abs(laterMs) <= skewMs) {
    number.doubt = `bankctl posted to ${seen.name} at about the time of the opening balance`;
  }
  if (laterMs > 0) seen.ownMinor += amountMinor;
}
