import type { Context } from '../core/context.ts';
import { hasUtf8Locale } from '../core/terminal.ts';
import { jsonText, visible } from '../core/text.ts';
import type { Paint } from './paint.ts';
import { renderProse, renderRecord, renderText, type Style } from './record.ts';
import type { LiveResult, Part, Result } from './result.ts';
import type { Table } from './table.ts';
import type { Layout, View } from './view.ts';

/** What a user chose about how results are printed. */
export interface Format {
  readonly output: OutputFormat;
  readonly colour: boolean;
  /** Whether a long result may be shown in a pager. */
  readonly pager: boolean;
}

/** How a result may be printed. */
export type OutputFormat = keyof typeof formats;

/** What is printed once, from top to bottom. */
type Printable = Exclude<Result, LiveResult>;

/** Where it is printed. */
export interface Place extends Omit<Style, 'paint'> {
  readonly colour: boolean;
}

/** Stdout as a place to print on. */
export function placeOf(
  { stdoutIsTerminal, width, env }: Pick<Context, 'stdoutIsTerminal' | 'width' | 'env'>,
  colour: boolean,
): Place {
  return { colour, terminal: stdoutIsTerminal, width, unicode: hasUtf8Locale(env) };
}

interface FormatRow {
  /** True if errors and notices on stderr are JSON too, one line each. */
  readonly jsonTalk: boolean;
  /** True if it has a line per item, and a cell per column. */
  readonly isCsv: boolean;
  /** True if people read it as it is. */
  readonly forPeople: boolean;
  /** True if times are those of the config's zone, not UTC. */
  readonly localTimes: boolean;
  /** The text of a result, in pieces. */
  readonly write: (result: Printable, place: Place) => AsyncIterable<string>;
}

const sheet = { jsonTalk: false, isCsv: true, forPeople: false, localTimes: true } as const;

/** All that bankctl knows about a format is here. */
export const formats = {
  table: { jsonTalk: false, isCsv: false, forPeople: true, localTimes: true, write: tables },
  json: { jsonTalk: true, isCsv: false, forPeople: false, localTimes: false, write: json },
  ndjson: { jsonTalk: true, isCsv: false, forPeople: false, localTimes: false, write: ndjson },
  csv: { jsonTalk: false, isCsv: true, forPeople: false, localTimes: false, write: csv },
  spreadsheet: { ...sheet, write: sheetWith('renderSheet') },
  'spreadsheet-comma': { ...sheet, write: sheetWith('renderCommaSheet') },
} as const satisfies Readonly<Record<string, FormatRow>>;

/**
 * Whether a command line wants errors as JSON. Read from the words themselves: the error may be
 * that they cannot be parsed.
 */
export function asksForJson(argv: readonly string[]): boolean {
  const names = Object.entries(formats).flatMap(([name, row]) => (row.jsonTalk ? name : []));
  const joined = new RegExp(`^(--output=|-o=?)(${names.join('|')})$`);
  return argv.some(
    (word, index) =>
      word === '--json' ||
      joined.test(word) ||
      (/^(--output|-o)$/.test(word) && names.includes(argv[index + 1] ?? '')),
  );
}

async function* json(result: Printable): AsyncIterable<string> {
  if (result.kind === 'single') {
    yield `${jsonText(result.data, 2)}\n`;
    return;
  }
  let separator = '[\n';
  for await (const { items } of result.parts) {
    if (items.length === 0) continue;
    yield separator + items.map((item) => `  ${jsonText(item)}`).join(',\n');
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

async function* ndjson(result: Printable): AsyncIterable<string> {
  for await (const { items } of parts(result)) {
    yield items.map((item) => `${jsonText(item)}\n`).join('');
  }
}

function csv(result: Printable, place: Place): AsyncIterable<string> {
  return lines(result, place, 'renderCsv');
}

function sheetWith(how: 'renderSheet' | 'renderCommaSheet'): FormatRow['write'] {
  return (result, place) => lines(result, place, how);
}

async function* lines(
  result: Printable,
  { terminal }: Place,
  how: 'renderCsv' | 'renderSheet' | 'renderCommaSheet',
): AsyncIterable<string> {
  const render = (await import('./csv.ts'))[how];
  let head = true;
  for await (const { view } of parts(result)) {
    yield render(view, { head, exact: !terminal });
    head = false;
  }
}

async function* tables(result: Printable, place: Place): AsyncIterable<string> {
  const style = await chooseStyle(place);
  if (result.kind === 'single') {
    const text = await draw(result.view, style);
    if (text !== '') yield `${text}\n`;
    return;
  }
  let table: Table | undefined;
  for await (const { view } of result.parts) {
    if (view.layout === 'grid') {
      table ??= (await import('./table.ts')).openTable(style);
      yield linesText(await table.add(view));
    } else {
      yield linesText(table?.end() ?? []);
      table = undefined;
      const text = await draw(view, style);
      if (text !== '') yield `${text}\n`;
    }
  }
  yield linesText(table?.end() ?? []);
}

function linesText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

async function* parts(result: Printable): AsyncIterable<Part> {
  if (result.kind === 'stream') {
    yield* result.parts;
    return;
  }
  const { data, view } = result;
  yield { items: Array.isArray(data) ? data : [data], view };
}

/** What draws tables is loaded only for views that are grids. */
const layouts: Readonly<Record<Layout, (view: View, style: Style) => Promise<string>>> = {
  grid: async (view, style) => (await import('./table.ts')).renderTable(view, style),
  record: renderRecord,
  text: renderText,
  prose: renderProse,
};

/** A view as text, without a trailing newline. */
export async function draw(view: View, style: Style): Promise<string> {
  return layouts[view.layout](view, style);
}

/** No colour, and no colour library to load. */
const plain: Paint = { head: visible, good: visible, bad: visible, warn: visible, faint: visible };

/** Chooses how views are drawn in a given place. */
export async function chooseStyle({ colour, ...place }: Place): Promise<Style> {
  return { ...place, paint: colour ? (await import('./paint.ts')).createPaint(true) : plain };
}
