import { visibleTexts } from '../core/text.ts';
import type { ScheduleAction, ScheduleStep, ScheduleStory } from '../stress/story.ts';
import { textWidth } from './unicode-width.ts';
import { wrap } from './wrap.ts';

/** The meanings that colour has here. */
export interface SchedulePaint {
  readonly head: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

type Tone = keyof SchedulePaint | 'plain';

/** A few words, and what they mean for the story. */
export interface Phrase {
  readonly tone: Tone;
  readonly text: string;
}

const numberWidth = 3;
const wrongMark = '✗';
const rightMark = '✓';

/**
 * Draws a schedule as columns, one a worker, time running down. A step's lines stand in the
 * column of the worker that made it; where it goes wrong they are marked, and coloured.
 *
 * @param width columns of the terminal; fewer than 16 a worker are not enough
 */
export function scheduleColumns(
  given: ScheduleStory,
  paint: SchedulePaint,
  width: number,
): readonly string[] {
  const story = visibleTexts(given);
  const workers = story.workers.length;
  const cell = Math.max(10, Math.floor((width - numberWidth) / workers) - 3);
  const head = story.workers.map(({ worker, branch }) =>
    wrap(`worker ${worker} → ${branch}`, cell),
  );
  const lines = rows(head).map((texts) =>
    line(
      '',
      texts.map((text) => ({ tone: 'head', text })),
      cell,
      paint,
    ),
  );
  for (const step of story.steps) lines.push(...stepLines(step, story, cell, paint));
  return [
    ...lines,
    '',
    ...(story.reason ? wrap(story.reason, width) : []),
    `Again: ${story.replay}`,
    story.same_again
      ? 'It was run twice, and ended the same both times.'
      : paint.bad('It was run twice, and did not end the same: something outside interferes.'),
  ];
}

function stepLines(
  step: ScheduleStep,
  story: ScheduleStory,
  cell: number,
  paint: SchedulePaint,
): readonly string[] {
  const phrases = [...step.actions.flatMap(actionPhrases), endPhrase(step)].flatMap(
    ({ tone, text }) => wrap(text, cell).map((part) => ({ tone, text: part })),
  );
  return phrases.map((phrase, index) => {
    const texts = story.workers.map(
      ({ worker }): Phrase => (worker === step.worker ? phrase : { tone: 'plain', text: '' }),
    );
    return line(index === 0 ? String(step.step) : '', texts, cell, paint);
  });
}

/** What a worker did, in words. */
export function actionPhrases(action: ScheduleAction): readonly Phrase[] {
  switch (action.does) {
    case 'remembers':
      return [plain(`remembers ${pointing(action)}`)];
    case 'switches':
      return [plain(`switches the model to ${action.name}`)];
    case 'indexes':
      return [plain(`caches ${action.collection}, ensures its index`)];
    case 'takes':
      return [plain(action.collection === null ? 'takes nothing' : `takes ${action.collection}`)];
    case 'looks_up':
      return [plain(`looks up the model of ${action.branch}`)];
    case 'writes':
      return writePhrases(action);
    case 'crashes':
      return [bad(`${wrongMark} crashes: ${action.message}`)];
    case 'restores':
      return [plain(`restores ${pointing(action)}`)];
  }
}

function writePhrases(action: ScheduleAction & { does: 'writes' }): readonly Phrase[] {
  const { collection, should_be, wrong } = action;
  if (wrong === null) return [{ tone: 'good', text: `${rightMark} writes to ${collection}` }];
  const nothing = wrong === 'lost' ? ', which matches nothing' : '';
  return [bad(`${wrongMark} writes to ${collection}${nothing}`), bad(`  should be ${should_be}`)];
}

function pointing({ name, cached }: { readonly name: string; readonly cached: string | null }) {
  if (cached === name) return name;
  return `${name}, ${cached === null ? 'nothing cached' : `${cached} cached`}`;
}

/** Where a step ended, in words. */
export function endPhrase({ to }: ScheduleStep): Phrase {
  return { tone: 'faint', text: to === 'ended' || to === 'crashed' ? to : `at ${to}` };
}

function plain(text: string): Phrase {
  return { tone: 'plain', text };
}

function bad(text: string): Phrase {
  return { tone: 'bad', text };
}

/** One line: the step's number, then a cell a worker. Colour is put on after padding. */
function line(
  number: string,
  phrases: readonly Phrase[],
  cell: number,
  paint: SchedulePaint,
): string {
  const cells = phrases.map(({ tone, text }) => {
    const painted = tone === 'plain' || text === '' ? text : paint[tone](text);
    return `${paint.faint('│')} ${painted}${' '.repeat(Math.max(0, cell - textWidth(text)))}`;
  });
  return `${number.padStart(numberWidth - 1)} ${cells.join(' ')}`.trimEnd();
}

/** The k-th lines of several cells, side by side. */
function rows(cells: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, row) => cells.map((lines) => lines[row] ?? ''));
}
