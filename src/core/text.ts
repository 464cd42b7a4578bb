// What a terminal obeys or does not show: controls, format characters such as bidirectional
// overrides, private and unassigned characters, line separators, and what Unicode says to ignore.
const anyInvisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
// U+FFFD stands where bytes were not UTF-8: two names that differ could both be spelled with it.
// U+2800 looks like a space, but is not one.
const unprintable = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\uFFFD\u2800]/u;

/** Covers most texts; a search through the tables of Unicode takes much longer. */
const plainAscii = /^[\x20-\x7E]*$/;
const plainLines = /^[\n\x20-\x7E]*$/;

/**
 * True for text that can name something: on one line, and without invisible characters,
 * so that two names that look the same are the same.
 */
export function isPrintable(text: string): boolean {
  return unseenInName(text) === undefined;
}

/** The first character that keeps a text from being `isPrintable`, as an escape. */
export function unseenInName(text: string): string | undefined {
  if (plainAscii.test(text)) return undefined;
  const [character] = unprintable.exec(text) ?? [];
  return character === undefined ? undefined : escapeCharacter(character);
}

/** The same for text that people read, such as a memo, in which words may need joiners. */
export function unseenInProse(text: string): string | undefined {
  return unseenInName(text) && unseenInName(withoutNeededJoiners(text));
}

const joiningScripts = [
  ...['Arabic', 'Syriac', 'Nko', 'Mongolian', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati'],
  ...['Oriya', 'Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Khmer', 'Myanmar'],
];

/**
 * Leaves out single joiners in words of a script that needs them (see RFC 5892, appendix A), and
 * what holds an emoji together.
 */
function withoutNeededJoiners(text: string): string {
  const letters = joiningScripts.map((script) => `\\p{Script_Extensions=${script}}`).join('');
  return text
    .replace(new RegExp(`(?<=[${letters}])[\\u200C\\u200D](?![\\u200C\\u200D])`, 'gu'), '')
    .replace(/(?<=\p{ExtPict}[\uFE0F\p{EMod}]?)\u200D(?=\p{ExtPict})|(?<=\p{ExtPict})\uFE0F/gu, '');
}

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text that is safe to show on one line of a terminal: whatever could break the line, drive the
 * terminal, or go unseen is written as `\x1b`, `\u202e` or `\u{e0041}`. What is safe
 * already is returned unchanged.
 */
export function visible(text: string): string {
  return plainAscii.test(text) ? text : text.replace(anyInvisible, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = (character.codePointAt(0) ?? 0).toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`;
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\u{${code}}`;
}

/** The same plain data, as JSON holds it, with every string in it made `visible`. */
export function visibleTexts<T>(data: T): T {
  return JSON.parse(JSON.stringify(data), (_, value) =>
    typeof value === 'string' ? visible(value) : value,
  );
}

/**
 * JSON of one value, in which whatever a terminal or a line reader could misread
 * is escaped: U+2028, U+2029, C1 controls, format characters. Parsed, it is the same value.
 */
export function jsonText(data: unknown, space?: number): string {
  const text = JSON.stringify(data, null, space);
  if (plainLines.test(text)) return text;
  return text.replace(anyInvisible, (character) =>
    character === '\n' ? character : codeUnits(character),
  );
}

function codeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    const code = character.charCodeAt(index).toString(16);
    return `\\u${code.padStart(4, '0')}`;
  }).join('');
}

/** The fields of a JSON object; none for any other text. */
export function jsonFields(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Untrusted text in double quotes, `visible`, and cut to 60 characters. */
export function quote(text: string): string {
  const characters = [...text];
  const shown = characters.length > 60 ? `${characters.slice(0, 57).join('')}...` : text;
  return `"${visible(shown.replace(/["\\]/g, '\\$&'))}"`;
}

/** Text in which a word of more than 2000 characters, which nobody reads, is cut to 200. */
export function cutLongWords(text: string): string {
  return text.replace(/\S+/gu, (word) =>
    word.length > 2000 ? word.replace(/^(.{200}).*/su, '$1...') : word,
  );
}

/** A clause as a sentence, with a capital and a full stop. */
export function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

/** A clause as a sentence: adds a full stop unless it already ends with a mark. */
export function asSentence(clause: string): string {
  return /[.?!]$/.test(clause) ? clause : `${clause}.`;
}

/** `1 account`, `2 accounts`. */
export function count(number: number | bigint, noun: string): string {
  return `${number} ${noun}${Number(number) === 1 ? '' : 's'}`;
}

/** A word quoted for a shell; for bash if it has invisible characters. */
export function shellWord(text: string): string {
  if (/^[\w.:@/-]+$/.test(text)) return text;
  if (visible(text) === text) return `'${text.replaceAll("'", "'\\''")}'`;
  const word = text.replace(/['\\]/g, '\\$&').replace(anyInvisible, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return `\\U${code.padStart(8, '0')}`;
  });
  return `$'${word}'`;
}
