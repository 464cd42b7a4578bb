import { BankctlError, type ErrorCode } from './errors.ts';

const diskFull = 'the disk is full';

/** What each error of the operating system means for a file, as a clause. */
const fileErrors: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'a part of the path is a file'],
  ['EISDIR', 'it is a directory'],
  ['EEXIST', 'there is a file in its place'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', diskFull],
  ['EDQUOT', 'the disk quota is used up'],
  ['ENXIO', 'it is neither a file nor a pipe'],
  ['ENAMETOOLONG', 'the path is too long'],
  ['ELOOP', 'the path has too many symbolic links'],
  ['EIO', 'the disk reports an input/output error'],
]);

/** The `code` of an error from the operating system, such as `ENOENT`. */
export function errnoCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Why a file cannot be read, as a clause; undefined for anything but a failure of its path. */
export function fileErrorReason(error: unknown): string | undefined {
  return fileErrors.get(errnoCode(error) ?? '');
}

/**
 * A failure to write to a path as a `BankctlError` that names it; anything else as it is.
 *
 * @param hint what to do if the path itself is the trouble; a full disk has its own
 */
export function fileError(error: unknown, code: ErrorCode, path: string, hint: string): unknown {
  const known = fileErrorReason(error);
  if (known === undefined) return error;
  const reason = errnoCode(error) === 'ENOENT' ? 'it cannot be created there' : known;
  return new BankctlError(
    code,
    `${path} cannot be written: ${reason}.`,
    reason === diskFull
      ? `Free some space there, or ${hint.charAt(0).toLowerCase()}${hint.slice(1)}`
      : hint,
    { cause: error },
  );
}
