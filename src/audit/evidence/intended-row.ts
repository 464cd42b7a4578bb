import type { AccountReference } from '../../bank/operations/names.ts';

/** One call in the application's own log: what was meant. */
export interface IntendedRow extends AccountReference {
  /** The line of the file, from 1. */
  readonly line: number;
  readonly id: string | undefined;
  /** In minor units of the branch's currency; never zero. */
  readonly amountMinor: bigint;
  /** When the call began, and when it ended, by the application's clock. */
  readonly time: Date | undefined;
  readonly endTime: Date | undefined;
  readonly outcome: 'acknowledged' | 'unknown';
  /** How many documents the driver said were changed, if the log knows. */
  readonly modified: number | undefined;
}
