import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDigestTable, digestOf } from '../core/digest-table.ts';
import { fileError } from '../core/errno.ts';

/**
 * Bytes by key. In memory is only where they are, 15 to 23 bytes for each key; they themselves are
 * in a temporary file, once there are more than a megabyte of them. It is unlinked at once, so it
 * is gone when the program ends, however it ends.
 */
interface Spool {
  /** The bytes that were set last for a key. @throws `not_writable` */
  readonly get: (key: string) => Buffer | undefined;
  /** @throws `not_writable` */
  readonly set: (key: string, bytes: Buffer) => void;
  /** Repeatable. */
  readonly close: () => void;
}

const bufferBytes = 1024 * 1024;

/** Records begin at multiples of it, so that a 32-bit number tells the place of each in 64 GB. */
const alignment = 16;

/** Of a record: the one before it in its chain, and the lengths of its key and its bytes. */
const headerBytes = 12;

/**
 * Makes an empty one; nothing is on disk yet.
 *
 * @param digest may be the same for different keys
 */
export function createSpool(digest = digestOf): Spool {
  // Of all keys with one digest, the newest record, as its place plus one.
  const newest = createDigestTable();
  const log = createLog();
  return Object.freeze({
    get: (key: string) => {
      for (let place = newest.get(...digest(key)); place > 0; ) {
        const header = log.read((place - 1) * alignment, headerBytes);
        const [keyBytes, bytes] = [header.readUInt32LE(4), header.readUInt32LE(8)];
        const record = log.read((place - 1) * alignment + headerBytes, keyBytes + bytes);
        if (record.toString('utf8', 0, keyBytes) === key) return record.subarray(keyBytes);
        place = header.readUInt32LE(0);
      }
      return undefined;
    },
    set: (key: string, bytes: Buffer) => {
      const name = Buffer.from(key);
      const length = headerBytes + name.length + bytes.length;
      const record = Buffer.alloc(Math.ceil(length / alignment) * alignment);
      record.writeUInt32LE(name.length, 4);
      record.writeUInt32LE(bytes.length, 8);
      name.copy(record, headerBytes);
      bytes.copy(record, headerBytes + name.length);
      newest.update(...digest(key), (before) => {
        record.writeUInt32LE(before, 0);
        return log.append(record) / alignment + 1;
      });
    },
    close: log.close,
  });
}

/** Bytes one after the other, the last of them in memory. */
function createLog() {
  const buffer = Buffer.allocUnsafe(bufferBytes);
  let buffered = 0;
  let written = 0;
  let file: number | undefined;
  const write = (bytes: Buffer) => {
    file ??= openUnlinked();
    for (let done = 0; done < bytes.length; ) {
      done += guarded(() =>
        writeSync(file ?? -1, bytes, done, bytes.length - done, written + done),
      );
    }
    written += bytes.length;
  };
  return {
    append: (bytes: Buffer): number => {
      if (buffered + bytes.length > bufferBytes) {
        write(buffer.subarray(0, buffered));
        buffered = 0;
      }
      const place = written + buffered;
      if (bytes.length > bufferBytes) write(bytes);
      else buffered += bytes.copy(buffer, buffered);
      return place;
    },
    read: (place: number, length: number): Buffer => {
      const bytes = Buffer.allocUnsafe(length);
      if (place >= written) buffer.copy(bytes, 0, place - written, place - written + length);
      else guarded(() => readSync(file ?? -1, bytes, 0, length, place));
      return bytes;
    },
    close: () => {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function openUnlinked(): number {
  return guarded(() => {
    const directory = mkdtempSync(join(tmpdir(), 'bankctl-spool-'));
    try {
      return openSync(join(directory, 'spool'), 'wx+', 0o600);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const hint = 'Set TMPDIR to a directory with more space.';
    throw fileError(error, 'not_writable', join(tmpdir(), 'bankctl-spool'), hint);
  }
}
