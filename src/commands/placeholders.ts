/**
 * What each placeholder of a help text stands for, so that a shell can complete it: an argument is
 * named by one, in lower case, and so is the value of an option.
 */
export const placeholders = {
  ACCOUNT: 'account',
  ACTION: 'text',
  AMOUNT: 'text',
  BRANCH: 'branch',
  COUNT: 'text',
  DAY: 'text',
  DURATION: 'text',
  FILE: 'file',
  FORMAT: 'text',
  FROM: 'reference',
  ID: 'text',
  K: 'text',
  KIND: 'text',
  LABEL: 'text',
  LIST: 'text',
  MONTH: 'text',
  N: 'text',
  NAME: 'text',
  OPERATION: 'operation',
  OWNER: 'text',
  PATH: 'file',
  PLAN: 'file',
  SHELL: 'text',
  STATUS: 'text',
  TEXT: 'text',
  TIME: 'text',
  TO: 'reference',
  TYPE: 'text',
  URI: 'text',
  USER: 'text',
  WHAT: 'text',
  WORD: 'text',
} as const satisfies Readonly<Record<string, Meaning>>;

/**
 * A branch of the config; an account of the branch that was typed before, or else a reference;
 * BRANCH:ACCOUNT; an id in the journal; a path; or text that only the user knows.
 */
export type Meaning = 'branch' | 'account' | 'reference' | 'operation' | 'file' | 'text';

/** A word in capitals that stands for a value. */
export type Placeholder = keyof typeof placeholders;
/** The same as the name of an argument. */
export type ArgumentName = Lowercase<Placeholder>;

/** What an argument of that name stands for. */
export function meaningOf(name: string): Meaning {
  const [, meaning = 'text'] =
    Object.entries(placeholders).find(([placeholder]) => placeholder === name.toUpperCase()) ?? [];
  return meaning;
}
