/**
 * Numbers by digest, in flat memory: 12 bytes a slot, at most three quarters of them taken, so 16
 * to 32 bytes for each digest: 25 MB for a million, 50 MB for three, half as much again while it
 * grows. 64 bits of a digest are kept: among a million digests two that differ share them with a
 * chance of 3 in a hundred million.
 */
export interface DigestTable {
  /**
   * Sets the number of a digest.
   *
   * @param high the first 32 bits of the digest
   * @param low the next 32 bits
   * @param next the number to keep, above zero, given the one before; 0 if there was none
   * @returns the number before
   */
  readonly update: (high: number, low: number, next: (before: number) => number) => number;
  /** How many different digests there are. */
  readonly size: () => number;
}

interface Slots {
  /** A power of two. */
  readonly length: number;
  readonly highs: Uint32Array;
  readonly lows: Uint32Array;
  /** 0 if the slot is free. */
  readonly values: Uint32Array;
}

const firstLength = 1 << 12;

/** Makes an empty table. It is open-addressed: the digest is the hash. */
export function createDigestTable(): DigestTable {
  let slots = createSlots(firstLength);
  let size = 0;
  return Object.freeze({
    update: (high: number, low: number, next: (before: number) => number) => {
      if (size * 4 > slots.length * 3) slots = grow(slots);
      const slot = find(slots, high, low);
      const before = slots.values[slot] ?? 0;
      if (before === 0) {
        size += 1;
        slots.highs[slot] = high;
        slots.lows[slot] = low;
      }
      slots.values[slot] = next(before);
      return before;
    },
    size: () => size,
  });
}

function createSlots(length: number): Slots {
  const words = () => new Uint32Array(length);
  return { length, highs: words(), lows: words(), values: words() };
}

/** The slot of a digest, or the free one that it belongs in. */
function find({ length, highs, lows, values }: Slots, high: number, low: number): number {
  let slot = (low & (length - 1)) >>> 0;
  while (values[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) {
    slot = (slot + 1) & (length - 1);
  }
  return slot;
}

function grow(slots: Slots): Slots {
  const larger = createSlots(slots.length * 2);
  for (let slot = 0; slot < slots.length; slot += 1) {
    const value = slots.values[slot] ?? 0;
    if (value === 0) continue;
    const [high, low] = [slots.highs[slot] ?? 0, slots.lows[slot] ?? 0];
    const target = find(larger, high, low);
    larger.highs[target] = high;
    larger.lows[target] = low;
    larger.values[target] = value;
  }
  return larger;
}
