import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import { openSource, readAhead } from '../../files/source.ts';
import { limitHeapGrowth } from '../../system/heap.ts';

/** A plan of half a million entries has less. */
const maxBytes = 256 * 1024 * 1024;

/**
 * The text of a plan, which a pipe may give too.
 *
 * @throws `file_unreadable`; `invalid_plan` if it is too large or not UTF-8; `interrupted`
 */
export async function readPlanText(
  path: string,
  context: Pick<Context, 'stdin' | 'cwd' | 'interrupted'>,
): Promise<string> {
  // What is read of it stays until all is done.
  limitHeapGrowth();
  const source = await openSource(path, context);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const pieces: string[] = [];
  let bytes = 0;
  const decode = (chunk?: Uint8Array) => {
    try {
      pieces.push(decoder.decode(chunk, { stream: chunk !== undefined }));
    } catch (error) {
      throw refusal(path, 'is not UTF-8 text', error);
    }
  };
  try {
    for await (const chunk of readAhead(source.chunks(), context.interrupted)) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw refusal(path, `has more than ${maxBytes / 1024 / 1024} MiB`);
      decode(chunk);
    }
    decode();
  } finally {
    await source.close();
  }
  return pieces.join('');
}

function refusal(path: string, reason: string, cause?: unknown): BankctlError {
  return new BankctlError('invalid_plan', `${path} ${reason}.`, undefined, { cause });
}
