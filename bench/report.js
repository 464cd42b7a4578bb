// What was measured: printed, kept as raw numbers in bench/results, shown in the pages.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

const results = join(import.meta.dirname, 'results');

/** Where figures are shown, each between its own marks. */
export const pages = ['performance', 'scaling'];

/** The figures of the part that is being measured. */
let figures = [];

/**
 * Pairs measured in turn: the median of `ours / theirs`, pair by pair, its quartiles, and the raw
 * medians beside it. `target` is `{ atLeast }` or `{ atMost }`, a ratio.
 */
export function ratio({ title, unit, ours, theirs, theirName, target }) {
  keep({ title, unit, theirName, target, ours, theirs });
}

/** What has nothing to be compared with, such as the peak of memory. */
export function amount({ title, unit, values, target }) {
  keep({ title, unit, target, values });
}

function keep(figure) {
  figures.push(figure);
  const { title, measured, spread, wanted } = shown(figure);
  const line = `${title}: ${measured}${spread && ` (${spread})`}${wanted && `; wanted ${wanted}`}`;
  console.log(line.replaceAll('**', ''));
}

/** Measures a part, and keeps its raw numbers with the day and the machine. */
export async function measured(part, measure) {
  figures = [];
  await measure();
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const date = new Date().toISOString().slice(0, 10);
  const text = JSON.stringify({ command: `npm run bench ${part}`, date, machine, figures }, short);
  await mkdir(results, { recursive: true });
  await writeFile(join(results, `${part}.json`), `${text}\n`);
}

function short(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

/** Puts the newest figures of each part between its marks in the pages. */
export async function writePages() {
  for (const name of pages) {
    const path = join(import.meta.dirname, '../docs', `${name}.md`);
    await writeFile(path, await withFigures(await readFile(path, 'utf8')));
  }
}

/** The page with the figures as they are kept in bench/results. */
export async function withFigures(text) {
  let written = text;
  for (const file of await readdir(results)) {
    const part = file.replace('.json', '');
    const table = tableOf(JSON.parse(await readFile(join(results, file), 'utf8')));
    const place = new RegExp(`(<!-- figures: ${part} -->\n)[^]*?(<!-- end -->)`);
    written = written.replace(place, (_, start, end) => `${start}\n${table}\n\n${end}`);
  }
  return written;
}

function tableOf({ command, date, machine, figures: kept }) {
  const rows = kept.map((figure) => {
    const { title, measured: value, spread, wanted } = shown(figure);
    return `| ${title} | ${value} | ${spread} | ${wanted} |`;
  });
  const { cpu, cores, memoryGib, node } = machine;
  return [
    `\`${command}\`, ${date}, Node.js ${node}, ${cores} cores (${cpu}), ${memoryGib} GiB:`,
    '',
    '| What | Median | Quartiles | Wanted |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function shown(figure) {
  const { title, unit, ours, theirs, theirName, values } = figure;
  if (values) {
    const [low, middle, high] = quartiles(values);
    const measured = `${text(middle)} ${unit}`;
    const spread = values.length > 1 ? `${text(low)}-${text(high)}` : '';
    return { title, measured, spread, wanted: wantedOf(figure, middle) };
  }
  const [low, middle, high] = quartiles(ours.map((value, index) => value / theirs[index]));
  const [own, other] = [ours, theirs].map((raw) => text(quartiles(raw)[1]));
  return {
    title,
    measured: `**${middle.toFixed(2)} ×** ${theirName}`,
    spread: `${low.toFixed(2)}-${high.toFixed(2)}, ${ours.length} pairs; ${own} and ${other} ${unit}`,
    wanted: wantedOf(figure, middle),
  };
}

function wantedOf({ target }, middle) {
  if (!target) return '';
  const { atLeast, atMost } = target;
  const isMet = atLeast === undefined ? middle <= atMost : middle >= atLeast;
  return `${atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`}${isMet ? '' : ': **not met**'}`;
}

function quartiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => sorted[Math.round((sorted.length - 1) * share)]);
}

function text(value) {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
