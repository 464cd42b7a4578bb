import { groupDigits } from '../../core/money.ts';
import { html, type Markup, readable } from './markup.ts';
import type { BranchMoney, Outcome, ReportModel } from './report-data.ts';

/** How many operations or schedules ended in which way: a table per model, a bar per count. */
export function outcomesSection(models: readonly ReportModel[]): Markup {
  return html`<section aria-labelledby="outcomes">
<h2 id="outcomes">What it came to</h2>
<div class="columns">
${models.map((model) => outcomes(model))}
</div>
</section>`;
}

/** More rows than this cannot be read at a glance: zero rows then share a line. */
const maxRows = 8;

function outcomes({ model, total, unit, outcomes: all, remarks, tone }: ReportModel): Markup {
  const isZero = ({ count, tone: kind }: Outcome) => count === 0 && kind !== 'plain';
  const zeros = all.length > maxRows ? all.filter(isZero) : [];
  const counts = all.filter((outcome) => !zeros.includes(outcome));
  const none = zeros.map(({ name }) => readable(name)).join(', ');
  return html`<div class="card">
<table class="counts">
<caption><b>${model}</b> ${total.toLocaleString('en')} ${unit}</caption>
<tbody>
${counts.map((outcome) => countRow(outcome, total))}
</tbody>
</table>
${zeros.length > 0 ? html`<p class="remark good">None: ${none}.</p>` : ''}
${(remarks ?? []).map((remark) => html`<p class="remark ${tone}">${remark}</p>`)}
</div>
`;
}

function countRow({ name, count, tone }: Outcome, total: number): Markup {
  const share = total === 0 ? 0 : Math.min(1, count / total);
  const shown = count > 0 && tone !== 'plain' ? tone : '';
  return html`<tr class="${shown}"><th scope="row">${readable(name)}</th>
<td class="number">${count.toLocaleString('en')}</td><td class="bar"><svg viewBox="0 0 100 8"
 preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="8" /><rect
 class="fill" width="${(100 * share).toFixed(2)}" height="8" /></svg></td>
<td class="number share">${percent(share)}</td></tr>
`;
}

function percent(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1 %';
  return `${(100 * share).toFixed(1)} %`;
}

/** What each branch should hold, and what it holds. */
export function moneySection(models: readonly ReportModel[]): Markup {
  const shown = models.filter(({ branches }) => branches.length > 0);
  if (shown.length === 0) return html``;
  return html`<section aria-labelledby="money">
<h2 id="money">Money by branch</h2>
<p>What each branch should hold, against what was read back from it at the end.</p>
<div class="columns">
${shown.map((model) => money(model))}
</div>
</section>`;
}

function money({ model, branches }: ReportModel): Markup {
  return html`<div class="card scroll" tabindex="0" role="region"
 aria-label="Money, model ${model}">
<table class="money">
<caption><b>${model}</b></caption>
<thead><tr><th scope="col">branch</th><th scope="col">should hold</th><th scope="col">holds</th>
<th scope="col">difference</th></tr></thead>
<tbody>
${branches.map((branch) => moneyRow(branch))}
</tbody>
</table>
</div>
`;
}

function moneyRow({ branch, expected, actual }: BranchMoney): Markup {
  const difference = subtract(actual, expected);
  const right = /^-?0(\.0+)?$/.test(difference);
  return html`<tr class="${right ? 'good' : 'bad'}"><th scope="row">${branch}</th>
<td class="number">${groupDigits(expected)}</td><td class="number">${groupDigits(actual)}</td>
<td class="number difference">${right ? '✓ none' : `✗ ${groupDigits(difference)}`}</td></tr>
`;
}

/** Exact, for decimals as text. */
function subtract(left: string, right: string): string {
  const digits = Math.max(decimals(left), decimals(right));
  const difference = scaleToInteger(left, digits) - scaleToInteger(right, digits);
  const sign = difference < 0n ? '-' : '+';
  const text = String(difference < 0n ? -difference : difference).padStart(digits + 1, '0');
  if (difference === 0n) return '0';
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function decimals(text: string): number {
  return text.split('.')[1]?.length ?? 0;
}

function scaleToInteger(text: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(digits, '0'));
}
