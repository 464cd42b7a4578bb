import type { BankctlError } from '../core/errors.ts';
import { shellWord } from '../core/text.ts';
import type { ApplyOptions, RefusedRow } from '../files/apply.ts';

/** What a person can do about the rows of a file that were refused. */
interface RefusedRows {
  readonly add: (row: RefusedRow) => void;
  /** What to do about all of them, in sentences. */
  readonly advice: () => readonly string[];
}

/** What to do about a refused row, if it has an id of its own and its cause is in the row. */
export const correctInPlace = 'Correct a refused row in place and keep its id.';

/** @param canStand whether a refused row stays refused when the file is applied again */
export function createRefusedRows(
  canStand: boolean,
  { retryRefused }: Pick<ApplyOptions, 'retryRefused'>,
): RefusedRows {
  const rows = { own: 0, derived: 0, used: 0, fresh: 0 };
  return {
    add: ({ error, isDerived, stands }) => {
      if (isUsed(error)) rows.used += 1;
      else {
        rows[isDerived ? 'derived' : 'own'] += 1;
        if (!stands) rows.fresh += 1;
      }
    },
    advice: () => {
      const { own, derived, used, fresh } = rows;
      const retry = 'Once the cause is removed, --retry-refused tries an unchanged row again.';
      return [
        ...inPlace(own, derived),
        ...(fresh > 0 && canStand && !retryRefused ? [retry] : []),
        ...(used > 0 ? ['A row whose id was used for another request needs a new id.'] : []),
      ];
    },
  };
}

function inPlace(own: number, derived: number): readonly string[] {
  if (own + derived === 0) return [];
  if (derived === 0) return [correctInPlace];
  return own === 0
    ? ['Correct a refused row in place.']
    : ['Correct a refused row in place, and keep an id of its own.'];
}

/** What is said of a refused row. A standing refusal is not judged anew: its cure may be done. */
export function refusedSentence({ line, operation, error, stands }: RefusedRow): string {
  if (stands) return `Line ${line} was refused before: ${error.message}`;
  const id = shellWord(operation.id);
  const hint = isUsed(error)
    ? `See it with bankctl show ${id}; to correct it, reverse it and give the row a new id.`
    : error.hint;
  return `Line ${line} was refused: ${error.message} ${hint}`;
}

function isUsed({ code }: BankctlError): boolean {
  return code === 'operation_id_conflict';
}
