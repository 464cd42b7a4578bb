import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Context } from '../core/context.ts';

/** A pager at work. */
export interface Pager {
  readonly input: Writable;
  /** Fulfilled when it has ended: quit, ended by Ctrl-C, or never there. */
  readonly ended: Promise<'quit' | 'interrupted' | 'missing'>;
  /** Ends it, as when bankctl itself is asked to end or its terminal is gone. */
  readonly stop: () => void;
}

/** What a shell returns for a command that it cannot run. */
const cannotRun: readonly (number | null)[] = [126, 127];

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
  const ended = new Promise<Awaited<Pager['ended']>>((resolve) => {
    child.once('error', () => resolve('missing'));
    child.once('close', (code, signal) => {
      if (signal === 'SIGINT' && line !== command) resolve('interrupted');
      else resolve(cannotRun.includes(code) ? 'missing' : 'quit');
    });
  });
  const stop = () => {
    child.stdin.destroy();
    child.kill();
  };
  return { input: child.stdin, ended, stop };
}
