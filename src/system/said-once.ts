import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { errnoCode } from '../core/errno.ts';
import {
  appendPlainFile,
  makePrivateDirectory,
  readPlainFile,
  stateDirectory,
} from './directories.ts';

/** After this many directories, it begins to forget: 16 KiB of the 64 that are read. */
const maxDirectories = 1_000;

/**
 * Whether something is to be said in a directory because it was not said there before; from now on
 * it was. True too if that cannot be remembered: saying it twice does no harm.
 *
 * @param topic a file name
 * @param directory kept as a digest only
 */
export async function isFirstTimeIn(
  env: Readonly<Record<string, string | undefined>>,
  topic: string,
  directory: string,
): Promise<boolean> {
  const line = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  try {
    const state = stateDirectory(env);
    await makePrivateDirectory(state, 'not_writable', 'set XDG_STATE_HOME');
    const path = join(state, topic);
    const lines = (await readIfThere(path)).split('\n');
    if (lines.includes(line)) return false;
    await appendPlainFile(path, line, lines.length > maxDirectories);
  } catch {
    // Nobody has asked for it to be remembered, so nobody is told that it is not.
  }
  return true;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readPlainFile(path);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return '';
    throw error;
  }
}
