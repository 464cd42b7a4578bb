import { type Operation, requestDigest, requestOf } from '../bank/operations/operation.ts';
import { createDigestTable } from '../core/digest-table.ts';
import { LineProblem } from './rows.ts';

/** 128 of the 256 bits of SHA-256, hexadecimal: no two requests of any file share them. */
const digestCharacters = 32;

/**
 * The id of a row: its own, or else one made of the batch's name, what the row asks for, and its
 * position among identical rows of the file. So the file can be repeated, even after it has grown
 * or been sorted, and two rows that ask for the same thing are two operations.
 *
 * @param batch the name that stands for this file; undefined if every row must have an id
 * @returns a function to be called with the operations in the order of the file; it throws
 *   `LineProblem` for a row that cannot be given an id
 */
export function assignIds(
  batch: string | undefined,
): (operation: Operation, line: number) => Operation {
  const occurrences = createDigestTable();
  return (operation, line) => {
    // Made here, where the server is busy with the batch before, and not when it waits.
    const request = requestDigest(requestOf(operation));
    if (operation.id !== '') return Object.assign(operation, { request });
    if (batch === undefined) throw missingIdProblem(line);
    const nth = occurrences.update(bits(request, 0), bits(request, 8), (before) => before + 1) + 1;
    const id = `${batch}:${request.slice(0, digestCharacters)}${nth === 1 ? '' : `:${nth}`}`;
    // Set on the same object, as in `toOperation`.
    return Object.assign(operation, { id, request });
  };
}

/** 32 bits of a hexadecimal digest. */
function bits(digest: string, from: number): number {
  return Number.parseInt(digest.slice(from, from + 8), 16);
}

/** What is wrong with a row that has no id, in a file without a name. */
export function missingIdProblem(line: number): LineProblem {
  return new LineProblem(
    line,
    'has no id, and no --batch names the file',
    'Give each row an id, or give the file a name, and always the same one: --batch NAME.',
    'row_without_id',
  );
}
