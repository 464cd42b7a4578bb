import { distance } from 'fastest-levenshtein';

/**
 * The candidate that `text` was most likely meant to be, or undefined if none is close: at
 * most two typing mistakes, or a third of the word.
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const allowed = Math.max(2, Math.floor(text.length / 3));
  let best: { candidate: string; mistakes: number } | undefined;
  for (const candidate of candidates) {
    const mistakes = distance(text.toLowerCase(), candidate.toLowerCase());
    if (mistakes <= allowed && mistakes < candidate.length && (!best || mistakes < best.mistakes)) {
      best = { candidate, mistakes };
    }
  }
  return best?.candidate;
}

const letters = 'abcdefghijklmnopqrstuvwxyz';
const alphabets: readonly (readonly [RegExp, string])[] = [
  [/[a-z]/, letters],
  [/[A-Z]/, letters.toUpperCase()],
  [/./u, '0123456789-_.:/'],
];

/** More letters than this have too many spellings in upper and lower case. */
const maxLettersInEveryCase = 10;

/**
 * What `text` was meant to be if one character of it is wrong, missing, superfluous, or swapped
 * with its neighbour, or if upper and lower case were mixed up. At most about 150
 * texts for each character, so a set of them can be looked up in an index.
 */
export function oneMistakeAway(text: string): readonly string[] {
  const characters = [...text];
  const alphabet = [
    ...new Set([
      ...alphabets.flatMap(([pattern, some]) => (pattern.test(text) ? [...some] : [])),
      ...characters,
    ]),
  ];
  const found = new Set<string>(otherCases(characters));
  for (let at = 0; at <= characters.length; at += 1) {
    const before = characters.slice(0, at).join('');
    const [current = '', next = ''] = characters.slice(at);
    const after = characters.slice(at + 1).join('');
    for (const letter of alphabet) {
      found.add(before + letter + current + after);
      found.add(before + letter + after);
    }
    found.add(before + after);
    found.add(before + next + current + characters.slice(at + 2).join(''));
  }
  found.delete(text);
  return [...found];
}

function otherCases(characters: readonly string[]): readonly string[] {
  const text = characters.join('');
  const words = text.toLowerCase().replace(/\p{L}+/gu, capitalized);
  const usual = [text.toLowerCase(), text.toUpperCase(), words, capitalized(text.toLowerCase())];
  const hasCase = (letter: string) => letter.toLowerCase() !== letter.toUpperCase();
  if (characters.filter(hasCase).length > maxLettersInEveryCase) {
    const toggled = characters.map((letter, at) =>
      [...characters.slice(0, at), otherCase(letter), ...characters.slice(at + 1)].join(''),
    );
    return [...usual, ...toggled];
  }
  return characters.reduce<readonly string[]>(
    (begun, letter) => {
      const ways = hasCase(letter) ? [letter.toLowerCase(), letter.toUpperCase()] : [letter];
      return begun.flatMap((start) => ways.map((way) => start + way));
    },
    [''],
  );
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function otherCase(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}
