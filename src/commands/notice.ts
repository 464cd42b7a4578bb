import { errorJson } from '../core/error-json.ts';
import type { BankctlError } from '../core/errors.ts';
import { count, jsonText } from '../core/text.ts';
import { formatTime, type Span } from '../core/time.ts';
import type { AnsweredCommand } from '../database/command-log.ts';
import { formats } from '../render/formats.ts';
import type { Session } from './command.ts';

/** Facts for a program, in addition to the sentence for people. */
export type NoticeFacts = Readonly<Record<string, unknown>>;

/**
 * Writes a sentence on stderr about a result that is right as it is. With JSON or NDJSON it is one
 * line, `{"notice":{code, message, …facts}}`. Silent with `--quiet`.
 */
export function notice(
  session: Session,
  code: string,
  message: string,
  facts: NoticeFacts = {},
): void {
  session.talk(noticeText(session, code, message, facts));
}

/** Writes a line about a command to the database, for `--verbose`. */
export function noticeCommand(session: Session, answered: AnsweredCommand): void {
  const { command, database, collection, documents, ms, failed } = answered;
  const place = collection === null ? database : `${database}.${collection}`;
  const many = documents === null ? [] : [count(documents, 'document')];
  const what = failed === null ? many : [`failed with ${failed}`];
  notice(session, 'command', `${command} ${place}: ${[...what, `${ms} ms`].join(', ')}`, {
    ...{ command, database, collection, documents, ms, failed },
  });
}

/** As `notice`, for a result that is not the whole truth: written even with `--quiet`. */
export function warning(
  session: Session,
  code: string,
  message: string,
  facts: NoticeFacts = {},
): void {
  session.say(noticeText(session, code, message, facts));
}

/**
 * Writes what makes a result incomplete, in the form of an error, while the rest is shown; the
 * result carries the status.
 */
export function failure(
  { globals, say }: Session,
  error: Pick<BankctlError, 'code' | 'message' | 'hint'>,
  facts: NoticeFacts = {},
): void {
  if (formats[globals.output].jsonTalk) say(jsonText({ error: { ...errorJson(error), ...facts } }));
  else for (const line of [`bankctl: ${error.message}`, error.hint]) say(line);
}

function noticeText(
  { globals }: Pick<Session, 'globals'>,
  code: string,
  message: string,
  facts: NoticeFacts,
): string {
  return formats[globals.output].jsonTalk
    ? jsonText({ notice: { code, message, ...facts } })
    : message;
}

/**
 * How a result shows times: to people as the clocks of the config's zone do, to programs in UTC.
 */
export async function resultZone(session: Session): Promise<string> {
  return formats[session.globals.output].forPeople ? (await session.config()).timezone : 'UTC';
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
  notice(session, 'range', sentence, {
    ...(since && { since: since.from.toISOString() }),
    ...(until && { until: until.to.toISOString() }),
  });
}
