// The script of a report, run by the browser that shows it. Bundled as text when bankctl is built.
import type { PageData } from '../report-data.ts';
import { startCharts } from './charts.ts';
import { startPlayer } from './player.ts';

/** Brings a report to life: its swimlanes can be stepped, its charts are drawn. */
function start(): void {
  const text = document.getElementById('report')?.textContent ?? '{"models":[]}';
  const { models }: PageData = JSON.parse(text);
  for (const { model, lane, timeline } of models) {
    if (lane) startPlayer(model, lane);
    if (timeline) startCharts(model, timeline);
  }
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    startCopying(button);
  }
}

/** Copying needs a permission that a browser may not grant: then there is no button. */
function startCopying(button: HTMLButtonElement): void {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(button.dataset['copy'] ?? '').then(
      () => {
        button.textContent = 'Copied';
      },
      () => {
        button.hidden = true;
      },
    );
  });
}

start();
