/**
 * A reproducible source of numbers that is addressed by position instead of being drawn from in
 * order, so that operation 700 of a plan is known without generating the 699 before it.
 *
 * @returns the `position`-th number of that seed's sequence, a whole number from 0 to `below` - 1
 */
export type Draw = (position: number, below: number) => number;

const goldenGamma = 0x9e3779b9;

/**
 * Makes the sequence of a seed.
 *
 * Source: the construction is SplitMix's, a Weyl sequence followed by a mixing function (Steele,
 * Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014); the 32-bit mixing
 * function is `fmix32` of MurmurHash3 (Appleby, public domain). The second round keeps the
 * sequences of neighbouring seeds from being shifted copies of each other.
 *
 * @param seed any whole number, of which the low 32 bits are used
 */
export function createDraw(seed: number): Draw {
  const first = mix(seed ^ 0x5bd1e995);
  const second = mix(first + goldenGamma);
  return (position, below) => {
    const weyl = (first + Math.imul(position + 1, goldenGamma)) >>> 0;
    const bits = mix(mix(weyl) ^ second);
    // Multiplying into the range is biased by less than below / 2^32: negligible at these sizes.
    return Math.floor((bits / 2 ** 32) * below);
  };
}

function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
