import { hash } from 'node:crypto';
import { type Operation, requestOf } from '../bank/operation.ts';
import { countOccurrences } from './occurrences.ts';
import type { AskedRow } from './operation-rows.ts';

/** Gives rows their operation ids, in the order of the file. */
export type IdGiver = (row: AskedRow) => Operation | undefined;

/** 132 of the 256 bits of SHA-256: no two requests of any file share them. */
const digestCharacters = 22;

/**
 * The id of a row: its own, or else one made of the batch's name, what the row asks for, and its
 * how-manieth occurrence in the file. So the file can be repeated, also after it has grown or been
 * sorted, and two rows that ask for the same are two operations.
 *
 * @param batch the name that stands for this file; undefined where every row must have an id
 * @returns gives undefined for a row that has no id and can get none
 */
export function giveIds(batch: string | undefined): IdGiver {
  const occurrences = countOccurrences();
  return (row) => {
    if (row.id !== undefined) return { ...row, id: row.id, idGiven: true };
    if (batch === undefined) return undefined;
    const operation: Operation = { ...row, id: '', idGiven: true };
    const digest = hash('sha256', JSON.stringify(requestOf(operation)), 'base64url');
    const nth = occurrences.count(bits(digest, 0), bits(digest, 5));
    const id = `${batch}:${digest.slice(0, digestCharacters)}${nth === 1 ? '' : `:${nth}`}`;
    return { ...operation, id };
  };
}

/** Thirty bits of a digest: five of its characters, six bits each. */
function bits(digest: string, from: number): number {
  let value = 0;
  for (let index = from; index < from + 5; index += 1) {
    value = value * 64 + sixBits(digest.charCodeAt(index));
  }
  return value;
}

/** The value of a character of base64url, as RFC 4648 numbers them. */
function sixBits(code: number): number {
  if (code >= 97) return code - 71;
  if (code >= 65) return code === 95 ? 63 : code - 65;
  return code === 45 ? 62 : code + 4;
}
