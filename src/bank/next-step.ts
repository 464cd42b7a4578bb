import { shellWord } from '../core/text.ts';

/** What to type next about documents of a branch's collection that other programs wrote. */
export function takeOver(branch: string): string {
  return `${auditHint(branch)}; bankctl adopt ${shellWord(branch)} takes it over.`;
}

/** As `takeOver`, about what can only be looked at; a clause without its full stop. */
export function auditHint(branch: string): string {
  return `bankctl audit ${shellWord(branch)} says what is there`;
}
