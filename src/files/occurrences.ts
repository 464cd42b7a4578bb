/**
 * Counts how often each digest came, in flat memory: 12 bytes a slot, at most three quarters of
 * them taken, so 16 to 32 bytes for each digest: 25 MB for a million, 50 MB for three, half as much
 * again while it grows. 64 bits of a digest are kept: among a million rows two that differ share
 * them with a chance of 3 in a hundred million, and then one of them gets a higher number, which is
 * still its own.
 */
export interface Occurrences {
  /**
   * Counts one more.
   *
   * @param high the first 32 bits of the digest
   * @param low the next 32 bits
   * @returns how many there were of this digest, this one included
   */
  readonly count: (high: number, low: number) => number;
  /** How many different digests there were. */
  readonly distinct: () => number;
}

interface Table {
  /** A power of two. */
  readonly slots: number;
  readonly highs: Uint32Array;
  readonly lows: Uint32Array;
  /** 0 where the slot is free. */
  readonly counts: Uint32Array;
}

const firstSlots = 1 << 12;

/** Makes an empty count. An open-addressed hash table: the digest is the hash. */
export function countOccurrences(): Occurrences {
  let table = createTable(firstSlots);
  let taken = 0;
  return Object.freeze({
    count: (high: number, low: number) => {
      if (taken * 4 > table.slots * 3) table = grown(table);
      const slot = find(table, high, low);
      const counted = (table.counts[slot] ?? 0) + 1;
      if (counted === 1) {
        taken += 1;
        table.highs[slot] = high;
        table.lows[slot] = low;
      }
      table.counts[slot] = counted;
      return counted;
    },
    distinct: () => taken,
  });
}

function createTable(slots: number): Table {
  const words = () => new Uint32Array(slots);
  return { slots, highs: words(), lows: words(), counts: words() };
}

/** The slot of a digest, or the free one where it belongs. */
function find({ slots, highs, lows, counts }: Table, high: number, low: number): number {
  let slot = (low & (slots - 1)) >>> 0;
  while (counts[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) {
    slot = (slot + 1) & (slots - 1);
  }
  return slot;
}

function grown(table: Table): Table {
  const larger = createTable(table.slots * 2);
  for (let slot = 0; slot < table.slots; slot += 1) {
    const counted = table.counts[slot] ?? 0;
    if (counted === 0) continue;
    const [high, low] = [table.highs[slot] ?? 0, table.lows[slot] ?? 0];
    const target = find(larger, high, low);
    larger.highs[target] = high;
    larger.lows[target] = low;
    larger.counts[target] = counted;
  }
  return larger;
}
