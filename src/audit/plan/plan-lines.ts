/** A part of a text, and where it begins. */
export interface TextPart {
  readonly text: string;
  /** The number of its first line, from 1. */
  readonly line: number;
}

/** A plan as its head and the entries of its list, each a YAML text of its own. */
interface PlanParts {
  /** All but the list, in whose place there are empty lines. */
  readonly head: string;
  /** Each is a list of one entry, cut out of the text when it is asked for. */
  readonly entries: Iterable<TextPart>;
}

/** A line of a text, by its offsets; the end is that of its line break. */
interface Line {
  readonly start: number;
  readonly end: number;
  readonly number: number;
}

/**
 * Splits a plan that is written as `bankctl audit` writes it, so that entries are parsed one by
 * one: as one document, 100,000 of them would take gigabytes. Nothing can be misread: a line that
 * begins like an entry is one wherever YAML is valid, since what is inside of an entry is indented
 * further; otherwise the part is not valid either.
 *
 * @returns undefined for a text in another form, such as JSON
 */
export function splitPlan(text: string): PlanParts | undefined {
  const [begin] = linesOf(text, isHeading);
  if (!begin) return undefined;
  const lines = linesOf(text, (line) => !isBlank(line), begin);
  const starts: Line[] = [];
  let opening: RegExp | undefined;
  let after: Line | undefined;
  for (const line of lines) {
    const words = text.slice(line.start, line.end);
    opening ??= openingLike(words);
    if (!opening) return undefined;
    if (opening.test(words)) {
      starts.push(line);
    } else if (!words.startsWith(' ')) {
      after = line;
      break;
    }
  }
  if (starts.length === 0) return undefined;
  const end = after?.start ?? text.length;
  // Empty lines keep the numbers of those after the list, if there are any.
  const gap = after ? '\n'.repeat(after.number - begin.number - 1) : '';
  return {
    head: text.slice(0, begin.end) + gap + text.slice(end),
    entries: cut(text, starts, end),
  };
}

function isHeading(line: string): boolean {
  return /^repairs:\s*(?:#|$)/.test(line);
}

/** What lines look like that begin an entry as this one does; undefined if it begins none. */
function openingLike(line: string): RegExp | undefined {
  const [, indent] = /^( *)-(?:\s|$)/.exec(line) ?? [];
  return indent === undefined ? undefined : new RegExp(`^${indent}-(?:\\s|$)`);
}

/** The lines after one, or from the first, that are wanted. */
function* linesOf(
  text: string,
  isWanted: (line: string) => boolean,
  after: Line = { start: 0, end: 0, number: 0 },
): Iterable<Line> {
  let { end, number } = after;
  while (end < text.length) {
    const start = end;
    const found = text.indexOf('\n', start);
    end = found === -1 ? text.length : found + 1;
    number += 1;
    if (isWanted(text.slice(start, end))) yield { start, end, number };
  }
}

function* cut(text: string, starts: readonly Line[], end: number): Iterable<TextPart> {
  for (const [index, { start, number }] of starts.entries()) {
    const part = text.slice(start, starts[index + 1]?.start ?? end);
    yield { text: part.endsWith('\n') ? part : `${part}\n`, line: number };
  }
}

function isBlank(line: string): boolean {
  return /^\s*(?:#|$)/.test(line);
}
