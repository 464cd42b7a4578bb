import Table from 'cli-table3';
import type { Stack } from './table-plan.ts';
import type { Measure } from './width.ts';

/** The corners and lines of a frame, from left to right. */
const frames = {
  unicode: { top: '┌─┬┐', rule: '├─┼┤', bottom: '└─┴┘', side: '│' },
  ascii: { top: '+-++', rule: '+-++', bottom: '+-++', side: '|' },
} as const;

/** The lines of each cell of a row. */
type RowLines = readonly (readonly string[])[];

/** How rows are drawn. */
interface Drawing {
  /** The line above them, if any. */
  readonly above: 'top' | 'rule' | undefined;
  readonly measure: Measure;
  readonly painted?: ((text: string) => string) | undefined;
}

/** Draws the frame around rows, in parts. */
interface Frame {
  readonly rows: (
    plan: readonly Stack[],
    rows: readonly RowLines[],
    drawing: Drawing,
  ) => readonly string[];
  /** The line below the last row. */
  readonly bottom: (plan: readonly Stack[]) => readonly string[];
}

/**
 * The library measures combining marks and newer scripts wrongly, so it draws a frame around these
 * characters instead: no visible text contains them, and each is one column wide. The texts then
 * replace them.
 */
const place = '\uE000';
const places = /\uE000+/g;

/** @param unicode whether the terminal shows the characters that are made for frames */
export function createFrame(unicode: boolean): Frame {
  const { side, ...lines } = frames[unicode ? 'unicode' : 'ascii'];
  const sides = { left: side, middle: side, right: side };
  const inner = { ...ruleChars('mid', ''), 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const open = (plan: readonly Stack[], rules: Table.TableConstructorOptions['chars']) =>
    new Table({
      chars: { ...ruleChars('top', ''), ...ruleChars('bottom', ''), ...inner, ...sides, ...rules },
      colWidths: plan.map(({ width }) => width + 2),
      colAligns: plan.map(({ figure }) => (figure ? 'right' : 'left')),
      style: { head: [], border: [] },
    });
  return {
    rows: (plan, rows, { above, measure, painted = (text) => text }) => {
      const table = open(plan, above ? ruleChars('top', lines[above]) : {});
      const hold = (text: string) => place.repeat(measure(text));
      table.push(...rows.map((row) => row.map((cell) => cell.map(hold).join('\n'))));
      const texts = rows.flatMap(byLine).filter((text) => measure(text) > 0);
      let next = 0;
      return table
        .toString()
        .replace(places, () => painted(texts[next++] ?? ''))
        .split('\n');
    },
    bottom: (plan) => {
      const table = open(plan, ruleChars('bottom', lines.bottom));
      table.push(plan.map(() => ''));
      return table.toString().split('\n').slice(-1);
    },
  };
}

/** The texts of a row in the order in which they are drawn. */
function byLine(row: RowLines): readonly string[] {
  const height = Math.max(0, ...row.map(({ length }) => length));
  return Array.from({ length: height }, (_, at) => row.map((cell) => cell[at] ?? '')).flat();
}

/** The library's names for the characters of a line across the table. */
function ruleChars(name: 'top' | 'bottom' | 'mid', [left, line, cross, right]: Iterable<string>) {
  return {
    ...{ [`${name}-left`]: left ?? '', [name]: line ?? '' },
    ...{ [`${name}-mid`]: cross ?? '', [`${name}-right`]: right ?? '' },
  };
}
