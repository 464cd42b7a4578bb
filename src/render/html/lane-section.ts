import type { Lane, LaneStep } from '../lane.ts';
import { html, type Markup } from './markup.ts';

/** A schedule, or the first wrong write of a load run: one column per worker, time running down. */
export function laneSection(model: string, lane: Lane): Markup {
  const pointed = lane.steps.some((step) => step.model !== null);
  return html`<section aria-labelledby="lane-${model}" class="lane-section">
<h2 id="lane-${model}">${lane.title}</h2>
${lane.reason === '' ? '' : html`<p class="reason">${lane.reason}</p>`}
<div class="player" data-lane="${model}" tabindex="0" role="group" hidden
 aria-label="Steps: left and right arrow keys move, Home and End go to the ends">
<div class="buttons">
<button type="button" data-go="first" aria-label="First step">|◀</button>
<button type="button" data-go="back" aria-label="One step back">◀</button>
<output class="position"></output>
<button type="button" data-go="next" aria-label="One step on">▶</button>
<button type="button" data-go="last" aria-label="Last step">▶|</button>
<button type="button" data-go="wrong">To what went wrong</button>
<span class="keys" aria-hidden="true">or ← → Home End</span>
</div>
<div class="stage" aria-live="polite"></div>
</div>
<div class="scroll" tabindex="0" role="region" aria-label="All steps">
<table class="lane">
<thead><tr><th scope="col">${lane.counts}</th>${lane.workers.map(
    ({ worker, label }) => html`<th scope="col">worker ${worker}<small>${label}</small></th>`,
  )}${pointed ? html`<th scope="col">the model points at</th>` : ''}</tr></thead>
<tbody>
${lane.steps.map((step, index) => stepRow(model, lane, step, index, pointed))}
</tbody>
</table>
</div>
<p class="replay">${lane.remark.text}${replay(lane)}</p>
</section>`;
}

function replay(lane: Lane): Markup {
  return lane.replay === '' ? html`` : html` Again: <code>${lane.replay}</code>`;
}

function stepRow(
  model: string,
  { workers }: Lane,
  step: LaneStep,
  index: number,
  pointed: boolean,
): Markup {
  const cells = workers.map(({ worker }) =>
    worker === step.worker
      ? html`<td class="doing" data-of="worker ${worker}">${step.phrases.map(
          ({ tone, text }) => html`<span class="${tone}">${text}</span>`,
        )}</td>`
      : html`<td></td>`,
  );
  return html`<tr id="${stepId(model, index)}" class="${step.wrong === null ? '' : 'wrong'}">
<th scope="row">${step.label}</th>${cells}${pointed ? modelCell(step) : ''}</tr>
`;
}

function modelCell({ model }: LaneStep): Markup {
  if (model === null) return html`<td class="state"></td>`;
  const { name, cached } = model;
  const cache = cached === null ? 'cache empty' : cached === name ? '' : `${cached} cached`;
  const small = cache === '' ? '' : html`<small>${cache}</small>`;
  return html`<td class="state" data-of="the model points at">${name}${small}</td>`;
}

/** The id of a step's row; the page's script finds the step by it. */
export function stepId(model: string, index: number): string {
  return `step-${model}-${index + 1}`;
}
