import { type Finding, findingTable } from '../audit/finding.ts';
import type { AuditResult } from '../audit/scan/audit.ts';
import type { OutsideWrite } from '../audit/trace/follow.ts';
import {
  amount,
  flag,
  listOf,
  manyOf,
  mapOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  text,
  time,
  wholeNumber,
  wordOf,
} from './result-schema.ts';

const finding = objectOf<Finding>({
  ...{ code: wordOf(Object.keys(findingTable)), account: nullable(text) },
  ...{ branch: optional(text), from: optional(text), to: optional(text) },
  ...{ operation: optional(text), amount: optional(amount), currency: optional(text) },
  ...{ certain: optional(flag), explanations: optional(wholeNumber), line: optional(wholeNumber) },
  ...{ fates: optional(listOf(text)), documents: optional(wholeNumber) },
  ...{ detail: text, cause: nullable(text), repair: nullable(text) },
});

/** An audit as JSON: without the corrections, which are for the plan. */
export interface AuditData extends Pick<AuditResult, 'findings' | 'checked' | 'unread'> {
  /** Absent if all findings are there. */
  readonly more?: AuditResult['more'];
}

/** What `audit` prints. */
export const auditForms: readonly ResultForm[] = [
  oneOf(
    objectOf<AuditData>({
      findings: listOf(finding),
      checked: objectOf<AuditData['checked']>({ accounts: wholeNumber, operations: wholeNumber }),
      unread: listOf(
        objectOf<AuditData['unread'][number]>({
          ...{ branch: optional(text), collection: optional(text), reason: text },
        }),
      ),
      more: optional(mapOf(wholeNumber)),
    }),
  ),
  manyOf(finding, 'with -o ndjson: a finding each'),
  manyOf(
    objectOf<OutsideWrite>({
      ...{ at: time, branch: nullable(text), account: nullable(text) },
      write: wordOf(['changed', 'inserted', 'replaced', 'deleted', 'dropped']),
      ...{ amount: nullable(amount), balance: nullable(amount), currency: nullable(text) },
    }),
    'with --follow: a write each',
  ),
];
