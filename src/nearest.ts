import { distance } from 'fastest-levenshtein';

/**
 * The candidate that `text` was most likely meant to be, or undefined where none is near: at
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
