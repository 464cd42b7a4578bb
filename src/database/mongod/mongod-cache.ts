import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { pid as ownPid } from 'node:process';
import { pipeline } from 'node:stream/promises';
import { jsonFields } from '../../core/text.ts';
import { readPlainFile } from '../../system/directories.ts';
import { exposedStep } from '../../system/ownership.ts';

/** The mongod in the wheel of the Python package index, whose own sha256 is checked too. */
export const wheelMongod = '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8';

/** What is known about a file that was checked: while its stamp is the same, so is the sha256. */
interface CheckedFile {
  readonly sha256: string;
  /** Device, inode, size and times, which no user can forge. */
  readonly stamp: string;
}

/**
 * Why a cached program must not be run; undefined if it may be. It must be one that bankctl put
 * there, and neither it nor a directory on its path may be writable by others. Hashing takes 0.4 s,
 * so it is done only if the stamp differs from that of the file hashed last.
 */
export async function distrust(path: string): Promise<string | undefined> {
  const fault = exposedStep(path) ?? exposedStep(recordOf(path));
  if (fault !== undefined) return `${fault.path} ${fault.reason}`;
  const [known, stamp] = [await readRecord(path), await stampOf(path)];
  if (known.stamp === stamp) return undefined;
  const hash = await sha256(path);
  if (hash !== known.sha256 && hash !== wheelMongod) {
    return `it is not what bankctl put there, its sha256 is ${hash}`;
  }
  // A cache shared by another user may be read-only; then the file is hashed each time.
  await writeRecord(path, { sha256: hash, stamp }).catch(() => undefined);
  return undefined;
}

/** Keeps the sha256 of a program that was just put into the cache. */
export async function remember(path: string): Promise<void> {
  await writeRecord(path, { sha256: await sha256(path), stamp: await stampOf(path) });
}

/** The sha256 of a file, in hexadecimal digits. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

/** Where the sha256 of a program in the cache is kept. */
export function recordOf(path: string): string {
  return `${path}.json`;
}

async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** Empty if there is no readable record: then the file is hashed. */
async function readRecord(path: string): Promise<{ sha256?: unknown; stamp?: unknown }> {
  return jsonFields(await readPlainFile(recordOf(path)).catch(() => ''));
}

async function writeRecord(path: string, record: CheckedFile): Promise<void> {
  const draft = `${recordOf(path)}.${ownPid}`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(record)}\n`, { mode: 0o644, flag: 'wx' });
  await rename(draft, recordOf(path));
}
