import uPlot from 'uplot';
import type { ReportTimeline } from '../report-data.ts';
import { drawWindow } from './window.ts';

/** Draws the charts of a model, and again when the width or the colours change. */
export function startCharts(model: string, timeline: ReportTimeline): void {
  const card = document.querySelector<HTMLElement>(`[data-charts="${CSS.escape(model)}"]`);
  if (!card) return;
  const place = (name: string) => card.querySelector<HTMLElement>(`[data-chart="${name}"]`);
  const window_ = place('window');
  if (window_) drawWindow(window_, timeline);
  let drawn: uPlot[] = [];
  const redraw = () => {
    for (const chart of drawn) chart.destroy();
    drawn = [
      ...draw(place('throughput'), throughput(timeline, card), throughputData(timeline)),
      ...draw(place('latency'), latency(timeline, card), latencyData(timeline)),
    ];
  };
  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(card.clientWidth - width) < 2) return;
    width = card.clientWidth;
    redraw();
  }).observe(card);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  // Paper is white: the canvases are repainted in the colours for printing, and back afterwards.
  const print = (on: boolean) => () => {
    document.documentElement.classList.toggle('paper', on);
    redraw();
  };
  addEventListener('beforeprint', print(true));
  addEventListener('afterprint', print(false));
}

function draw(
  place: HTMLElement | null,
  options: Omit<uPlot.Options, 'width' | 'height'>,
  data: uPlot.AlignedData,
): uPlot[] {
  if (!place || place.clientWidth === 0) return [];
  return [new uPlot({ ...options, width: place.clientWidth, height: 190 }, data, place)];
}

/** The middles of the buckets, seconds. */
function times({ bucket_ms, ended }: ReportTimeline): number[] {
  return ended.map((_, index) => ((index + 0.5) * bucket_ms) / 1000);
}

function throughputData(timeline: ReportTimeline): uPlot.AlignedData {
  const rate = (count: number) => (count * 1000) / timeline.bucket_ms;
  return [times(timeline), timeline.ended.map(rate), timeline.marked.map(rate)];
}

function latencyData(timeline: ReportTimeline): uPlot.AlignedData {
  const { p50_ms, p99_ms, max_ms } = timeline;
  return [times(timeline), [...p50_ms], [...p99_ms], [...max_ms]];
}

type ChartOptions = Omit<uPlot.Options, 'width' | 'height'>;

function throughput(timeline: ReportTimeline, card: HTMLElement): ChartOptions {
  const colour = colours(card);
  const bars = uPlot.paths.bars?.({ size: [1, 100], gap: 0 });
  return chart(timeline, colour, [
    {
      label: 'a second',
      stroke: colour('--accent'),
      fill: colour('--accent-soft'),
      ...(bars ? { paths: bars } : {}),
      points: { show: false },
      value: (_, value) => round(value, 0),
    },
    {
      label: `of them ${timeline.mark}`,
      stroke: colour('--bad'),
      fill: colour('--bad'),
      ...(bars ? { paths: bars } : {}),
      points: { show: false },
      value: (_, value) => round(value, 0),
    },
  ]);
}

function latency(timeline: ReportTimeline, card: HTMLElement): ChartOptions {
  const colour = colours(card);
  const line = (label: string, name: string, width: number): uPlot.Series => ({
    label,
    stroke: colour(name),
    width,
    spanGaps: true,
    points: { show: false },
    value: (_, value) => round(value, 1),
  });
  return chart(timeline, colour, [
    line('p50', '--accent', 2),
    line('p99', '--warn', 1.5),
    line('max', '--faint', 1),
  ]);
}

function chart(
  timeline: ReportTimeline,
  colour: (name: string) => string,
  series: readonly uPlot.Series[],
): ChartOptions {
  const axis = { stroke: colour('--text'), grid: { stroke: colour('--line'), width: 1 } };
  return {
    padding: [8, 12, 0, 0],
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, max * 1.08 || 1] } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`), size: 34 },
      { ...axis, size: 56 },
    ],
    series: [{ label: 'at second', value: (_, value) => round(value, 3) }, ...series],
    hooks: { drawClear: [(plot) => bands(plot, timeline, colour)] },
  };
}

/** In the background: each fault, and the window whose operations are shown one by one. */
function bands(
  plot: uPlot,
  { faults, window: shown }: ReportTimeline,
  colour: (name: string) => string,
): void {
  const band = (fromMs: number, toMs: number, name: string) => {
    const left = plot.valToPos(fromMs / 1000, 'x', true);
    const right = plot.valToPos(toMs / 1000, 'x', true);
    plot.ctx.fillStyle = colour(name);
    plot.ctx.fillRect(left, plot.bbox.top, Math.max(2, right - left), plot.bbox.height);
  };
  plot.ctx.save();
  if (shown.around !== 'all') band(shown.from_ms, shown.to_ms, '--band');
  for (const { from_ms, to_ms } of faults) band(from_ms, to_ms, '--fault');
  plot.ctx.restore();
}

function colours(card: HTMLElement): (name: string) => string {
  const style = getComputedStyle(card);
  return (name) => style.getPropertyValue(name).trim();
}

function round(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined ? '–' : value.toFixed(digits);
}
