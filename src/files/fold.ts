/** 32 bits of a text. Two texts may share them. */
export function fold(text: string, seed: number): number {
  let bits = seed;
  for (let index = 0; index < text.length; index += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(index), 0x5bd1e995);
    bits ^= bits >>> 15;
  }
  return bits >>> 0;
}
