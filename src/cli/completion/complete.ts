import type { Meaning } from '../../commands/placeholders.ts';
import type { Context } from '../../core/context.ts';
import { type Found, isShell, questionOf } from './answer.ts';
import { type Candidate, type Expected, expectedAt, type Tree } from './expected.ts';

/** What a value at the cursor could be. */
export interface LiveValues {
  readonly candidates: readonly Candidate[];
  /** True if the user will type on in the same word. */
  readonly goesOn?: boolean;
}

/** What is known of a value that is looked up. */
export type Wanted = Pick<Expected, 'branch' | 'begun' | 'given'>;

/** What an answer needs. */
export interface CompletionHost extends Pick<Context, 'stdout'> {
  readonly tree: Tree;
  readonly lookUp: (meaning: Meaning, wanted: Wanted) => Promise<LiveValues>;
}

/**
 * Answers what a shell's script asks: prints what could stand at the cursor, see `questionOf`.
 *
 * @param argv the shell, then what its script hands over
 */
export async function complete(
  [shell = '', ...asked]: readonly string[],
  { stdout, tree, lookUp }: CompletionHost,
): Promise<void> {
  if (!isShell(shell)) return;
  const { before, current, answer } = questionOf(shell, asked);
  const lines = answer(await find(expectedAt(before, current, tree), lookUp));
  stdout.write(lines.map((line) => `${line}\n`).join(''));
}

async function find(expected: Expected, lookUp: CompletionHost['lookUp']): Promise<Found> {
  const { words, meaning } = expected;
  if (meaning === undefined || meaning === 'text') {
    return { expected, candidates: words, manner: 'words' };
  }
  if (meaning === 'file') return { expected, candidates: [], manner: 'files' };
  const { candidates, goesOn } = await lookUp(meaning, expected);
  return { expected, candidates, manner: goesOn ? 'nospace' : 'words' };
}
