import type { Writable } from 'node:stream';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { type Pager, startPager } from '../system/pager.ts';
import { OutputClosed, write } from './output.ts';

/** A pipe that nobody reads takes less, characters: a pager that took more is there. */
const maxKept = 2 ** 20;

/**
 * Shows texts in a pager, as fast as it reads them, and waits until it is quit. Meanwhile Ctrl-C is
 * the pager's, and what is said on stderr waits. Without such a pager, they are printed plainly.
 *
 * @throws `OutputClosed` if it was quit early; `interrupted` if Ctrl-C ended it
 */
export async function page(
  command: string,
  texts: AsyncIterable<string> | Iterable<string>,
  context: Context,
): Promise<void> {
  const { stderr, stderrIsTerminal, interrupted } = context;
  if (stderrIsTerminal) stderr.cork();
  try {
    await context.ignoreInterrupts(async () => {
      const pager = startPager(command, context.env);
      interrupted.addEventListener('abort', pager.stop, { once: true });
      try {
        await show(pager, texts, context.stdout);
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
      if (!(error instanceof OutputClosed) || (await pager.ended) !== 'missing') throw error;
      await printKept();
    }
  };
  const finish = async () => {
    pager.input.end();
    const ended = await pager.ended;
    if (ended === 'missing' && !isMissing) await printKept();
    return ended;
  };
  try {
    for await (const text of texts) await put(text);
  } catch (error) {
    if ((await finish()) !== 'interrupted') throw error;
  }
  if ((await finish()) === 'interrupted') {
    throw new BankctlError('interrupted', 'Interrupted.');
  }
}
