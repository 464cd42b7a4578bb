import type { Verdict } from '../stress/load/check.ts';
import { visible } from '../text.ts';
import type { Paint } from './paint.ts';
import type { Painted } from './view.ts';

/** The last line of a run: its verdict, and what that means or why it is undecided. */
export function verdictLine(
  { verdict, reason }: { readonly verdict: Verdict; readonly reason?: string },
  paint: Paint,
): Painted {
  const tone = paint[verdictTones[verdict]];
  return { painted: `${tone(verdict)}: ${visible(reason ?? verdictMeanings[verdict])}` };
}

/** How good the news is. */
export const verdictTones = {
  demonstrated: 'good',
  clean: 'good',
  not_reproduced: 'warn',
  violation: 'bad',
  undecided: 'warn',
} as const satisfies Record<Verdict, keyof Paint>;

/** One sentence each. */
export const verdictMeanings = {
  demonstrated: 'the shared model went wrong; the branch models, where run, did not.',
  clean: 'no write went wrong.',
  not_reproduced: 'the shared model did not go wrong this time.',
  violation: 'a model that must not go wrong did.',
  undecided: 'the run proves nothing.',
} as const satisfies Record<Verdict, string>;
