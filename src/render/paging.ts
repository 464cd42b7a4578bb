import type { Writable } from 'node:stream';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { type Pager, startPager } from '../system/pager.ts';
import { OutputClosed, write } from './output.ts';

/** A pipe that nobody reads takes less, characters: a pager that took more is there. */
const maxKept = 2 ** 20;

/**
 * Shows texts in a pager, as fast as it reads them, and waits until it is quit. Meanwhile Ctrl-C is
 * the pager's, and what is said on stderr waits. Without such a pager, they are printed plainly; of
 * one that failed, which may have shown nothing, that is said.
 *
 * @throws `OutputClosed` if it was quit early; `interrupted` if Ctrl-C ended it
 */
export async function page(
  command: string,
  texts: AsyncIterable<string> | Iterable<string>,
  context: Context,
): Promise<void> {
  const { stdout, stderr, stderrIsTerminal, interrupted } = context;
  if (stderrIsTerminal) stderr.cork();
  try {
    await context.ignoreInterrupts(async () => {
      const pager = startPager(command, context.env);
      interrupted.addEventListener('abort', pager.stop, { once: true });
      try {
        await show(pager, texts, stdout, (failure) =>
          stderr.write(`The pager ${quote(command)} ${failure}. Add --no-pager to do without.\n`),
        );
      } finally {
        interrupted.removeEventListener('abort', pager.stop);
      }
    });
  } finally {
    if (stderrIsTerminal) stderr.uncork();
  }
}

async function show(
  pager: Pager,
  texts: AsyncIterable<string> | Iterable<string>,
  stdout: Writable,
  say: (failure: string) => void,
): Promise<void> {
  let kept: string[] = [];
  let size = 0;
  let isMissing = false;
  const printKept = async () => {
    isMissing = true;
    for (const text of kept) await write(stdout, text);
  };
  const put = async (text: string) => {
    if (isMissing) return write(stdout, text);
    size += text.length;
    kept = size <= maxKept ? [...kept, text] : [];
    try {
      await write(pager.input, text);
    } catch (error) {
      if (!(error instanceof OutputClosed) || (await pager.ended).by !== 'missing') throw error;
      await printKept();
    }
  };
  let problem: { readonly error: unknown } | undefined;
  try {
    for await (const text of texts) await put(text);
  } catch (error) {
    problem = { error };
  }
  pager.input.end();
  const { by, failure } = await pager.ended;
  if (by === 'missing' && !isMissing) await printKept();
  if (by === 'interrupted') throw new BankctlError('interrupted', 'Interrupted.');
  if (failure !== undefined) say(failure);
  if (problem) throw problem.error;
}
