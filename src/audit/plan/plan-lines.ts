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
  /** Each is a list of one entry. */
  readonly entries: readonly TextPart[];
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
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => /^repairs:\s*(?:#|$)/.test(line));
  if (begin === -1) return undefined;
  const first = lines.findIndex((line, index) => index > begin && !isBlank(line));
  const [, indent] = /^( *)-(?:\s|$)/.exec(lines[first] ?? '') ?? [];
  if (indent === undefined) return undefined;
  const opening = new RegExp(`^${indent}-(?:\\s|$)`);
  const opens = (line: string) => opening.test(line);
  const after = lines.findIndex(
    (line, index) => index > begin && !isBlank(line) && !line.startsWith(' ') && !opens(line),
  );
  const end = after === -1 ? lines.length : after;
  const starts = lines.flatMap((line, index) =>
    index > begin && index < end && opens(line) ? [index] : [],
  );
  // Empty lines keep the numbers of those after the list, if there are any.
  const list = after === -1 ? [] : lines.slice(begin + 1, end).map(() => '');
  return {
    head: [...lines.slice(0, begin + 1), ...list, ...lines.slice(end)].join('\n'),
    entries: starts.map((start, index) => ({
      text: `${lines.slice(start, starts[index + 1] ?? end).join('\n')}\n`,
      line: start + 1,
    })),
  };
}

function isBlank(line: string): boolean {
  return /^\s*(?:#|$)/.test(line);
}
