import type { Operation } from '../../bank/operations/operation.ts';
import type { RepairLeg } from '../../bank/operations/repair.ts';
import type { FindingCode } from '../finding.ts';

/** What `audit --plan` writes, and `repair` carries out. */
export interface Plan {
  /** The database's name and id: no other database may be repaired with it. */
  readonly database: string;
  readonly databaseId: string;
  /** When it was made, ISO 8601, and by whom, as `user@host`. */
  readonly made: string;
  readonly by: string;
  readonly entries: readonly PlanEntry[];
}

/** What mends the damage of one account number: all of it in one transaction, or nothing. */
export interface PlanEntry {
  /** The line of the file on which it begins, from 1. */
  readonly line: number;
  /** The id of the repair, made with the plan: however often it is run, it is applied once. */
  readonly id: string;
  readonly findings: readonly FindingCode[];
  /** The account number, the same in every change. */
  readonly account: string;
  /** Becomes the memo. */
  readonly why: string;
  /** At least one; no branch twice. */
  readonly changes: readonly PlanChange[];
}

/** What an entry does to one account, which must be as it was seen. */
export interface PlanChange extends RepairLeg {
  /**
   * What other programs added to the balance, in minor units: it is journalled first. Zero if what
   * they added adds up to nothing; undefined if they wrote nothing.
   */
  readonly outsideMinor: bigint | undefined;
}

/** The operations of an entry, in order; the last one is the repair itself. */
export function operationsOf(entry: PlanEntry): readonly Operation[] {
  const { id, why: memo, changes } = entry;
  const adopts = changes.flatMap(
    ({ branch, account, balanceMinor, version, outsideMinor }, index): readonly Operation[] =>
      outsideMinor === undefined
        ? []
        : [
            {
              ...{ type: 'adopt', branch, account, amountMinor: outsideMinor },
              ...{ balanceMinor, version, id: adoptId(entry, index), idGiven: true, memo },
            },
          ],
  );
  const legs = changes.map(
    ({ branch, account, amountMinor, balanceMinor, version, outsideMinor }): RepairLeg => ({
      ...{ branch, account, amountMinor, balanceMinor },
      version: outsideMinor === undefined ? version : version + 1n,
    }),
  );
  return [...adopts, { type: 'repair', legs, id, idGiven: true, memo }];
}

/** Every operation id that an entry uses. */
export function idsOf(entry: PlanEntry): readonly string[] {
  return operationsOf(entry).map(({ id }) => id);
}

/** @param index of the change, from 0 */
function adoptId({ id }: Pick<PlanEntry, 'id'>, index: number): string {
  return `${id}/adopt-${index + 1}`;
}
