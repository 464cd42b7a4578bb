import { BankctlError } from '../core/errors.ts';
import { checkUri } from '../core/uri.ts';
import { readSmallFile, UnusableFile } from './small-file.ts';

/** Far longer than any connection string. */
const maxBytes = 64 * 1024;

/**
 * The connection string in a file, which keeps its password out of the process list and the
 * shell's history. A pipe will do, such as /dev/stdin or the shell's `<(pass show bank)`.
 *
 * @param interrupted ends the wait for a pipe
 * @throws BankctlError `invalid_uri` if the file cannot be read, is empty or holds anything else,
 *   never showing what it holds; `interrupted`
 */
export async function uriFromFile(path: string, interrupted: AbortSignal): Promise<string> {
  try {
    const text = (await readSmallFile(path, { maxBytes, interrupted })).trim();
    if (text === '') throw new UnusableFile('is empty');
    if (/[\r\n]/.test(text)) throw new UnusableFile('has more than one line');
    return checkUri(text, `in the file ${path} of --uri-file`);
  } catch (error) {
    if (interrupted.aborted) {
      throw new BankctlError('interrupted', `Stopped while reading ${path}.`);
    }
    if (!(error instanceof UnusableFile)) throw error;
    throw new BankctlError(
      'invalid_uri',
      `The file ${path} of --uri-file ${error.reason}.`,
      'Check the path and its permissions, and that it holds one line: the connection string.',
      { cause: error },
    );
  }
}
