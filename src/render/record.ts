import { groupDigits } from '../core/money.ts';
import { visible } from '../core/text.ts';
import type { Paint } from './paint.ts';
import { isMoney, type Note, type View } from './view.ts';
import { measureFor } from './width.ts';
import { wrapProse } from './wrap.ts';

/** How a view is drawn, which depends on where it is shown. */
export interface Style {
  readonly paint: Paint;
  /** Piped, a table has no lines around its cells, and plain text is not escaped. */
  readonly terminal: boolean;
  /** Columns of the terminal; piped, nothing is fitted into them. */
  readonly width: number;
  /** Whether the locale has more than ASCII, so that frames are drawn with lines. */
  readonly unicode: boolean;
}

/** Rows or a path: lines with nothing around them, which a program may read. */
export async function renderText({ rows, notes }: View, style: Style): Promise<string> {
  const lines = rows.map((row) => row.join('  '));
  const shown = style.terminal ? lines.map(visible) : lines;
  return [...shown, ...(await shownNotes(notes, style))].join('\n');
}

/** Sentences, which fit a terminal. */
export async function renderProse({ rows, notes }: View, style: Style): Promise<string> {
  const lines = await fitted(
    rows.map((row) => visible(row.join('  '))),
    style,
  );
  return [...lines, ...(await shownNotes(notes, style))].join('\n');
}

/** One line per field: a frame would only make it harder to read. Field names are ASCII. */
export async function renderRecord(view: View, style: Style): Promise<string> {
  const { paint, terminal } = style;
  const [row = []] = view.rows;
  const titles = view.columns.map(({ name }) => title(name));
  const indent = Math.max(...titles.map(({ length }) => length)) + 2;
  const lines = titles.map(async (text, index) => {
    const cell = row[index] ?? '';
    const value = terminal && isMoney(view.columns[index]?.name ?? '') ? groupDigits(cell) : cell;
    const [first = '', ...more] = await fitted([' '.repeat(indent) + visible(value)], style);
    const head = `${paint.head(text)}${' '.repeat(indent - text.length)}${first.slice(indent)}`;
    return [head.trimEnd(), ...more];
  });
  return [...(await Promise.all(lines)).flat(), ...(await shownNotes(view.notes, style))].join(
    '\n',
  );
}

/** Notes as they are shown. */
export async function shownNotes(
  notes: readonly Note[] = [],
  style: Style,
): Promise<readonly string[]> {
  const lines = notes.map((note) =>
    typeof note === 'string' ? fitted([visible(note)], style) : [note.painted],
  );
  const shown = (await Promise.all(lines)).flat();
  return style.terminal && !style.unicode ? shown.map(withoutSigns) : shown;
}

/** The signs of bankctl's own in ASCII, of the same width. */
const signs: Readonly<Record<string, string>> = { '│': '|', '→': '>', '✗': 'x', '✓': '+' };

function withoutSigns(text: string): string {
  return text.replace(/[│→✗✓]/g, (sign) => signs[sign] ?? sign);
}

/** On a terminal, lines are wrapped at spaces. */
async function fitted(
  lines: readonly string[],
  { terminal, width }: Pick<Style, 'terminal' | 'width'>,
): Promise<readonly string[]> {
  if (!terminal) return lines;
  const measure = await measureFor(lines);
  return lines.flatMap((line) => wrapProse(line, width, measure));
}

/** `balance_before` is headed `balance before`. */
export function title(name: string): string {
  return name.replaceAll('_', ' ');
}
