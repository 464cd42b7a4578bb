import { createHash } from 'node:crypto';
import type { Lane, Tone } from '../lane.ts';
import { laneSection, stepId } from './lane-section.ts';
import { html, jsonForScript, type Markup, readable } from './markup.ts';
import type { PageData, ReportData, ReportModel } from './report-data.ts';
import { moneySection, outcomesSection } from './tables.ts';
import { timeSection } from './time-section.ts';

/** The page's own script and style sheet, bundled when bankctl is built. */
interface PageParts {
  readonly script: string;
  readonly style: string;
}

/**
 * A report as one self-contained page that loads nothing. All that a person must know is in the
 * markup, so it can be read and printed without its script, which adds the steps of the swimlane
 * and the charts.
 *
 * Its content security policy lets only this script and this style take effect, so that even a
 * mistake in escaping would run nothing.
 */
export function renderReport(data: ReportData, { script, style }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src '${digest(script)}'`,
    `style-src '${digest(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { verdict } = data;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${verdict.name} · bankctl stress</title>
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#verdict">Skip to the verdict</a>
${verdictHeader(data)}
<main>
${data.models.map((model) => laneOf(model))}
${outcomesSection(data.models)}
${moneySection(data.models)}
${timeSection(data.models)}
${againSection(data)}
</main>
<script type="application/json" id="report">${jsonForScript(pageData(data))}</script>
<script>${raw(script)}</script>
</body>
</html>
`;
  return page.markup;
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

/** Our own script or style sheet, as it was built: no part of it comes from a run. */
function raw(text: string): Markup {
  return { markup: text };
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
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
