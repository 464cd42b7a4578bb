import { type Operation, requestDigest, requestOf } from '../bank/operations/operation.ts';
import { createDigestTable } from './digest-table.ts';

/** Gives operations their ids, in the order of the file; undefined if one can get none. */
export type IdGiver = (operation: Operation) => Operation | undefined;

/** 128 of the 256 bits of SHA-256, hexadecimal: no two requests of any file share them. */
const digestCharacters = 32;

/**
 * The id of a row: its own, or else one made of the batch's name, what the row asks for, and its
 * position among identical rows of the file. So the file can be repeated, also after it has grown
 * or been sorted, and two rows that ask for the same are two operations.
 *
 * @param batch the name that stands for this file; undefined if every row must have an id
 */
export function giveIds(batch: string | undefined): IdGiver {
  const occurrences = createDigestTable();
  return (operation) => {
    if (operation.id !== '') return operation;
    if (batch === undefined) return undefined;
    const request = requestDigest(requestOf(operation));
    const nth = occurrences.update(bits(request, 0), bits(request, 8), oneMore) + 1;
    const id = `${batch}:${request.slice(0, digestCharacters)}${nth === 1 ? '' : `:${nth}`}`;
    return { ...operation, id, request };
  };
}

function oneMore(before: number): number {
  return before + 1;
}

/** 32 bits of a digest. */
function bits(digest: string, from: number): number {
  return Number.parseInt(digest.slice(from, from + 8), 16);
}
