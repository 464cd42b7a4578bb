import type { Finding } from '../audit/finding.ts';
import type { AuditOutcome, AuditResult } from '../audit/scan/audit.ts';
import { count, visible } from '../core/text.ts';
import type { ColumnOf, View } from './view.ts';

/** The columns of findings, a line each. */
export const findingColumns: readonly ColumnOf<Finding>[] = [
  ...(['code', 'account', 'branch', 'from', 'to', 'amount', 'currency', 'certain'] as const),
  ...(['explanations', 'documents', 'operation', 'detail', 'cause', 'repair'] as const),
].map((name) => ({ name, cell: (finding) => String(finding[name] ?? '') }));

/** An audit as people read it: a sentence for each finding, and then what to do. */
export function auditView({ findings, more, checked, unread }: AuditResult): View {
  const lines = findings.flatMap(({ detail, cause }) => [
    detail,
    ...(cause === null ? [] : [`    ${cause}`]),
  ]);
  const rest = Object.entries(more).map(
    ([code, number]) => `${count(number, 'more finding')} of the kind ${code}.`,
  );
  const parts: readonly (readonly string[])[] = [
    [...lines, ...rest],
    repairs(findings),
    unread.map(unreadSentence),
    [summary(findings.length + total(more), unread.length, checked)],
  ];
  const shown = parts.filter((part) => part.length > 0);
  return {
    layout: 'prose',
    columns: [{ name: 'finding' }],
    rows: shown.flatMap((part, index) => [...(index > 0 ? [['']] : []), ...part.map((it) => [it])]),
  };
}

function total(more: AuditResult['more']): number {
  return Object.values(more).reduce((sum, number) => sum + number, 0);
}

/** Each way to mend something is said once, with what it mends. */
function repairs(findings: readonly Finding[]): readonly string[] {
  const said = new Set(
    findings.flatMap(({ code, repair }) => (repair === null ? [] : [`  ${code}: ${repair}`])),
  );
  return said.size === 0 ? [] : ['What to do:', ...said];
}

/** Which part could not be read, and why. */
export function unreadSentence(part: AuditOutcome['unread'][number]): string {
  const { branch, collection, reason } = part;
  const of = branch === undefined || branch === collection ? '' : ` (branch ${branch})`;
  return collection === undefined
    ? `Not all was read: ${reason}`
    : visible(`The collection ${collection}${of} was not read whole: ${reason}`);
}

/** How much was read. */
export function checkedSentence({ accounts, operations }: AuditOutcome['checked']): string {
  return `Checked ${count(accounts, 'account')} and ${count(operations, 'operation')}.`;
}

function summary(findings: number, unread: number, checked: AuditOutcome['checked']): string {
  const found =
    findings > 0
      ? `${count(findings, 'finding')}.`
      : unread > 0
        ? 'Nothing wrong was found in what could be read.'
        : 'Nothing is wrong.';
  return `${checkedSentence(checked)} ${found}`;
}
