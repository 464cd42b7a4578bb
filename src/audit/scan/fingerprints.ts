/**
 * Sums of fingerprints by account, in memory that does not depend on how many accounts there are:
 * each account has one of a fixed number of buckets. Each posting adds the state before it and
 * takes away the state after it, and the document adds its own state, so that a chain that fits
 * together sums to zero. A bucket that is not zero has an account whose chain does not.
 *
 * Damage goes unseen only if fingerprints of 64 bits happen to cancel; the seed differs in every
 * run, so nobody can arrange that.
 */
export interface Fingerprints {
  /** Where the account's fingerprints are summed, and what makes them its own. */
  readonly keyOf: (place: string, account: string) => AccountKey;
  /** Adds the state of an account after so many postings, or takes it away. Minor units. */
  readonly add: (key: AccountKey, version: Whole, balanceMinor: Whole, sign: 1 | -1) => void;
  /** True if the sum is zero, and so every chain of the bucket fits together. */
  readonly isZero: (key: AccountKey) => boolean;
  readonly allZero: () => boolean;
}

/** A whole number, which is exact in either form; the same in both. */
type Whole = bigint | number;

/** The hash of an account's name. */
interface AccountKey {
  readonly low: number;
  readonly high: number;
}

const bucketBits = 20;

/** Makes empty sums. @param seed a random whole number */
export function createFingerprints(seed: number): Fingerprints {
  const lows = new Int32Array(1 << bucketBits);
  const highs = new Int32Array(1 << bucketBits);
  let filled = 0;
  const bucketOf = ({ low }: AccountKey) => low >>> (32 - bucketBits);
  return Object.freeze({
    keyOf: (place, account) => {
      let low = seed | 0;
      let high = ~seed;
      for (const text of [place, account]) {
        for (let index = 0; index < text.length; index += 1) {
          const unit = text.charCodeAt(index);
          low = Math.imul(low ^ unit, 0x01000193);
          high = Math.imul(high ^ unit, 0x5bd1e995);
        }
        low = Math.imul(low ^ 0x3a, 0x01000193);
        high = Math.imul(high ^ 0x3a, 0x5bd1e995);
      }
      return { low: scramble(low ^ high), high: scramble(high) };
    },
    add: (key, version, balanceMinor, sign) => {
      // Before its first posting an account has nothing, which needs no fingerprint.
      if (Number(version) === 0 && Number(balanceMinor) === 0) return;
      const { low, high } = stateHash(key, version, balanceMinor);
      const at = bucketOf(key);
      if (lows[at] !== 0 || highs[at] !== 0) filled -= 1;
      lows[at] = (lows[at] ?? 0) + sign * low;
      highs[at] = (highs[at] ?? 0) + sign * high;
      if (lows[at] !== 0 || highs[at] !== 0) filled += 1;
    },
    isZero: (key) => lows[bucketOf(key)] === 0 && highs[bucketOf(key)] === 0,
    allZero: () => filled === 0,
  } satisfies Fingerprints);
}

/**
 * Numbers that are exact do without the arithmetic of big ones, which takes several times as long.
 */
function stateHash(key: AccountKey, version: Whole, balanceMinor: Whole): AccountKey {
  const [count, balance] = [Number(version), Number(balanceMinor)];
  let hash = key;
  if (Number.isSafeInteger(count) && Number.isSafeInteger(balance)) {
    hash = mix(hash, count);
    hash = mix(hash, count / 2 ** 32);
    hash = mix(hash, balance);
    return mix(hash, Math.floor(balance / 2 ** 32));
  }
  for (const value of [BigInt(version), BigInt(balanceMinor)]) {
    for (let shift = 0n; shift < 128n; shift += 32n) {
      hash = mix(hash, Number(BigInt.asIntN(32, value >> shift)));
    }
  }
  return hash;
}

function mix({ low, high }: AccountKey, word: number): AccountKey {
  return { low: scramble(low ^ word), high: scramble(Math.imul(high, 0x27d4eb2f) ^ word) };
}

/** Source: the finalizer of MurmurHash3, by Austin Appleby. */
function scramble(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
