import { visible } from '../core/text.ts';
import type { Verdict } from '../stress/check/verdict.ts';
import type { Paint } from './paint.ts';
import type { Painted } from './view.ts';

/** A verdict on models, and why it is undecided if it is. */
export interface Judged {
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly models: readonly { readonly model: string }[];
}

/** What a verdict means, or why there is none. */
export function verdictSentence({ verdict, reason, models }: Judged): string {
  const cures = models.some(({ model }) => model === 'branch');
  const others = verdict === 'demonstrated' && cures ? '; the branch models did not' : '';
  return reason ?? `${verdictMeanings[verdict]}${others}.`;
}

/** The last line of a run: its verdict, and what that means or why it is undecided. */
export function verdictLine(judged: Judged, paint: Paint): Painted {
  const { verdict } = judged;
  const tone = paint[verdictTones[verdict]];
  return { painted: `${tone(verdict)}: ${visible(verdictSentence(judged))}` };
}

/** How good the news is. */
export const verdictTones = {
  demonstrated: 'good',
  clean: 'good',
  not_reproduced: 'warn',
  violation: 'bad',
  undecided: 'warn',
} as const satisfies Record<Verdict, keyof Paint>;

/** One clause each. */
const verdictMeanings = {
  demonstrated: 'the shared model went wrong',
  clean: 'no write went wrong',
  not_reproduced: 'the shared model did not go wrong this time',
  violation: 'a model that must not go wrong did',
  undecided: 'the run proves nothing',
} as const satisfies Record<Verdict, string>;
