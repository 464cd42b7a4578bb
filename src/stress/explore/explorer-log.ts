import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const chunkBytes = 16 * 1024;
const lengthBytes = 2;

/**
 * A list of short byte strings, written once and then read in order, that takes no more memory than
 * a given limit however long it becomes: the excess goes to a file in the temporary directory,
 * which `close` removes.
 */
export class ScheduleLog {
  readonly #keepChunks: number;
  #chunks: Uint8Array[] = [];
  /** Bytes used of the newest chunk. */
  #used = chunkBytes;
  #file: FileHandle | undefined;
  #directory: string | undefined;
  #chunksInFile = 0;

  /** @param keepBytes how much to keep in memory */
  constructor(keepBytes: number) {
    this.#keepChunks = Math.max(1, Math.floor(keepBytes / chunkBytes));
  }

  /** Bytes of memory that it takes now. */
  get memoryBytes(): number {
    return this.#chunks.length * chunkBytes;
  }

  /**
   * Appends a string of at most 16,382 bytes.
   *
   * @returns a promise only if memory is full and the file has to be awaited
   */
  append(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#used + lengthBytes + bytes.length <= chunkBytes) {
      this.#put(bytes);
      return undefined;
    }
    if (this.#chunks.length < this.#keepChunks) {
      this.#startChunk();
      this.#put(bytes);
      return undefined;
    }
    return this.#spill().then(() => {
      this.#startChunk();
      this.#put(bytes);
    });
  }

  /**
   * All strings, in the order in which they were added. Each is valid until the next is requested.
   */
  async *read(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(this.#chunksInFile > 0 ? chunkBytes : 0);
    for (let index = 0; index < this.#chunksInFile; index += 1) {
      await this.#file?.read(buffer, 0, chunkBytes, index * chunkBytes);
      yield* strings(buffer);
    }
    for (const chunk of this.#chunks) yield* strings(chunk);
  }

  async close(): Promise<void> {
    this.#chunks = [];
    await this.#file?.close();
    if (this.#directory) await rm(this.#directory, { recursive: true, force: true });
  }

  #startChunk(): void {
    this.#chunks.push(new Uint8Array(chunkBytes));
    this.#used = 0;
  }

  /** A length of 0 marks the end of a chunk, so lengths are stored plus one. */
  #put(bytes: Uint8Array): void {
    const chunk = this.#chunks.at(-1);
    if (!chunk) throw new Error('no chunk was started');
    const length = bytes.length + 1;
    chunk[this.#used] = length & 0xff;
    chunk[this.#used + 1] = length >> 8;
    chunk.set(bytes, this.#used + lengthBytes);
    this.#used += lengthBytes + bytes.length;
  }

  async #spill(): Promise<void> {
    if (!this.#file) {
      this.#directory = await mkdtemp(join(tmpdir(), 'bankctl-schedules-'));
      this.#file = await open(join(this.#directory, 'log'), 'w+');
    }
    for (const chunk of this.#chunks) {
      await this.#file.write(chunk, 0, chunkBytes, this.#chunksInFile * chunkBytes);
      this.#chunksInFile += 1;
    }
    this.#chunks = [];
  }
}

function* strings(chunk: Uint8Array): Generator<Uint8Array> {
  let offset = 0;
  while (offset + lengthBytes <= chunk.length) {
    const length = (chunk[offset] ?? 0) + ((chunk[offset + 1] ?? 0) << 8) - 1;
    if (length < 0) return;
    yield chunk.subarray(offset + lengthBytes, offset + lengthBytes + length);
    offset += lengthBytes + length;
  }
}
