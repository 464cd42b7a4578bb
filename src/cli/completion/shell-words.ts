/** Which quotation mark is open: none, one, or one of the kind `$'…'`. */
type Quote = '' | "'" | '"' | "$'";

/** A word as a shell reads it. */
interface Word {
  /** Without its quotation marks. */
  readonly value: string;
  /** As it was typed. */
  readonly raw: string;
  /** What is still open at its end. */
  readonly quote: Quote;
}

/**
 * The words of a line, as bash parts and reads them; variables and the like stay as they are. The
 * last word is the one that the line ends in, empty after white space.
 */
export function parseWords(line: string): readonly Word[] {
  const words: Word[] = [];
  let rest = line.trimStart();
  for (;;) {
    const word = firstWord(rest);
    words.push(word);
    rest = rest.slice(word.raw.length);
    if (rest === '') return words;
    rest = rest.trimStart();
  }
}

/** The word that a text begins with. */
export function firstWord(text: string): Word {
  const reader = new WordReader(text);
  while (reader.step());
  return reader.word();
}

class WordReader {
  readonly #text: string;
  #at = 0;
  #value = '';
  #quote: Quote = '';

  constructor(text: string) {
    this.#text = text;
  }

  word(): Word {
    return { value: this.#value, raw: this.#text.slice(0, this.#at), quote: this.#quote };
  }

  /** Reads on. @returns false at the end of the word */
  step(): boolean {
    const [character = '', next = ''] = [...this.#text.slice(this.#at, this.#at + 4)];
    if (character === '' || (this.#quote === '' && /\s/.test(character))) return false;
    if (this.#quote === '') this.#outside(character, next);
    else if (character === this.#quote.at(-1)) this.#open('', 1);
    else if (this.#escapes(character, next)) this.#add(next, 1 + next.length);
    else this.#add(character);
    return true;
  }

  #outside(character: string, next: string): void {
    if (character === "'" || character === '"') this.#open(character, 1);
    else if (character === '$' && next === "'") this.#open("$'", 2);
    else if (character === '\\') this.#add(next, 1 + next.length);
    else this.#add(character);
  }

  #escapes(character: string, next: string): boolean {
    if (character !== '\\' || next === '') return false;
    return this.#quote === '"' ? '"\\$`'.includes(next) : this.#quote === "$'";
  }

  #open(quote: Quote, length: number): void {
    this.#quote = quote;
    this.#at += length;
  }

  #add(text: string, length = text.length): void {
    this.#value += text;
    this.#at += length;
  }
}

/** Characters that mean nothing to a shell, wherever they stand. */
const harmless = /^[\p{L}\p{M}\p{N}_./@%+,:=-]*$/u;

/**
 * The rest of a word that has begun, so that bash reads the whole as wanted. It closes a quotation
 * mark that the user opened by itself, unless the text ends with one.
 *
 * @param quote what the user has left open
 * @param isPlain true if nothing in any of the words on offer needs quotation marks
 */
export function quoteRest(text: string, quote: Quote, isPlain: boolean): string {
  // Marks around all of them: what they have in common can then be typed on.
  if (quote === '') return isPlain ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const mark = quote === '"' ? '"' : "'";
  const quoted = escaped(text, quote);
  return quoted.endsWith(mark) ? quoted + mark : quoted;
}

function escaped(text: string, quote: Exclude<Quote, ''>): string {
  switch (quote) {
    case "'":
      return text.replaceAll("'", "'\\''");
    case '"':
      return text.replace(/["\\$`]/g, '\\$&').replaceAll('!', '"\\!"');
    case "$'":
      return text.replace(/['\\]/g, '\\$&');
  }
}

/** True if a shell reads a text as it is. */
export function isHarmless(text: string): boolean {
  return harmless.test(text);
}
