import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../core/context.ts';

/** What a download is watched with. */
export interface GrowthWatch extends Pick<Context, 'monotonicNs' | 'interrupted'> {
  /** How long nothing at all may arrive; a firewall that drops packets shows in this way. */
  readonly firstByteMs: number;
  /** How long a download that has begun may stand still. */
  readonly stallMs: number;
  /** Called with the size so far, whenever it has changed. */
  readonly grown: (bytes: number) => void;
}

/** How a watched download ended: by itself, or because it was given up. */
export type WatchEnd = 'done' | 'silent' | 'stalled' | 'interrupted';

const pollMs = 200;

/**
 * Waits for a download that writes below `directory`, as long as the directory grows. It does not
 * stop the download; the caller does.
 */
export async function watchGrowth(
  directory: string,
  download: Promise<unknown>,
  watch: GrowthWatch,
): Promise<WatchEnd> {
  const done = download.then(
    () => true,
    () => true,
  );
  let size = await sizeBelow(directory);
  const atStart = size;
  let grownAt = watch.monotonicNs();
  for (;;) {
    const pause = delay(pollMs, false, { signal: watch.interrupted }).catch(() => false);
    if (await Promise.race([done, pause])) return 'done';
    if (watch.interrupted.aborted) return 'interrupted';
    const now = await sizeBelow(directory);
    if (now !== size) {
      size = now;
      grownAt = watch.monotonicNs();
      watch.grown(size - atStart);
    }
    const begun = size !== atStart;
    const stillMs = Number((watch.monotonicNs() - grownAt) / 1_000_000n);
    if (stillMs > (begun ? watch.stallMs : watch.firstByteMs)) return begun ? 'stalled' : 'silent';
  }
}

/** Bytes in all files below; files that vanish meanwhile count nothing. */
async function sizeBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const found = await lstat(join(entry.parentPath, entry.name)).catch(() => undefined);
      return found?.size ?? 0;
    });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
