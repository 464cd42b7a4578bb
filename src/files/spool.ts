import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError } from '../core/errno.ts';
import { ahead } from './ahead.ts';
import { fileSource, type Source } from './source.ts';

/**
 * Copies a source that can be read only once into a temporary file, so that all of it is checked
 * before anything is posted. The file has no name any more when this returns: it is gone when the
 * program ends, however it ends.
 *
 * @throws `file_unreadable`; `not_writable`; `interrupted`, also if a pipe never gives another byte
 */
export async function spool(source: Source, interrupted: AbortSignal): Promise<Source> {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-rows-'));
  const path = join(directory, 'rows');
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx+', 0o600);
    for await (const chunk of ahead(source.chunks(), interrupted)) await file.appendFile(chunk);
    return await fileSource(source.name, file);
  } catch (error) {
    await file?.close();
    throw fileError(error, 'not_writable', path, 'Free some space there; TMPDIR moves it.');
  } finally {
    await source.close();
    await rm(directory, { recursive: true, force: true });
  }
}
