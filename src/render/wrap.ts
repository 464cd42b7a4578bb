import { isAscii, type Measure } from './width.ts';

/** Before a space, unless it carries a mark. */
const beforeSpace = /(?= (?!\p{M}))/u;

/** After the day of a time, which is as good a place for a break as a space. */
const afterDay = /(?<=^ ?\d{4}-\d\d-\d\d)(?=T\d\d:)/;

/** After what joins the parts of a long word. */
const afterJoint = /(?<=[-:@/_.,=+])/;

/** Where a line is broken: at a later place only if the part is too long for a line. */
const breaks: readonly ((part: string) => readonly string[])[] = [
  (part) => part.split(beforeSpace),
  (part) => part.split(afterDay),
  (part) => part.split(afterJoint),
  charactersOf,
];

function charactersOf(text: string): readonly string[] {
  if (isAscii(text)) return [...text];
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** What a line does not break if it can be helped. */
export function wordsOf(text: string): readonly string[] {
  return text.split(beforeSpace).flatMap((word) => word.trim().split(afterDay));
}

/**
 * Breaks a text into lines at spaces; a word longer than the width is broken too, preferably after
 * a hyphen or the like, and never inside a character. Later lines keep the indent.
 *
 * @param width columns, at least those of the widest character
 * @returns at least one line
 */
export function wrapText(text: string, width: number, measure: Measure): readonly string[] {
  return wrapAt(breaks, text, width, measure);
}

/** Breaks a text at spaces only: what is to be copied stays whole. Later lines keep the indent. */
export function wrapProse(text: string, width: number, measure: Measure): readonly string[] {
  return wrapAt(breaks.slice(0, 1), text, width, measure);
}

function wrapAt(
  places: typeof breaks,
  text: string,
  width: number,
  measure: Measure,
): readonly string[] {
  if (measure(text) <= width) return [text.trimEnd()];
  const [spaces = ''] = /^ */.exec(text) ?? [];
  const indent = spaces.length + 1 < width ? spaces : '';
  const room = width - indent.length;
  const done: string[] = [];
  let line = '';
  const put = (given: string, depth: number): void => {
    const part = line === '' && done.length > 0 ? given.trimStart() : given;
    const place = places[depth];
    if (measure(line + part) <= room) line += part;
    else if (measure(part.trimStart()) <= room || !place) {
      if (line !== '') done.push(line);
      line = part.trimStart();
    } else for (const smaller of place(part)) put(smaller, depth + 1);
  };
  put(text.trim(), 0);
  return [...done, line].map((it) => indent + it.trimEnd());
}
