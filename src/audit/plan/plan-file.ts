import type { Bank } from '../../bank/bank.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Correction } from '../correction.ts';

/** Writes what would mend the damage, for a person to review. */
export async function writePlan(
  _path: string,
  _corrections: readonly Correction[],
  _bank: Bank,
  _host: AuditHost,
): Promise<void> {
  // Written with the command `repair`.
}
