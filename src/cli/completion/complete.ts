import type { Context } from '../../core/context.ts';
import { type Found, isShell, questionOf } from './answer.ts';
import { type Expected, expectedAt, type Tree } from './expected.ts';

/**
 * Answers what a shell's script asks: prints what could stand at the cursor, see `questionOf`.
 * Never fails, and says nothing on stderr: it runs while somebody types.
 *
 * @param argv the shell, then what its script hands over
 */
export async function complete(
  [shell = '', ...asked]: readonly string[],
  tree: Tree,
  context: Context,
): Promise<void> {
  if (!isShell(shell)) return;
  const { before, current, answer } = questionOf(shell, asked);
  const lines = answer(await find(expectedAt(before, current, tree), context));
  context.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

async function find(expected: Expected, context: Context): Promise<Found> {
  const { words, meaning } = expected;
  if (meaning === undefined || meaning === 'text') {
    return { expected, candidates: words, manner: 'words' };
  }
  if (meaning === 'file') return { expected, candidates: [], manner: 'files' };
  const { liveValues } = await import('./live-values.ts');
  const { candidates, goesOn } = await liveValues(meaning, expected, context);
  return { expected, candidates, manner: goesOn ? 'nospace' : 'words' };
}
