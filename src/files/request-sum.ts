import { type Operation, requestOf } from '../bank/operations/operation.ts';
import { fold } from './fold.ts';

/** What rows ask for, gathered one by one in flat memory. */
export interface RequestSum {
  readonly add: (operation: Operation) => void;
  /**
   * The same for the same requests, whatever their order and however they were written, so that
   * rows that were sorted or saved by another program are known again; undefined for no rows.
   */
  readonly digest: () => string | undefined;
}

/** A sum of nothing yet. Sums, unlike exclusive ors, do not let two equal rows cancel out. */
export function createRequestSum(): RequestSum {
  const sums = new Uint32Array(4);
  let rows = 0;
  return Object.freeze({
    add: (operation: Operation) => {
      const text = Object.values(requestOf(operation)).join('\n');
      for (let index = 0; index < sums.length; index += 1) {
        sums[index] = (sums[index] ?? 0) + fold(text, seeds[index] ?? 0);
      }
      rows += 1;
    },
    digest: () => (rows === 0 ? undefined : [rows, ...sums].map(hexadecimal).join('')),
  });
}

/** As many as the numbers that are summed: 128 bits. */
const seeds = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

function hexadecimal(bits: number): string {
  return bits.toString(16).padStart(8, '0');
}
