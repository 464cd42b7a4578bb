import { type Finding, findingTable } from '../../audit/finding.ts';
import type { AuditResult } from '../../audit/scan/audit.ts';
import { groupDigits } from '../../core/money.ts';
import { count } from '../../core/text.ts';
import { checkedSentence, unreadSentence } from '../audit-view.ts';
import { html, type Markup, readable } from './markup.ts';
import { framedPage, type PageParts } from './page-frame.ts';

/** An audit, and where and when it was made. */
interface AuditReport {
  readonly result: AuditResult;
  readonly database: string;
  /** The names of the branches, in the order of the config. */
  readonly branches: readonly string[];
  /** In the zone of the config. */
  readonly madeAt: string;
}

/** How many findings of a branch are listed; a longer page would not be read. */
const maxListed = 500;

/** An audit as a page for a branch manager: what is wrong in which branch, and what to do. */
export function renderAuditReport(report: AuditReport, { style }: PageParts): string {
  const { result, database } = report;
  const body = html`${header(report)}
<main>
${[...byBranch(report)].map(([branch, findings]) => branchSection(branch, findings))}
${restSection(result)}
${repairSection(result.findings)}
<section aria-labelledby="facts">
<h2 id="facts">About this audit</h2>
<dl class="facts">
<div><dt>database</dt><dd>${database}</dd></div>
<div><dt>read</dt><dd>${checkedSentence(result.checked)}</dd></div>
<div><dt>made at</dt><dd>${report.madeAt}</dd></div>
</dl>
</section>
</main>`;
  const skip = { id: 'verdict', name: 'the result' };
  return framedPage({ title: `Audit of ${database} · bankctl`, skip, body }, { style });
}

function header({ result, database }: AuditReport): Markup {
  const { tone, mark, title } = verdictOf(result);
  const counts = new Map<Finding['code'], number>();
  for (const { code } of result.findings) counts.set(code, (counts.get(code) ?? 0) + 1);
  return html`<header class="verdict ${tone}" id="verdict">
<p class="eyebrow">bankctl audit · ${database}</p>
<h1><span class="mark" aria-hidden="true">${mark}</span>
${title}</h1>
<p class="lead">${checkedSentence(result.checked)}</p>
<ul class="findings">
${[...counts].map(
  ([code, number]) => html`<li class="bad"><span class="mark" aria-hidden="true">✗</span>
<span><b>${number + (result.more[code] ?? 0)} × ${readable(code)}</b>
 ${findingTable[code].meaning}</span></li>
`,
)}
${result.unread.map(
  (part) => html`<li class="warn"><span class="mark" aria-hidden="true">?</span>
<span>${unreadSentence(part)}</span></li>
`,
)}
</ul>
</header>`;
}

function verdictOf({ findings, unread }: AuditResult) {
  if (findings.length > 0) return { tone: 'bad', mark: '✗', title: 'Something is wrong' };
  if (unread.length > 0) return { tone: 'warn', mark: '?', title: 'Not all could be read' };
  return { tone: 'good', mark: '✓', title: 'Nothing is wrong' };
}

/** The branches come first; what is about none of them, last. */
function byBranch({ result, branches }: AuditReport): ReadonlyMap<string, readonly Finding[]> {
  const groups = new Map<string, Finding[]>(branches.map((name) => [name, []]));
  for (const finding of result.findings) {
    const branch = finding.branch ?? finding.to ?? finding.from ?? '';
    const group = groups.get(branch) ?? [];
    groups.set(branch, group);
    group.push(finding);
  }
  const bank = groups.get('') ?? [];
  groups.delete('');
  return new Map([...groups, ['', bank] as const].filter(([, group]) => group.length > 0));
}

function branchSection(branch: string, findings: readonly Finding[]): Markup {
  const listed = findings.slice(0, maxListed);
  const id = `branch-${[...branch].map((it) => it.codePointAt(0)?.toString(16)).join('-')}`;
  const left = findings.length - listed.length;
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${branch === '' ? 'The whole bank' : branch}</h2>
<div class="card scroll" tabindex="0" role="region" aria-labelledby="${id}">
<table class="found">
<thead><tr><th scope="col">account</th><th scope="col">what</th><th scope="col">amount</th>
<th scope="col">what was found</th></tr></thead>
<tbody>
${listed.map((finding) => findingRow(finding))}
</tbody>
</table>
</div>
${left > 0 ? html`<p class="remark bad">And ${count(left, 'more finding')}.</p>` : ''}
</section>
`;
}

function findingRow({ account, code, amount, currency, detail, cause }: Finding): Markup {
  const money = amount === undefined ? '' : `${groupDigits(amount)} ${currency ?? ''}`;
  return html`<tr><th scope="row">${account ?? '–'}</th><td>${readable(code)}</td>
<td class="number">${money}</td><td>${detail}${cause === null ? '' : html`<br>${cause}`}</td></tr>
`;
}

function restSection({ more }: AuditResult): Markup {
  const rest = Object.entries(more);
  if (rest.length === 0) return html``;
  return html`<section aria-labelledby="more">
<h2 id="more">Not listed</h2>
<ul>
${rest.map(([code, number]) => restItem(code, number))}
</ul>
</section>`;
}

function restItem(code: string, number: number): Markup {
  return html`<li>${count(number, 'more finding')}: ${readable(code)}</li>\n`;
}

/** Each way to mend something is said once, with what it mends. */
function repairSection(findings: readonly Finding[]): Markup {
  const codes = new Map(findings.flatMap(({ repair, code }) => (repair ? [[repair, code]] : [])));
  if (codes.size === 0) return html``;
  return html`<section aria-labelledby="repair">
<h2 id="repair">What to do</h2>
<ul class="findings">
${[...codes].map(([repair, code]) => html`<li><b>${readable(code)}</b> ${repair}</li>\n`)}
</ul>
</section>`;
}
