import type { Lane, Tone } from '../lane.ts';
import { laneSection, stepId } from './lane-section.ts';
import { html, jsonForScript, type Markup, readable } from './markup.ts';
import { framedPage, type PageParts } from './page-frame.ts';
import type { PageData, ReportData, ReportModel } from './report-data.ts';
import { moneySection, outcomesSection } from './tables.ts';
import { timeSection } from './time-section.ts';

/**
 * A report as one self-contained page. All that a person must know is in the markup, so it can be
 * read and printed without its script, which adds the steps of the swimlane and the charts.
 */
export function renderReport(data: ReportData, parts: Required<PageParts>): string {
  const body = html`${verdictHeader(data)}
<main>
${data.models.map((model) => laneOf(model))}
${outcomesSection(data.models)}
${moneySection(data.models)}
${timeSection(data.models)}
${againSection(data)}
</main>`;
  const json = jsonForScript(pageData(data));
  return framedPage(
    {
      title: `${data.verdict.name} · bankctl stress`,
      skip: { id: 'verdict', name: 'the verdict' },
      body,
      data: html`<script type="application/json" id="report">${json}</script>\n`,
    },
    parts,
  );
}

function pageData({ models }: ReportData): PageData {
  return {
    models: models.map(({ model, lane, timeline }) => ({
      model,
      ...(lane ? { lane } : {}),
      ...(timeline ? { timeline } : {}),
    })),
  };
}

const marks: Readonly<Record<Tone, string>> = {
  good: '✓',
  bad: '✗',
  warn: '?',
  plain: '·',
  faint: '·',
};

function verdictHeader({ mode, verdict, models }: ReportData): Markup {
  return html`<header class="verdict ${verdict.tone}" id="verdict">
<p class="eyebrow">bankctl stress · ${mode}</p>
<h1><span class="mark" aria-hidden="true">${marks[verdict.tone]}</span>
${readable(verdict.name)}</h1>
<p class="lead">${verdict.sentence}</p>
<ul class="findings">
${models.map((model) => finding(model))}
</ul>
</header>`;
}

function finding({ model, summary, tone, lane }: ReportModel): Markup {
  return html`<li class="${tone}"><span class="mark" aria-hidden="true">${marks[tone]}</span>
<span><b>${model}</b> ${summary}${lane ? wrongLinks(model, lane) : ''}</span></li>
`;
}

/** Each wrong write of the lane, as a link to the step where it happened. */
function wrongLinks(model: string, lane: Lane): Markup {
  const wrong = lane.steps.flatMap(({ wrong }, index) =>
    wrong === null ? [] : [{ wrong, index }],
  );
  if (wrong.length === 0) return html``;
  return html`<span class="links">${wrong.map(
    (step) => html`<a href="#${stepId(model, step.index)}">${step.wrong}</a>`,
  )}</span>`;
}

function laneOf({ model, lane }: ReportModel): Markup {
  return lane ? laneSection(model, lane) : html``;
}

function againSection({ command, environment, made_at }: ReportData): Markup {
  return html`<section aria-labelledby="again">
<h2 id="again">Run it again</h2>
<p class="command"><code tabindex="0">${command}</code>
<button type="button" data-copy="${command}" hidden>Copy</button></p>
<dl class="facts">
${environment.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}
<div><dt>made at</dt><dd><time datetime="${made_at}">${made_at}</time></dd></div>
</dl>
</section>`;
}
