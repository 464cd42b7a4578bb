import type { Bank } from '../../bank/bank.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Correction } from '../correction.ts';
import type { Finding } from '../finding.ts';
import type { Observer } from '../observer.ts';

/** Files that say what was meant; at most one of `intended` and `expected`. */
export interface EvidenceFiles {
  readonly intended: string | undefined;
  /** Only with `intended`. */
  readonly opening: string | undefined;
  readonly expected: string | undefined;
  /** How far the clocks of the application and of the database may differ. */
  readonly clockSkewMs: number;
}

/** What a source of intentions says of the bank. */
export interface Conclusion {
  readonly findings: readonly Finding[];
  readonly corrections: readonly Correction[];
  /** True for an account number whose right balances this source decides. */
  readonly covers: (account: string) => boolean;
}

/** A source of intentions, which sees what the audit reads and then concludes. */
export interface Evidence {
  readonly observer: Observer;
  /** Called once, after everything was seen. */
  readonly conclude: () => Promise<Conclusion>;
}

/**
 * Reads the files whole, before anything else is done.
 * @returns undefined if there are none
 */
export async function openEvidence(
  _files: EvidenceFiles,
  _bank: Bank,
  _host: AuditHost,
): Promise<Evidence | undefined> {
  return undefined;
}
