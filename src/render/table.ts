import { groupDigits } from '../core/money.ts';
import { visible } from '../core/text.ts';
import { createFrame } from './frame.ts';
import { type Style, shownNotes, title } from './record.ts';
import {
  fitsPlan,
  type Needs,
  ordinaryLength,
  planTable,
  type Stack,
  stackGap,
} from './table-plan.ts';
import { isMoney, type Row, type View } from './view.ts';
import { type Measure, measureFor } from './width.ts';
import { wordsOf, wrapText } from './wrap.ts';

/** A table that may come in parts. */
export interface Table {
  /** Draws the rows of a part; the first has the header. @returns lines */
  readonly add: (view: View) => Promise<readonly string[]>;
  /** Ends the table. @returns lines */
  readonly end: () => readonly string[];
}

/** Draws a grid as text, without a trailing newline. */
export async function renderTable(view: View, style: Style): Promise<string> {
  const table = openTable(style);
  const lines = [...(await table.add(view)), ...table.end()];
  return [...lines, ...(await shownNotes(view.notes, style))].join('\n');
}

/** Begins a table: with a frame on a terminal; piped, without one and as wide as its cells. */
export function openTable(style: Style): Table {
  return style.terminal ? framedTable(style) : plainTable(style);
}

function plainTable({ paint }: Style): Table {
  let first: readonly number[] | undefined;
  return {
    add: async ({ columns, rows, footer = [] }) => {
      const titles = columns.map(({ name }) => title(name));
      const cells = [...rows, ...footer].map((row) => row.map(showCell));
      const measure = await measureFor(cells.flat());
      const sized = first ? cells : [titles, ...cells];
      const widths = columns.map((_, index) =>
        Math.max(first?.[index] ?? 0, ...sized.map((row) => measure(row[index] ?? ''))),
      );
      const line = (row: Row, painted: (text: string) => string = (text) => text) =>
        row
          .map((cell, index) => {
            const gap = ' '.repeat((widths[index] ?? 0) - measure(cell));
            return columns[index]?.align === 'right' ? gap + painted(cell) : painted(cell) + gap;
          })
          .join('  ')
          .trimEnd();
      const head = first ? [] : [line(titles, paint.head)];
      first ??= widths;
      return [...head, ...cells.map((row) => line(row))];
    },
    end: () => [],
  };
}

/**
 * The widths are those of the first part, in which later ones wrap. A part with a figure or a word
 * that does not fit begins a table of its own.
 */
function framedTable(style: Style): Table {
  const frame = createFrame(style.unicode);
  let needs: readonly Needs[] = [];
  let plan: readonly Stack[] | undefined;
  let last: Block['kind'] | undefined;
  const end = () => (plan ? frame.bottom(plan) : []);
  const add = async (view: View): Promise<readonly string[]> => {
    const body = view.rows.map((row) => shownRow(row, view));
    const foot = (view.footer ?? []).map((row) => shownRow(row, view));
    const measure = await measureFor([...body, ...foot].flat());
    needs = needsOf(view, [...body, ...foot], measure, needs);
    const lines: string[] = [];
    const isNew = plan === undefined || !fitsPlan(plan, needs);
    if (isNew) {
      lines.push(...end());
      plan = planTable(
        needs,
        style.width,
        heightOf(view, [...body, ...foot].slice(0, sampleSize), measure),
      );
      last = undefined;
    }
    const stacks = plan ?? [];
    for (const { kind, rows } of blocksOf(isNew, body, foot, isStacked(stacks, view))) {
      const drawn = rows.map((row) =>
        stacks.map((stack) =>
          kind === 'head' ? headLines(stack, view, measure) : cellLines(stack, row, view, measure),
        ),
      );
      const isApart = last !== kind || isStacked(stacks, view);
      const above = last === undefined ? 'top' : isApart ? 'rule' : undefined;
      const painted = kind === 'head' ? style.paint.head : undefined;
      lines.push(...frame.rows(stacks, drawn, { above, measure, painted }));
      last = kind;
    }
    return lines;
  };
  return { add, end };
}

