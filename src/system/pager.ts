import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Context } from '../core/context.ts';

/** How a pager has ended. */
interface PagerEnd {
  /** Quit, ended by Ctrl-C, or never there. */
  readonly by: 'quit' | 'interrupted' | 'missing';
  /** What went wrong with it, as a clause: it may have shown nothing. */
  readonly failure?: string;
}

/** A pager at work. */
export interface Pager {
  readonly input: Writable;
  readonly ended: Promise<PagerEnd>;
  /** Ends it, as when bankctl itself is asked to end or its terminal is gone. */
  readonly stop: () => void;
}

/** What a shell returns for a command that it cannot run. */
const cannotRun: readonly (number | null)[] = [126, 127];

/** How pagers end that have shown what was wanted; a shell adds 128 to the signal's number. */
const usual: ReadonlySet<string | number | null> = new Set([
  ...[0, 'SIGINT', 'SIGPIPE', 'SIGHUP', 128 + 2, 128 + 13],
]);

function failureOf(code: number | null, signal: string | null): string {
  return signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
}

/** Words, which a shell can turn into the pager, so that it does not itself obey Ctrl-C. */
const words = /^[\w\s./+:,@-]+$/;

/** Runs a pager as git does: by the shell, and with options for less unless the user has others. */
export function startPager(command: string, env: Context['env']): Pager {
  const given = { LESS: 'FRX', LV: '-c', ...env };
  // A person whom sudo lets run bankctl, and nothing else, must not get a shell from less.
  const own = env['SUDO_UID'] === undefined ? given : { ...given, LESSSECURE: '1' };
  const [program = ''] = command.split(/\s/);
  const line = words.test(command)
    ? `command -v ${program} >/dev/null 2>&1 || exit 127; exec ${command}`
    : command;
  const child = spawn('sh', ['-c', line], { env: own, stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.on('error', () => undefined);
  let isStopped = false;
  const ended = new Promise<PagerEnd>((resolve) => {
    child.once('error', () => resolve({ by: 'missing' }));
    child.once('close', (code, signal) => {
      if (signal === 'SIGINT' && line !== command) resolve({ by: 'interrupted' });
      else if (cannotRun.includes(code)) resolve({ by: 'missing' });
      else if (isStopped || usual.has(signal ?? code)) resolve({ by: 'quit' });
      else resolve({ by: 'quit', failure: failureOf(code, signal) });
    });
  });
  const stop = () => {
    isStopped = true;
    child.stdin.destroy();
    child.kill();
  };
  return { input: child.stdin, ended, stop };
}
