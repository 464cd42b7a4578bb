/**
 * Numbers by digest, in flat arrays: 12 bytes per slot, with at most four fifths of the slots in
 * use, so 15 to 23 bytes per digest: about 20 MB for a million. It grows part by part, so that it
 * never takes much more than that. 64 bits of a digest are kept: the chance that two different ones
 * among a million digests share them is 3 in a hundred million.
 */
interface DigestTable {
  /**
   * Sets the number of a digest.
   *
   * @param high the first 32 bits of the digest
   * @param low the next 32 bits
   * @param next returns the number to keep, above zero, given the one before or 0 if there was none
   * @returns the number before
   */
  readonly update: (high: number, low: number, next: (before: number) => number) => number;
  /** The number of a digest, 0 if it has none. */
  readonly get: (high: number, low: number) => number;
  /** How many different digests there are. */
  readonly size: () => number;
}

/** Of each slot: the two halves of the digest, and its number, 0 if the slot is free. */
const slotWords = 3;

const parts = 256;
const firstSlots = 16;

/** Makes an empty table. It is open-addressed: the digest is the hash. */
export function createDigestTable(): DigestTable {
  const tables = Array.from({ length: parts }, () => new Uint32Array(firstSlots * slotWords));
  const taken = new Uint32Array(parts);
  const tableOf = (part: number) => tables[part] ?? new Uint32Array(0);
  return Object.freeze({
    update: (high: number, low: number, next: (before: number) => number) => {
      const part = low >>> 24;
      let words = tableOf(part);
      const count = taken[part] ?? 0;
      if (count * slotWords * 5 >= words.length * 4) {
        words = grow(words);
        tables[part] = words;
      }
      const at = find(words, high, low);
      const before = words[at + 2] ?? 0;
      if (before === 0) taken[part] = count + 1;
      put(words, at, high, low, next(before));
      return before;
    },
    get: (high: number, low: number) => {
      const words = tableOf(low >>> 24);
      return words[find(words, high, low) + 2] ?? 0;
    },
    size: () => taken.reduce((sum, count) => sum + count, 0),
  });
}

/** The start of a digest's slot, or of the free slot where it belongs. */
function find(words: Uint32Array, high: number, low: number): number {
  const slots = words.length / slotWords;
  let slot = Math.floor(((low & 0xffffff) / 2 ** 24) * slots);
  for (;;) {
    const at = slot * slotWords;
    if (words[at + 2] === 0 || (words[at] === high && words[at + 1] === low)) return at;
    slot = slot + 1 === slots ? 0 : slot + 1;
  }
}

function put(words: Uint32Array, at: number, high: number, low: number, value: number): void {
  words[at] = high;
  words[at + 1] = low;
  words[at + 2] = value;
}

function grow(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.ceil((words.length / slotWords) * 1.5) * slotWords);
  for (let at = 0; at < words.length; at += slotWords) {
    const [high, low, value] = [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0];
    if (value !== 0) put(larger, find(larger, high, low), high, low, value);
  }
  return larger;
}

/** A text's name in a `createDigestTable`. */
export function digestOf(text: string): readonly [high: number, low: number] {
  return [hash32(text, 0x9e3779b1), hash32(text, 0x85ebca77)];
}

/** 32 bits of a text. Two texts may share them. */
export function hash32(text: string, seed: number): number {
  let bits = seed;
  for (let index = 0; index < text.length; index += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(index), 0x5bd1e995);
    bits ^= bits >>> 15;
  }
  return bits >>> 0;
}
