import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { Context } from './core/context.ts';
import type { Status } from './core/errors.ts';
import { bankctlVersion } from './core/version.ts';

export { createContext } from './core/context.ts';

/**
 * Runs one command line. The only place that prints errors and picks the status.
 *
 * @param argv the words after `bankctl`
 * @returns the exit status: see `Status`
 */
export async function main(argv: readonly string[], context: Context): Promise<Status> {
  // An error on a closed pipe would otherwise end the process with a stack trace.
  for (const stream of [context.stdout, context.stderr]) stream.on('error', ignore);
  try {
    const status = await answer(argv, context);
    await flush(context.stdout);
    return status;
  } catch (error) {
    return await report(error, argv, context);
  } finally {
    // The process is ended next, and a pipe may be full.
    await Promise.all([context.stdout, context.stderr].map(written));
  }
}

/** Does what a command line says; what it prints may be still on its way. */
async function answer(argv: readonly string[], context: Context): Promise<Status> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    context.stdout.write(`${bankctlVersion()}\n`);
    return 0;
  }
  const help = storedHelp(argv, context);
  if (help !== undefined) {
    context.stdout.write(help);
    return 0;
  }
  const { completeWord, run } = await import('./cli/program.ts');
  if (argv[0] !== '__complete') return run(argv, context, bankctlVersion());
  await completeWord(argv.slice(1), context);
  return 0;
}

/**
 * The help of all commands, as the build has written it for the usual widths, since to make it
 * takes longer than all else of a start; undefined if something else is asked for, or at another
 * width.
 */
function storedHelp(argv: readonly string[], { width }: Context): string | undefined {
  const [word = '--help', ...more] = argv;
  if (more.length > 0 || !['--help', '-h', 'help'].includes(word)) return undefined;
  try {
    return readFileSync(join(import.meta.dirname, `help-${Math.min(width, 100)}.txt`), 'utf8');
  } catch {
    return undefined;
  }
}

function ignore(): void {}

/** Waits until everything before is written, or cannot be: then the error. */
function written(stream: Writable): Promise<unknown> {
  return new Promise((resolve) => stream.write('', resolve));
}

/** Waits until the output is written. A reader who left is not an error; a full disk is. */
async function flush(stream: Writable): Promise<void> {
  const error = await written(stream);
  if (!(error instanceof Error)) return;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return;
  const { BankctlError } = await import('./core/errors.ts');
  const message = `What was printed did not reach stdout: ${error.message}.`;
  const hint = 'Make room there, or send the output elsewhere.';
  throw new BankctlError('not_writable', message, hint, { cause: error });
}

async function report(error: unknown, argv: readonly string[], context: Context): Promise<Status> {
  const [
    { BankctlError },
    { linesForPerson, withoutSecrets },
    { cutLongWords, jsonText, visible },
    { asksForJson },
    { errorJson },
  ] = await Promise.all([
    import('./core/errors.ts'),
    import('./core/redaction.ts'),
    import('./core/text.ts'),
    import('./render/formats.ts'),
    import('./core/error-json.ts'),
  ]);
  const uris = [context.env['BANKCTL_URI'], ...argv.filter((word) => word.includes('://'))];
  const known = error instanceof BankctlError;
  const code = known ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? error.hint : 'This is a bug in bankctl; please report it with this text.';
  // What was typed can be of any length, and a message may quote all of it.
  const clean = (text: string) => cutLongWords(withoutSecrets(text, uris));
  if (asksForJson(argv)) {
    const about = known ? { operationIds: error.operationIds, mayRepeat: error.mayRepeat } : {};
    const shown = { code, message: clean(message), hint: clean(hint), ...about } as const;
    context.stderr.write(`${jsonText({ error: errorJson(shown) })}\n`);
  } else {
    const trace =
      known || !(error instanceof Error) ? [] : [linesForPerson(`${error.stack}`, uris)];
    const lines = [`bankctl: ${visible(clean(message))}`, ...trace, visible(clean(hint))];
    context.stderr.write(`${lines.join('\n')}\n`);
  }
  return known ? error.status : 1;
}
