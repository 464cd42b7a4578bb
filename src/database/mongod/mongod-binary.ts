import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Context } from '../../core/context.ts';
import { BankctlError } from '../../core/errors.ts';
import { given } from '../../system/environment.ts';
import { exposedStep, realEyes } from '../../system/ownership.ts';

/** Progress of something slow. Without `totalBytes` the end is not known. */
export interface Progress {
  readonly label: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

/** What finding a mongod takes from its surroundings. */
export interface BinaryHost extends Pick<Context, 'env' | 'nowMs' | 'monotonicNs' | 'interrupted'> {
  /** Called with each step and, during a download, with every change, a few times a second. */
  readonly progress: (event: Progress) => void;
  /**
   * Called with a line about each mongod that was found but is not run, since it is not trusted.
   */
  readonly warn?: ((line: string) => void) | undefined;
  /** How long to wait for another bankctl; forever by default. */
  readonly timeoutMs?: number | undefined;
  /** The machine; the real one by default. */
  readonly platform?: { readonly os: string; readonly arch: string } | undefined;
}

/** The oldest server that both the driver and snapshot transactions with `$$NOW` work with. */
const oldestMajor = 5;

/** The operating system and processor, as Node names them. */
export function machineOf(host: Pick<BinaryHost, 'platform'>): { os: string; arch: string } {
  return host.platform ?? { os: platform(), arch: arch() };
}

/**
 * The first program of that name on PATH. Relative entries, a classic trap, are left out, and so is
 * a program that other users could have put there.
 *
 * @param passedOver called with each program that was skipped, and why
 */
export async function findProgram(
  name: string,
  env: BinaryHost['env'],
  passedOver: (path: string, reason: string) => void = () => undefined,
): Promise<string | undefined> {
  for (const directory of safePath(env)) {
    const path = join(directory, name);
    if (!(await isProgram(path))) continue;
    const fault = exposedStep(path, realEyes, { groups: false });
    if (fault === undefined) return path;
    passedOver(path, `${fault.path} ${fault.reason}`);
  }
  return undefined;
}

/** The absolute directories of PATH, which do not depend on the working directory. */
export function safePath(env: BinaryHost['env']): readonly string[] {
  return (given(env, 'PATH') ?? '').split(delimiter).filter((directory) => isAbsolute(directory));
}

/** Whether there is a file that this user may run, and that is not empty. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size === 0) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs `mongod --version`.
 *
 * @returns its version, as `6.0.5`, or why this file cannot be used
 * @throws BankctlError `interrupted`
 */
export async function checkMongod(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly version: string } | { readonly reason: string }> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { reason: 'there is no such file' };
  if (!found.isFile()) return { reason: 'it is not a file' };
  if (!(await isProgram(path))) return { reason: 'it is not executable' };
  const output = await versionOutput(path, signal);
  if ('reason' in output) return output;
  const [, version, major] = /^db version v((\d+)\.\d+\.\d+)/m.exec(output.text) ?? [];
  if (version === undefined) return { reason: 'it does not answer --version like a mongod' };
  return Number(major) < oldestMajor
    ? { reason: `it is version ${version}, and bankctl needs ${oldestMajor}.0 or later` }
    : { version };
}

function versionOutput(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly text: string } | { readonly reason: string }> {
  return new Promise((fulfil, reject) => {
    const options = { timeout: 20_000, signal, encoding: 'utf8' } as const;
    execFile(path, ['--version'], options, (error, stdout, stderr) => {
      if (signal.aborted) reject(stoppedSearch());
      else if (error === null) fulfil({ text: stdout });
      else fulfil({ reason: `it does not run (${lastLine(stderr) || error.message.trim()})` });
    });
  });
}

/** The last non-empty line of a program's output, which usually says what went wrong. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** The error of a search that Ctrl-C ended. */
export function stoppedSearch(): BankctlError {
  return new BankctlError('interrupted', 'Stopped while looking for a mongod.');
}
