// U+FFFD stands where bytes were no UTF-8: two names that differ could both be spelt with it.
const unprintable = /[\p{C}\p{Zl}\p{Zp}\uFFFD]/u;
const allUnprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** True for text that can stand on one line: no control, format or unassigned characters. */
export function isPrintable(text: string): boolean {
  return !unprintable.test(text);
}

/**
 * Text of a stranger, in double quotes, cut to 60 characters, and with everything that could
 * break the line or drive the terminal written as an escape.
 */
export function quote(text: string): string {
  const characters = [...text];
  const shown = characters.length > 60 ? `${characters.slice(0, 57).join('')}...` : text;
  return JSON.stringify(shown).replace(
    allUnprintable,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** `1 account`, `2 accounts`. */
export function count(number: number | bigint, noun: string): string {
  return `${number} ${noun}${Number(number) === 1 ? '' : 's'}`;
}

/** A word as a shell reads it back. */
export function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
