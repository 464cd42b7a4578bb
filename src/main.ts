import type { Writable } from 'node:stream';
import type { Context } from './context.ts';
import type { Status } from './errors.ts';
import { bankctlVersion } from './version.ts';

export { createContext } from './context.ts';

/**
 * Runs one command line. The only place that prints errors and picks the status.
 *
 * @param argv the words behind `bankctl`
 * @returns the exit status: see `Status`
 */
export async function main(argv: readonly string[], context: Context): Promise<Status> {
  // An error on a closed pipe would otherwise end the process with a stack trace.
  for (const stream of [context.stdout, context.stderr]) stream.on('error', ignore);
  try {
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
      context.stdout.write(`${bankctlVersion()}\n`);
      return (await written(context.stdout)) ? 0 : 1;
    }
    const { run } = await import('./program.ts');
    const status = await run(argv, context, bankctlVersion());
    return status === 0 && !(await written(context.stdout)) ? 1 : status;
  } catch (error) {
    return await report(error, argv, context);
  }
}

function ignore(): void {}

/** False where it did not arrive, as on a full disk; a reader who left is no error. */
async function written(stream: Writable): Promise<boolean> {
  const error = await new Promise<unknown>((resolve) => stream.write('', resolve));
  return !(error instanceof Error && 'code' in error && error.code === 'ENOSPC');
}

async function report(error: unknown, argv: readonly string[], context: Context): Promise<Status> {
  const [{ BankctlError }, { redact }] = await Promise.all([
    import('./errors.ts'),
    import('./database/uri.ts'),
  ]);
  const known = error instanceof BankctlError;
  const code = known ? error.code : 'internal';
  const message = redact(error instanceof Error ? error.message : String(error));
  const hint = known ? error.hint : 'This is a bug in bankctl; please report it with this text.';
  if (wantsJson(argv)) {
    context.stderr.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  } else {
    const trace = !known && error instanceof Error ? redact(`${error.stack}\n`) : '';
    context.stderr.write(`bankctl: ${message}\n${trace}${hint}\n`);
  }
  return known ? error.status : 1;
}

/** Read from the words themselves: the error may be that they cannot be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '--json' ||
      /^(--output=|-o=?)(nd)?json$/.test(word) ||
      (/^(--output|-o)$/.test(word) && /^(nd)?json$/.test(argv[index + 1] ?? '')),
  );
}
