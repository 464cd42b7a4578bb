import { createHash } from 'node:crypto';
import { BankctlError } from '../../core/errors.ts';
import { nearest } from '../../core/near-names.ts';
import { quote } from '../../core/text.ts';
import { tasksOf } from './explorer.ts';
import { maxTasks, type Run, type Step } from './explorer-execution.ts';

/** What a schedule id says. */
export interface ScheduleId {
  readonly model: string;
  readonly points: readonly string[];
  readonly workers: number;
  /** The worker of each step, 0 for worker 1. */
  readonly order: readonly number[];
  /** Of the steps' labels; see `digestSteps`. */
  readonly digest: string;
}

/** The names that an id may use. */
export interface Vocabulary {
  readonly models: readonly string[];
  /** In the order in which an id lists them. */
  readonly points: readonly string[];
}

const version = 's1';
/** Crockford's base 32: no letter that is mistaken for a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const alphabetBits = 5;
/** The first letters check the first, second and third quarter; the rest check everything. */
const quarters = 3;
const wholeLetters = 4;

/**
 * Writes an id, such as `s1:shared:switched-written:w2:010110:k3f9x0a`: version, model, points,
 * workers, the worker of each step (0 is worker 1), digest.
 */
export function formatScheduleId(id: ScheduleId, vocabulary: Vocabulary): string {
  const all = vocabulary.points.every((point) => id.points.includes(point));
  const points = all ? 'all' : id.points.join('-');
  return [version, id.model, points, `w${id.workers}`, id.order.join(''), id.digest].join(':');
}

/**
 * Reads an id as it was typed: upper case, and `o`, `i` and `l` for 0 and 1, are understood.
 *
 * @throws `usage`, naming the part that is wrong
 */
export function parseScheduleId(text: string, vocabulary: Vocabulary): ScheduleId {
  const parts = text.trim().toLowerCase().split(':');
  const [prefix, model = '', pointsText = '', workersText = '', orderText = '', digest = ''] =
    parts;
  if (prefix !== version || parts.length !== 6) {
    throw mismatchError(
      text,
      `it has ${parts.length} parts and not the six of ${version}:MODEL:POINTS:wN:ORDER:DIGEST`,
    );
  }
  if (!vocabulary.models.includes(model)) {
    throw mismatchError(
      text,
      `there is no model ${quote(model)}${meant(model, vocabulary.models)}`,
    );
  }
  const points = pointsText === 'all' ? vocabulary.points : pointsText.split('-');
  for (const point of points) {
    if (vocabulary.points.includes(point)) continue;
    throw mismatchError(
      text,
      `there is no point ${quote(point)}${meant(point, vocabulary.points)}`,
    );
  }
  const workers = Number(/^w([1-9])$/.exec(workersText)?.[1] ?? 0);
  if (workers < 1 || workers > maxTasks) {
    throw mismatchError(text, `${quote(workersText)} is not a number of workers like w2`);
  }
  return {
    model,
    points: vocabulary.points.filter((point) => points.includes(point)),
    workers,
    order: readOrder(text, orderText, workers),
    digest: readDigest(text, digest),
  };
}

function readOrder(text: string, order: string, workers: number): readonly number[] {
  if (order === '') throw mismatchError(text, 'it names no step');
  return [...order].map((digit, index) => {
    const worker = /^\d$/.test(digit) ? Number(digit) : workers;
    if (worker < workers) return worker;
    throw mismatchError(
      text,
      `step ${index + 1} is ${quote(digit)}, but the ${workers} workers are 0 to ${workers - 1}`,
    );
  });
}

function readDigest(text: string, typed: string): string {
  const digest = typed.replaceAll('o', '0').replace(/[il]/g, '1');
  const wanted = quarters + wholeLetters;
  if (digest.length === wanted && [...digest].every((letter) => alphabet.includes(letter))) {
    return digest;
  }
  throw mismatchError(text, `its digest ${quote(typed)} is not ${wanted} letters and digits`);
}

function meant(text: string, candidates: readonly string[]): string {
  const near = nearest(text, candidates);
  return near ? `; did you mean ${near}?` : `, only ${candidates.join(', ')}`;
}

function mismatchError(text: string, reason: string, hint?: string): BankctlError {
  const sentence = `The schedule id ${quote(text)} does not fit: ${reason}`;
  return new BankctlError(
    'usage',
    sentence.endsWith('?') ? sentence : `${sentence}.`,
    hint ?? 'Copy the id whole from the output of bankctl stress --exhaustive.',
  );
}

