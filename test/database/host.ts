import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BinaryHost, Progress } from '../../src/database/mongod/mongod-binary.ts';

/** A host with the real clocks, whose environment is given; it keeps what it is told. */
export function testHost(env: BinaryHost['env'] = process.env): BinaryHost & {
  readonly events: readonly Progress[];
  readonly abort: () => void;
} {
  const controller = new AbortController();
  const events: Progress[] = [];
  return {
    env,
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    interrupted: controller.signal,
    progress: (event) => events.push(event),
    events,
    abort: () => controller.abort(),
  };
}

/** A fresh directory, removed after the test; in memory where that is possible, for speed. */
export function temporaryDirectory(): string {
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = mkdtempSync(join(base, 'bankctl-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Waits until a condition holds, looking often; fails after 60 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
