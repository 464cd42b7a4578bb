import type { AccountReference } from '../bank/operations/names.ts';
import type { FindingCode } from './finding.ts';

/** What would mend the damage of one account number: an entry of a plan. */
export interface Correction {
  /** The findings that it mends. */
  readonly findings: readonly FindingCode[];
  /** The account number, the same in every leg. */
  readonly account: string;
  /** One sentence for the person who reviews the plan; becomes the memo of the repair. */
  readonly why: string;
  readonly legs: readonly CorrectionLeg[];
}

/** What a correction does to one account, and the account as it was seen. Minor units. */
export interface CorrectionLeg extends AccountReference {
  readonly amountMinor: bigint;
  readonly balanceMinor: bigint;
  readonly version: bigint;
  /** What the balance has beyond the journal: it is journalled as an `adopt` first. */
  readonly outsideMinor: bigint;
}
