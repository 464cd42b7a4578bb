import { isPrintable } from '../../core/text.ts';
import type { Candidate, Expected } from './expected.ts';
import { firstWord, isHarmless, parseWords, quoteRest } from './shell-words.ts';

/** The shells whose scripts ask. */
const shells = ['bash', 'zsh', 'fish'] as const;
/** One of `shells`. */
type Shell = (typeof shells)[number];

/** What a script asks about. */
interface Question {
  /** The words after `bankctl`, up to the cursor. */
  readonly before: readonly string[];
  /** The beginning of the word at the cursor. */
  readonly current: string;
  /** The lines that answer it. */
  readonly answer: (found: Found) => readonly string[];
}

/** What could stand at the cursor. */
export interface Found {
  readonly expected: Pick<Expected, 'before' | 'begun'>;
  readonly candidates: readonly Candidate[];
  /** How the shell goes on: with a path, or with no space after the word. */
  readonly manner: 'files' | 'nospace' | 'words';
}

/**
 * What a script asks. bash hands over the line and the text that it will replace, other shells
 * hand over words.
 *
 * The first line of an answer is the manner. Then there is a line per candidate, for bash as it
 * is to be typed, for other shells as value, tab and summary. The last line is a full stop, so that
 * nobody has to wait until this process has closed its connection.
 */
export function questionOf(shell: Shell, asked: readonly string[]): Question {
  if (shell === 'bash') return bashQuestion(asked[0] ?? '', asked[1] ?? '');
  return {
    before: asked.slice(0, -1),
    // fish hands over the word at the cursor as it was typed.
    current: shell === 'fish' ? firstWord(asked.at(-1) ?? '').value : (asked.at(-1) ?? ''),
    answer: (found) => framed(found, (matching) => matching.map(lineOf)),
  };
}

function lineOf({ value, summary = '' }: Candidate): string {
  return summary === '' ? value : `${value}\t${summary}`;
}

function bashQuestion(line: string, replaced: string): Question {
  const words = parseWords(line);
  const { raw = '', value = '' } = words.at(-1) ?? {};
  // bash replaces only what is after the last of its word breaks, such as a colon.
  const kept = firstWord(raw.endsWith(replaced) ? raw.slice(0, raw.length - replaced.length) : '');
  return {
    before: words.slice(1, -1).map((word) => word.value),
    current: value,
    answer: (found) =>
      framed(found, (matching) => {
        const isPlain = matching.every((candidate) => isHarmless(candidate.value));
        return matching
          .filter((candidate) => candidate.value.startsWith(kept.value))
          .map((candidate) => candidate.value.slice(kept.value.length))
          .map((rest) => quoteRest(rest, kept.quote, isPlain));
      }),
  };
}

/** The lines of an answer: only what goes on from what was typed, each in full. */
function framed(
  { expected: { before, begun }, candidates, manner }: Found,
  lines: (matching: readonly Candidate[]) => readonly string[],
): readonly string[] {
  const matching = candidates
    .filter(({ value }) => value.startsWith(begun) && isPrintable(value))
    .map((candidate) => ({ ...candidate, value: before + candidate.value }));
  return [manner, ...lines(matching), '.'];
}

/** True for the name of one of `shells`. */
export function isShell(name: string): name is Shell {
  return shells.some((shell) => shell === name);
}
