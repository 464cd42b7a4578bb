import { onTestFinished } from 'vitest';
import type { OutsideWrite } from '../../src/audit/trace/follow.ts';
import type { Ran, Workspace } from '../workspace.ts';

/** A command `audit --follow` that is running. */
export interface Followed {
  /** The lines so far. */
  readonly writes: readonly OutsideWrite[];
  /** Waits until a line about that account is printed. */
  readonly seen: (account: string) => Promise<void>;
  /** Waits until that is said on stderr. */
  readonly said: (text: string) => Promise<void>;
  /** Presses Ctrl-C. */
  readonly stop: () => Promise<Ran>;
}

/** Starts `audit --follow`, and returns once it watches. */
export async function startFollowing(
  bank: Pick<Workspace, 'run'>,
  ...argv: string[]
): Promise<Followed> {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const writes: OutsideWrite[] = [];
  let stderr = '';
  let changed = () => {};
  const running = bank.run(['audit', ...argv, '--follow', '-o', 'ndjson'], {
    interrupted: controller.signal,
    said: (text) => {
      stderr += text;
      changed();
    },
    written: (text) => {
      for (const line of text.split('\n').filter(Boolean)) writes.push(JSON.parse(line));
      changed();
    },
  });
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      const next = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const ended = await Promise.race([next, running]);
      if (ended) throw new Error(`It ended with ${ended.status}: ${ended.stderr}`);
    }
  };
  await until(() => stderr.includes('Watching'));
  return {
    writes,
    seen: (account) => until(() => writes.some((it) => it.account === account)),
    said: (text) => until(() => stderr.includes(text)),
    stop: () => {
      controller.abort();
      return running;
    },
  };
}
