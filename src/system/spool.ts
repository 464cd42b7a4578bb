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
  /**
   * The bytes of every key, in the order in which keys were first set; nothing may be set
   * meanwhile.
   *
   * @throws `not_writable`
   */
  readonly values: () => Iterable<Buffer>;
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
  const find = (key: string, from: number) => {
    for (let place = from; place > 0; ) {
      const record = readRecord(log, place);
      if (record.key === key) return record.bytes;
      place = record.before;
    }
    return undefined;
  };
  const get = (key: string) => find(key, newest.get(...digest(key)));
  return Object.freeze({
    get,
    values: function* () {
      for (let place = 1; (place - 1) * alignment < log.size(); ) {
        const { key, bytes, before, length } = readRecord(log, place);
        const isNewest = newest.get(...digest(key)) === place;
        if (find(key, before) === undefined) yield isNewest ? bytes : (get(key) ?? bytes);
        place += length / alignment;
      }
    },
    set: (key: string, bytes: Buffer) => {
      const name = Buffer.from(key);
      const record = Buffer.alloc(recordLength(name.length, bytes.length));
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

function recordLength(keyBytes: number, bytes: number): number {
  return Math.ceil((headerBytes + keyBytes + bytes) / alignment) * alignment;
}

/** @param place as the table has it */
function readRecord(log: ReturnType<typeof createLog>, place: number) {
  const start = (place - 1) * alignment;
  const header = log.read(start, headerBytes);
  const [keyBytes, bytes] = [header.readUInt32LE(4), header.readUInt32LE(8)];
  const record = log.read(start + headerBytes, keyBytes + bytes);
  return {
    before: header.readUInt32LE(0),
    key: record.toString('utf8', 0, keyBytes),
    bytes: record.subarray(keyBytes),
    length: recordLength(keyBytes, bytes),
  };
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
    size: () => written + buffered,
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
