import type { IntendedRow } from './intended-row.ts';
import { type AccountNumber, placeOf, type SeenNumber, type SeenNumbers } from './seen-numbers.ts';

/** Of the rows of a log, how many there are of a kind. */
export interface RowCounts {
  all: number;
  /** Those that are in the sums. */
  counted: number;
  /** Those older than the balance that their account begins with, unless a repair settled it. */
  older: number;
}

/**
 * Adds the rows of a log to the sums of their accounts. Call it after everything was seen.
 *
 * @param skewMs how far the clocks of the log and of the journal may differ: rows earlier than the
 *   balance that an account begins with do not count
 */
export async function sumCalls(
  rows: AsyncIterable<readonly IntendedRow[]>,
  numbers: SeenNumbers,
  skewMs: number,
): Promise<RowCounts> {
  const counts: RowCounts = { all: 0, counted: 0, older: 0 };
  for await (const batch of rows) {
    for (const row of batch) {
      const number = numbers.watch(row.account);
      const place = placeOf(number, row.branch);
      counts.all += 1;
      if (isLater(row, number, place, skewMs)) {
        addRow(place, row);
        counts.counted += 1;
      } else if (place.base?.type !== 'repair') counts.older += 1;
    }
  }
  return counts;
}

function addRow(place: SeenNumber, { amountMinor, outcome, modified, line }: IntendedRow): void {
  const [sums, size] = amountMinor < 0n ? [place.minus, -amountMinor] : [place.plus, amountMinor];
  if (outcome === 'unknown') {
    sums.unknown += size;
    if (place.unknownRows === 0) place.unknownLine = line;
    place.unknownRows += 1;
    return;
  }
  sums.all += size;
  if (modified === 0) sums.missed += size;
  else if (modified !== undefined) sums.matched += size;
}

/** Whether a row is later than the balance that the account's sums begin with. */
function isLater(
  { time, endTime, line }: IntendedRow,
  number: AccountNumber,
  place: SeenNumber,
  skewMs: number,
): boolean {
  const baseAt = baseTime(number, place);
  if (!time && place.givenAt !== undefined) {
    number.doubt = `line ${line} has no time, so it may be from before the opening balance`;
  }
  if (!time || baseAt === undefined) return true;
  const [from, to] = [time.getTime() - skewMs, (endTime ?? time).getTime() + skewMs];
  if (from <= baseAt && to >= baseAt) {
    number.doubt = `line ${line} is of about the time of the balance that its account begins with`;
  } else if (to < baseAt) return false;
  const isEarly = ({ name, base }: SeenNumber) =>
    name !== place.name && base?.type === 'adopt' && from <= base.at.getTime();
  const early = number.places.find(isEarly);
  if (early) number.doubt = `line ${line} is of a time before bankctl took over ${early.name}`;
  return time.getTime() > baseAt;
}

/** An account that a branch lacks begins with the last base that the number has elsewhere. */
function baseTime({ places }: AccountNumber, place: SeenNumber): number | undefined {
  const own = (place.givenAt ?? place.base?.at)?.getTime();
  if (own !== undefined || place.place) return own;
  const others = places.flatMap(({ base }) => (base ? [base.at.getTime()] : []));
  return others.length === 0 ? undefined : Math.max(...others);
}
