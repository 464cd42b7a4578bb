import { errorJson } from '../core/error-json.ts';
import type { BankctlError } from '../core/errors.ts';
import { count, jsonText } from '../core/text.ts';
import { formatTime, type Span } from '../core/time.ts';
import type { AnsweredCommand } from '../database/command-log.ts';
import { formats } from '../render/formats.ts';
import type { GlobalOptions, NoticeFacts, Session } from './command.ts';

/** Writes a line about a command to the database, for `--verbose`. */
export function noticeCommand(session: Session, answered: AnsweredCommand): void {
  const { command, database, collection, documents, ms, failed } = answered;
  const place = collection === null ? database : `${database}.${collection}`;
  const many = documents === null ? [] : [count(documents, 'document')];
  const what = failed === null ? many : [`failed with ${failed}`];
  session.talk('command', `${command} ${place}: ${[...what, `${ms} ms`].join(', ')}`, {
    ...{ command, database, collection, documents, ms, failed },
  });
}

/**
 * Writes what makes a result incomplete, in the form of an error, while the rest is shown; the
 * result carries the status.
 */
export function failure(
  { globals, writeLine }: Session,
  error: Pick<BankctlError, 'code' | 'message' | 'hint'>,
  facts: NoticeFacts = {},
): void {
  if (formats[globals.output].jsonTalk) {
    writeLine(jsonText({ error: { ...errorJson(error), ...facts } }));
  } else for (const line of [`bankctl: ${error.message}`, error.hint]) writeLine(line);
}

/** What `talk` and `say` write: see there. */
export function noticeText(
  { output }: Pick<GlobalOptions, 'output'>,
  code: string,
  message: string,
  facts: NoticeFacts = {},
): string {
  if (formats[output].jsonTalk) return jsonText({ notice: { code, message, ...facts } });
  return facts['hint'] === undefined ? message : `${message} ${facts['hint']}`;
}

/** How a result shows times: to people by the clocks of the config's zone, to programs in UTC. */
export async function resultZone(session: Session): Promise<string> {
  return formats[session.globals.output].localTimes ? (await session.config()).timezone : 'UTC';
}

/** A half-open range of time as it was typed; undefined means no limit. */
export interface TypedRange {
  readonly since: Span | undefined;
  readonly until: Span | undefined;
}

/** Says which moments a range of time means. */
export function noticeRange(session: Session, { since, until }: TypedRange, zone: string): void {
  if (!since && !until) return;
  const from = since && `from ${formatTime(since.from, zone)}`;
  const to = until && `before ${formatTime(until.to, zone)}`;
  const sentence = `Showing what was posted ${[from, to].filter(Boolean).join(' and ')}.`;
  session.talk('range', sentence, {
    ...(since && { since: since.from.toISOString() }),
    ...(until && { until: until.to.toISOString() }),
  });
}
