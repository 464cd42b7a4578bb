import { html, type Markup } from './markup.ts';
import type { ReportModel, ReportTimeline } from './report-data.ts';

/** How a run went over time. The charts are drawn by the page; what they show is said in words. */
export function timeSection(models: readonly ReportModel[]): Markup {
  const timed = models.filter(({ timeline, latency_ms }) => timeline ?? latency_ms);
  if (timed.length === 0) return html``;
  return html`<section aria-labelledby="time">
<h2 id="time">In time</h2>
${latencyTable(timed)}
${timed.map((model) => charts(model))}
</section>`;
}

const quantiles = ['p50', 'p90', 'p99', 'max'] as const;

function latencyTable(models: readonly ReportModel[]): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Speed">
<table class="speed">
<thead><tr><th scope="col">model</th><th scope="col">operations a second</th>${quantiles.map(
    (name) => html`<th scope="col">${name} ms</th>`,
  )}</tr></thead>
<tbody>
${models.map(
  ({ model, throughput, latency_ms }) => html`<tr><th scope="row">${model}</th>
<td class="number">${throughput?.toLocaleString('en') ?? ''}</td>${quantiles.map(
    (name) => html`<td class="number">${latency_ms?.[name].toFixed(1) ?? ''}</td>`,
  )}</tr>
`,
)}
</tbody>
</table>
</div>`;
}

function charts({ model, timeline }: ReportModel): Markup {
  if (!timeline) return html``;
  return html`<div class="card charts" data-charts="${model}">
<h3>${model}</h3>
<figure><figcaption>${rateWords(timeline)}</figcaption>
<div class="chart" data-chart="throughput"></div></figure>
<figure><figcaption>Latency in ms: the median, 99 in 100, and the slowest.</figcaption>
<div class="chart" data-chart="latency"></div></figure>
<figure><figcaption>${windowWords(timeline)}</figcaption>
<div class="chart window scroll" data-chart="window" tabindex="0" role="region"
 aria-label="Operations one by one, model ${model}"></div></figure>
</div>
`;
}

function rateWords(timeline: ReportTimeline): string {
  const { bucket_ms, ended, marked, mark, window } = timeline;
  const seconds = ((bucket_ms * ended.length) / 1000).toFixed(2);
  const count = marked.reduce((sum, count) => sum + count, 0).toLocaleString('en');
  return (
    `Operations a second, and those of them that are ${mark}: ${count} of ` +
    `${window.total.toLocaleString('en')} in ${seconds} s, in ${ended.length} parts of ` +
    `${bucket_ms.toFixed(1)} ms${faultWords(timeline)}.`
  );
}

/** How many faults are named; all of them have a band. */
const shownFaults = 12;

function faultWords({ faults }: ReportTimeline): string {
  if (faults.length === 0) return '';
  const named = faults
    .slice(0, shownFaults)
    .map(({ label, from_ms }) => `${label} at ${(from_ms / 1000).toFixed(2)} s`);
  const more = faults.length - named.length;
  return `; the bands are ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function windowWords({ window }: ReportTimeline): string {
  const { around, operations, total, from_ms, to_ms } = window;
  if (around === 'all') return 'Every operation, one bar each.';
  return (
    `One bar an operation: the ${operations.length} nearest to ${around}, from ` +
    `${from_ms.toFixed(1)} to ${to_ms.toFixed(1)} ms. The charts above count all ` +
    `${total.toLocaleString('en')}; their marked part is this one.`
  );
}
