import type { Context } from './context.ts';

type Environment = Context['env'];

/**
 * Whether the locale is in UTF-8. As POSIX says, the first of LC_ALL, LC_CTYPE and LANG counts that
 * is set and not empty; with none, the locale is C, which has ASCII only.
 */
export function hasUtf8Locale({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  return /\.utf-?8(@|$)/i.test(LC_ALL || LC_CTYPE || LANG || 'C');
}

/** Whether a terminal obeys what moves the cursor and sets colours. */
export function isCapable({ TERM }: Environment): boolean {
  return TERM !== 'dumb';
}

/**
 * Whether to print in colour: FORCE_COLOR decides if it is set, then NO_COLOR; empty ones count as
 * not set.
 */
export function wantsColour(env: Environment, isTerminal: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR } = env;
  if (FORCE_COLOR) return !['0', 'false'].includes(FORCE_COLOR);
  return isTerminal && isCapable(env) && !NO_COLOR;
}

/**
 * The command line of the pager: BANKCTL_PAGER, else PAGER, else less.
 *
 * @returns undefined if nothing is to be paged: away from a terminal, on one that obeys nothing, or
 *   if the variable is empty or names cat
 */
export function pagerCommand({
  stdout,
  stdoutIsTerminal,
  env,
}: Pick<Context, 'stdout' | 'stdoutIsTerminal' | 'env'>): string | undefined {
  // The pager inherits the descriptor: it could not write on another stream.
  const isOwn = 'fd' in stdout && stdout.fd === 1;
  if (!isOwn || !stdoutIsTerminal || !isCapable(env)) return undefined;
  const command = (env['BANKCTL_PAGER'] ?? env['PAGER'] ?? 'less').trim();
  return command === '' || command === 'cat' ? undefined : command;
}
