import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { legacyPython } from './python.ts';

/** A legacy program that runs beside the test. */
export interface LegacyProgram {
  /** Settles when the program has said that it is ready. */
  readonly ready: Promise<void>;
  /** Ends its standard input, which asks it to finish. */
  readonly finish: () => void;
  /** What it printed, once it has ended; rejects with its errors if it failed. */
  readonly ended: Promise<string>;
}

/** Starts a Python program of this folder. */
export async function startPython(
  program: string,
  args: readonly string[],
): Promise<LegacyProgram> {
  return watch(spawn(await legacyPython(), [join(import.meta.dirname, program), ...args]), program);
}

/** Starts a Node program of this folder. */
export function startNode(program: string, args: readonly string[]): LegacyProgram {
  return watch(spawn(process.execPath, [join(import.meta.dirname, program), ...args]), program);
}

function watch(child: ChildProcess, program: string): LegacyProgram {
  const text = { out: '', err: '' };
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk) => {
      text.err += chunk;
      if (text.err.includes('ready\n')) resolve();
    });
    child.once('close', () => reject(new Error(`${program} ended early: ${text.err}`)));
  });
  // Whoever needs it awaits it; a failure is also one of `ended`.
  ready.catch(() => undefined);
  child.stdout?.on('data', (chunk) => {
    text.out += chunk;
  });
  const ended = once(child, 'close').then(([status]) => {
    if (status !== 0) throw new Error(`${program} ended with status ${status}: ${text.err}`);
    return text.out;
  });
  ended.catch(() => undefined);
  return { ready, finish: () => child.stdin?.end(), ended };
}
