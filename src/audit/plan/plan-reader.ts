import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import { openSource, readAhead } from '../../files/source.ts';

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
  const source = await openSource(path, context);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of readAhead(source.chunks(), context.interrupted)) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw refusal(path, `has more than ${maxBytes / 1024 / 1024} MiB`);
      chunks.push(chunk);
    }
  } finally {
    await source.close();
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw refusal(path, 'is not UTF-8 text', error);
  }
}

function refusal(path: string, reason: string, cause?: unknown): BankctlError {
  return new BankctlError('invalid_plan', `${path} ${reason}.`, undefined, { cause });
}