/** Rows that are tried in each way to draw a table. */
const sampleSize = 50;

function heightOf(view: View, rows: readonly Row[], measure: Measure) {
  return (plan: readonly Stack[]): number => {
    const rules = isStacked(plan, view) ? rows.length : 0;
    const heights = rows.map((row) =>
      Math.max(...plan.map((stack) => cellLines(stack, row, view, measure).length)),
    );
    return heights.reduce((sum, height) => sum + height, rules);
  };
}

/** Rows of several lines need a rule between them. */
function isStacked(plan: readonly Stack[], { columns }: View): boolean {
  return plan.length < columns.length;
}

/** Rows of a table with a line above them at most. */
interface Block {
  readonly kind: 'head' | 'body' | 'foot';
  readonly rows: readonly Row[];
}

function blocksOf(
  hasHead: boolean,
  body: readonly Row[],
  foot: readonly Row[],
  areApart: boolean,
): readonly Block[] {
  const parts = (kind: Block['kind'], rows: readonly Row[]): readonly Block[] =>
    areApart ? rows.map((row) => ({ kind, rows: [row] })) : [{ kind, rows }];
  return [
    ...(hasHead ? parts('head', [[]]) : []),
    ...parts('body', body),
    ...parts('foot', foot),
  ].filter(({ rows }) => rows.length > 0);
}

function headLines({ members, width }: Stack, { columns }: View, measure: Measure) {
  const titles = members.flatMap(({ index, labelled }) =>
    labelled ? [] : title(columns[index]?.name ?? ''),
  );
  return flowed(titles, width, measure);
}

function cellLines({ members, width }: Stack, row: Row, { columns }: View, measure: Measure) {
  const texts = members.map(({ index, labelled }) => {
    const text = row[index] ?? '';
    return labelled && text !== '' ? `${title(columns[index]?.name ?? '')} ${text}` : text;
  });
  return flowed(texts, width, measure);
}

/** Texts one after another, on as few lines as they need. */
function flowed(texts: readonly string[], width: number, measure: Measure): readonly string[] {
  const lines: string[] = [];
  for (const text of texts) {
    if (text === '') continue;
    const longer = `${lines.at(-1)}${stackGap}${text}`;
    if (lines.length > 0 && measure(longer) <= width) lines.splice(-1, 1, longer);
    else lines.push(...wrapText(text, width, measure));
  }
  return lines;
}

function needsOf(
  { columns }: View,
  rows: readonly Row[],
  measure: Measure,
  before: readonly Needs[],
): readonly Needs[] {
  return columns.map(({ name, align }, index) => {
    const figure = align === 'right';
    const heading = title(name);
    const headWord = longestWord(heading, measure);
    const start = { word: headWord, min: headWord, natural: heading.length, sparse: false };
    let { word, min, natural, sparse } = before[index] ?? start;
    for (const row of rows) {
      const text = row[index] ?? '';
      const whole = measure(text);
      const unbroken = figure ? whole : Math.min(longestWord(text, measure), ordinaryLength);
      natural = Math.max(natural, whole);
      word = Math.max(word, unbroken);
      min = Math.max(min, whole <= ordinaryLength ? whole : unbroken);
      sparse ||= text === '';
    }
    return { figure, sparse, label: heading.length + 1, word, min, natural };
  });
}

function longestWord(text: string, measure: Measure): number {
  if (!text.includes(' ') && text.length <= ordinaryLength) return measure(text);
  return Math.max(...wordsOf(text).map(measure));
}

/** On a terminal amounts are grouped. */
function shownRow(row: Row, { columns }: View): Row {
  return row.map((cell, index) =>
    showCell(isMoney(columns[index]?.name ?? '') ? groupDigits(cell) : cell),
  );
}

/** A combining mark that would attach to the border on its left gets a base of its own. */
function showCell(text: string): string {
  return visible(text).replace(/^\p{M}/u, '\u25CC$&');
}
