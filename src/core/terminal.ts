type Environment = Readonly<Record<string, string | undefined>>;

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
