import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { fileError } from '../core/errno.ts';
import { openToWrite } from '../system/pipe.ts';

/** The file of a report, which is open from the beginning. */
export interface ReportFile {
  readonly write: (text: string) => Promise<void>;
  /** Closes it; a file that was made for the report and has none is removed. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the file of `--report` before anything else happens, so that a path that cannot be written
 * costs no run. An older report stays as it is until there is a new one.
 *
 * @throws `not_writable`
 */
export async function openReport(path: string, interrupted: AbortSignal): Promise<ReportFile> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, 'not_writable', path, 'Name a writable file after --report.');
    }
  };
  const { handle, made } = await guarded(() => openOrMake(path, interrupted));
  let written = false;
  return {
    write: (text) =>
      guarded(async () => {
        if ((await handle.stat()).isFile()) await handle.truncate(0);
        await handle.writeFile(text);
        written = true;
      }),
    close: async () => {
      await handle.close();
      if (made && !written) await rm(path, { force: true });
    },
  };
}

async function openOrMake(
  path: string,
  interrupted: AbortSignal,
): Promise<{ handle: FileHandle; made: boolean }> {
  try {
    return { handle: await open(path, 'wx'), made: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return { handle: await openToWrite(path, constants.O_WRONLY, interrupted), made: false };
  }
}
