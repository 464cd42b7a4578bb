import type { ReportTimeline } from '../report-data.ts';

const namespace = 'http://www.w3.org/2000/svg';
const rowHeight = 20;
const barHeight = 14;
const labelWidth = 76;
const width = 1000;
const axisHeight = 22;

/** One row per worker, one bar per operation; a bar's tooltip says what the operation was. */
export function drawWindow(place: HTMLElement, { window: shown, faults }: ReportTimeline): void {
  const workers = [...new Set(shown.operations.map(({ worker }) => worker))].sort((a, b) => a - b);
  if (workers.length === 0) return;
  const height = workers.length * rowHeight + axisHeight;
  const spanMs = Math.max(shown.to_ms - shown.from_ms, 0.001);
  const x = (ms: number) => labelWidth + ((ms - shown.from_ms) / spanMs) * (width - labelWidth - 8);
  const picture = shape('svg', {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'aria-label': `${shown.operations.length} operations in ${workers.length} rows`,
  });
  for (const fault of faults) {
    const from = Math.max(fault.from_ms, shown.from_ms);
    const to = Math.min(fault.to_ms, shown.to_ms);
    if (to < from) continue;
    const attributes = { class: 'fault', x: x(from), y: 0, width: x(to) - x(from), height };
    picture.append(withTitle(shape('rect', attributes), fault.label));
  }
  for (const [row, worker] of workers.entries()) {
    const y = row * rowHeight;
    picture.append(
      shape('line', { class: 'rule', x1: labelWidth, x2: width, y1: y + 17, y2: y + 17 }),
      text(`${shown.row} ${worker}`, { x: 0, y: y + 13 }),
    );
  }
  for (const operation of shown.operations) {
    const row = workers.indexOf(operation.worker);
    const { from_ms, to_ms, title, marked } = operation;
    const bar = shape('rect', {
      class: marked ? 'wrong' : 'right',
      x: x(from_ms),
      y: row * rowHeight + 1,
      width: Math.max(1.5, x(to_ms) - x(from_ms)),
      height: barHeight,
      rx: 2,
    });
    picture.append(withTitle(bar, title));
  }
  picture.append(...axis(shown.from_ms, spanMs, x, height));
  place.replaceChildren(picture);
}

function axis(fromMs: number, spanMs: number, x: (ms: number) => number, height: number) {
  return [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const ms = fromMs + share * spanMs;
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    return text(`${ms.toFixed(1)} ms`, { x: x(ms), y: height - 5, 'text-anchor': anchor });
  });
}

type Attributes = Readonly<Record<string, string | number>>;

function shape(name: string, attributes: Attributes): SVGElement {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function text(content: string, attributes: Attributes): SVGElement {
  const made = shape('text', attributes);
  made.textContent = content;
  return made;
}

function withTitle(made: SVGElement, content: string): SVGElement {
  const title = shape('title', {});
  title.textContent = content;
  made.append(title);
  return made;
}
