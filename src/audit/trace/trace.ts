import type { Bank } from '../../bank/bank.ts';
import type { AuditHost } from '../audit-host.ts';
import type { EvidenceFiles } from '../evidence/evidence.ts';
import type { IntendedRow } from '../evidence/intended-row.ts';
import type { Finding } from '../finding.ts';
import type { Place } from '../observer.ts';

/** What a trace looks at. */
export interface TraceRequest {
  readonly files: EvidenceFiles;
  readonly places: readonly Place[];
  /** The rows of the log; each call reads it again. */
  readonly calls: (() => AsyncIterable<readonly IntendedRow[]>) | undefined;
}

/** Names single writes of the server's change history, in batches. */
export async function* traceWrites(
  _bank: Bank,
  _request: TraceRequest,
  _host: AuditHost,
): AsyncGenerator<readonly Finding[]> {
  yield [];
}
