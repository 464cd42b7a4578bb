import { visibleTexts } from '../core/text.ts';
import type { FirstWrong, FirstWrongEvent } from '../stress/story.ts';
import type { Paint } from './paint.ts';
import { wrap } from './wrap.ts';

const timeWidth = 9;
const mark = '✗';

/**
 * Draws how a write went wrong: time runs down, each worker that took part has a column, and its
 * steps stand in it. Below it, one sentence with the reason.
 *
 * @param paint how the meanings look; without colour the marks still tell
 * @param width columns of the terminal, at least 40
 * @returns lines of at most that width, without line feeds
 */
export function swimlane(
  given: FirstWrong,
  paint: Pick<Paint, 'head' | 'bad' | 'faint'>,
  width: number,
): readonly string[] {
  const wrong = visibleTexts(given);
  const lane = Math.floor((width - timeWidth) / wrong.workers.length) - 2;
  const row = (time: string, worker: number, text: string, colour: (text: string) => string) => {
    const before = wrong.workers.indexOf(worker) * (lane + 2);
    return `${paint.faint(time.padStart(timeWidth - 2))}${' '.repeat(2 + before)}${colour(text)}`;
  };
  const heads = wrong.workers.map((worker) => `worker ${worker}`.padEnd(lane + 2)).join('');
  const lines = wrong.events.flatMap((event) => {
    const { text, bad } = eventPhrase(event, wrong);
    return wrap(text, lane).map((part, index) =>
      row(index === 0 ? time(event) : '', event.worker, part, bad ? paint.bad : same),
    );
  });
  return [
    paint.head(`${'ms'.padStart(timeWidth - 2)}  ${heads.trimEnd()}`),
    ...lines,
    ...wrap(wrong.reason, width),
  ];
}

/** What happened at an event, in words, and whether that is what went wrong. */
export function eventPhrase(
  event: FirstWrongEvent,
  wrong: FirstWrong,
): { text: string; bad: boolean } {
  const { collection, name } = event;
  const own = event.operation === wrong.operation;
  const missed = own && collection !== wrong.expected_collection;
  switch (event.event) {
    case 'captured':
      return fine(`remembers ${name ?? 'nothing'}`);
    case 'switched':
      return { text: `switches the model to ${name}`, bad: !own && name === wrong.collection };
    case 'resolved':
      return {
        text: `takes ${collection ?? 'an empty cache'}${missed ? ` ${mark}` : ''}`,
        bad: missed,
      };
    case 'sent':
      return missed
        ? { text: `${mark} writes to ${collection}, not ${wrong.expected_collection}`, bad: true }
        : fine(`writes to ${collection}`);
    case 'written':
      return own && wrong.matched === 0
        ? { text: `${mark} matched no account`, bad: true }
        : fine('written');
    case 'crashed':
      return { text: own ? `${mark} crashes` : 'crashes', bad: own };
    case 'restored':
      return fine(`restores ${name ?? 'nothing'}`);
  }
}

function fine(text: string): { text: string; bad: boolean } {
  return { text, bad: false };
}

function time({ at_ms }: FirstWrongEvent): string {
  return at_ms.toFixed(3);
}

function same(text: string): string {
  return text;
}
