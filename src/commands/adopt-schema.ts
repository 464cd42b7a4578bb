import type { BranchReport } from '../bank/adoption/tally.ts';
import {
  amount,
  flag,
  listOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  text,
  wholeNumber,
} from './result-schema.ts';

type Total = Pick<BranchReport, 'branch' | 'currency' | 'before' | 'after'>;

/** An adoption as JSON. */
export interface AdoptData {
  readonly adopted: number;
  readonly converted: number;
  readonly rounded: BranchReport['rounded'];
  /** How many were rounded besides those; absent if all are listed. */
  readonly rounded_more?: number;
  /** How many account numbers are stored in another form now. */
  readonly renumbered: number;
  /** How many documents had a field of another program that was written over. */
  readonly replaced: number;
  readonly conflicts: BranchReport['conflicts'];
  /** With `--outside-writes`. */
  readonly outside?: BranchReport['outside'];
  readonly outside_more?: number;
  readonly totals: readonly Total[];
  readonly dry_run: boolean;
  readonly interrupted?: boolean;
}

/** What `adopt` prints. */
export const adoptForms: readonly ResultForm[] = [
  oneOf(
    objectOf<AdoptData>({
      ...{ adopted: wholeNumber, converted: wholeNumber },
      rounded: listOf(
        objectOf<AdoptData['rounded'][number]>({
          ...{ branch: text, account: text, before: amount, after: amount },
          currency: text,
        }),
      ),
      rounded_more: optional(wholeNumber),
      ...{ renumbered: wholeNumber, replaced: wholeNumber },
      conflicts: listOf(
        objectOf<AdoptData['conflicts'][number]>({
          ...{ branch: text, code: text, account: nullable(text), documents: wholeNumber },
          detail: text,
        }),
      ),
      outside: optional(
        listOf(
          objectOf<NonNullable<AdoptData['outside']>[number]>({
            ...{ branch: text, account: text, amount, currency: text },
          }),
        ),
      ),
      outside_more: optional(wholeNumber),
      totals: listOf(
        objectOf<Total>({ branch: text, currency: text, before: amount, after: amount }),
      ),
      ...{ dry_run: flag, interrupted: optional(flag) },
    }),
  ),
];