/**
 * A short digest of what the steps did: whose each was, where it began and how it ended. One letter
 * each for the first, second and third quarter of the steps, so that a mismatch can be narrowed
 * down, and four for all of them.
 */
export function digestSteps(steps: readonly Step[]): string {
  const labels = steps.map(stepLabel);
  const quarter = (part: number) => hash(labels.slice(0, quarterEnd(part, labels.length)), 1);
  return `${quarter(1)}${quarter(2)}${quarter(3)}${hash(labels, wholeLetters)}`;
}

function quarterEnd(part: number, steps: number): number {
  return Math.ceil((steps * part) / (quarters + 1));
}

function hash(labels: readonly string[], letters: number): string {
  let bits = createHash('sha256').update(labels.join('\n')).digest().readUInt32BE();
  let text = '';
  for (let letter = 0; letter < letters; letter += 1) {
    text += alphabet[bits & ((1 << alphabetBits) - 1)];
    bits >>>= alphabetBits;
  }
  return text;
}

/** One step in words that are the same in every run: no time, no account. */
export function stepLabel({ task, from, to, end, answered }: Step): string {
  const others = answered.map((other) => ` ${other.task}>${other.point}/${other.end}`);
  return `${task}:${from}>${to}/${end}${others.join('')}`;
}

/**
 * Makes sure that a replayed run is the schedule that the id stands for.
 *
 * @param typed the id as the user gave it
 * @throws `usage`, saying which step does not fit and what was possible there
 */
export function checkReplay(typed: string, id: ScheduleId, run: Run): void {
  const { steps, end, options } = run;
  const possible = (set: number) => tasksOf(set).map(workerName).join(' or ');
  if (end === 'given_up') {
    const chosen = id.order[steps.length];
    const at = steps.length + 1;
    const reason =
      chosen === undefined
        ? `it ends after step ${steps.length}, but then ${possible(options)} can still go on`
        : `step ${at} is of ${workerName(chosen)}, but only ${possible(options)} can run there`;
    throw mismatchError(typed, reason);
  }
  if (id.order.length > steps.length) {
    throw mismatchError(
      typed,
      `its step ${steps.length + 1} is one too many: after step ${steps.length} nobody can run`,
    );
  }
  const digest = digestSteps(steps);
  if (digest === id.digest) return;
  throw mismatchError(
    typed,
    suspects(id, digest, steps)
      .map((step) => describeSuspect(step, steps, possible))
      .join('; '),
    'It was mistyped, or made by a version whose steps differ; explore again for a fresh one.',
  );
}

/** The steps of the first part whose letter differs, 0-based. */
function suspects(id: ScheduleId, digest: string, steps: readonly Step[]): readonly number[] {
  let part = 0;
  while (part < quarters && digest[part] === id.digest[part]) part += 1;
  const first = quarterEnd(part, steps.length);
  const end = part === quarters ? steps.length : quarterEnd(part + 1, steps.length);
  if (first >= end) return [steps.length - 1];
  return steps.map((_, index) => index).filter((index) => index >= first && index < end);
}

function describeSuspect(
  index: number,
  steps: readonly Step[],
  possible: (set: number) => string,
): string {
  const step = steps[index];
  if (!step) return `step ${index + 1} is missing`;
  return (
    `step ${index + 1}, now from ${step.from} to ${endName(step)}, ` +
    `is not the one that was digested (possible there: ${possible(step.options)})`
  );
}

/** Who is stuck where, or who waits for whom; undefined for a run that ended by itself. */
export function troubleOf({ end, steps, waiters }: Run): string | undefined {
  const last = steps.at(-1);
  if (end === 'stuck' && last) {
    return `${workerName(last.task)} neither ends nor reaches a point after ${last.to}`;
  }
  if (end !== 'deadlock') return undefined;
  return waiters
    .map((waiter) => {
      const holders = waiter.for.map(workerName).join(' and ') || 'somebody else';
      const who = `${workerName(waiter.task)}, after ${waiter.point},`;
      return `${who} waits for ${holders} (${waiter.what})`;
    })
    .join('; ');
}

function workerName(worker: number): string {
  return `worker ${worker + 1}`;
}

/** Where a step ended: at a point, or how else. */
export function endName({ end, to }: Step): string {
  return end === 'paused' ? to : end;
}
