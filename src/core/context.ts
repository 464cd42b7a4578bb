import { readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import type { Readable, Writable } from 'node:stream';

/**
 * Everything that bankctl takes from its surroundings, in one place. Nothing below `main` reads
 * `process`, the clock or a random source by itself, so a test hands in its own record.
 */
export interface Context {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Columns of the terminal; 80 if there is none. */
  readonly width: number;
  /** Rows of the terminal; 24 if there is none. */
  readonly height: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Monotonic clock, nanoseconds; only differences mean something. */
  readonly monotonicNs: () => bigint;
  /** A fresh operation id. */
  readonly freshId: () => string;
  /** A fresh seed for a reproducible run, 0 to 2^31 - 1. */
  readonly freshSeed: () => number;
  /** Who is at the keyboard, as `user@host`; `by` in the journal. */
  readonly author: string;
  /** Aborted when the user presses Ctrl-C or the process is asked to end. */
  readonly interrupted: AbortSignal;
  /** While the work goes on, Ctrl-C is left to a program in front, such as a pager. */
  readonly ignoreInterrupts: (work: () => Promise<void>) => Promise<void>;
}

/** The context of the real process. Called once, by `bin/bankctl.js`. */
export function createContext(): Context {
  return Object.freeze({
    // To open it takes a part of a start, and most commands never read it.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    get stdinIsTerminal() {
      return process.stdin.isTTY === true;
    },
    stdoutIsTerminal: process.stdout.isTTY === true,
    stderrIsTerminal: process.stderr.isTTY === true,
    width: process.stdout.columns ?? process.stderr.columns ?? 80,
    height: process.stdout.rows ?? 24,
    env: process.env,
    cwd: workingDirectory(),
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    // Through the global, which loads nothing until it is first used.
    freshId: () => crypto.randomUUID(),
    freshSeed: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1,
    author: author(),
    ...interruption(),
  });
}

function author(): string {
  return `${userName()}@${hostname()}`;
}

/**
 * A working directory that was deleted has no name, but Linux remembers it as `/a/b (deleted)`:
 * nothing is found there, nor written by mistake into another place.
 */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return deletedDirectory();
  }
}

function deletedDirectory(): string {
  try {
    return readlinkSync('/proc/self/cwd');
  } catch {
    return '/(deleted)';
  }
}

/** `userInfo` throws if the uid has no entry in the password file, as in many containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The first signal asks the work to wind down; a second one ends the process at once. */
function interruption(): Pick<Context, 'interrupted' | 'ignoreInterrupts'> {
  const controller = new AbortController();
  let ignores = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const hear = () => {
      if (ignores && signal === 'SIGINT') return;
      process.off(signal, hear);
      controller.abort(signal);
    };
    process.on(signal, hear);
  }
  const ignoreInterrupts = async (work: () => Promise<void>) => {
    ignores = true;
    try {
      await work();
    } finally {
      ignores = false;
    }
  };
  return { interrupted: controller.signal, ignoreInterrupts };
}
