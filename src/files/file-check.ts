import type { Hash } from 'node:crypto';
import { parseReference } from '../bank/operations/names.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { createDigestTable, digestOf } from '../core/digest-table.ts';
import { BankctlError, errorTable } from '../core/errors.ts';
import { asSentence, quote } from '../core/text.ts';
import type { RowLayout } from './dress.ts';
import type { ResultsFile } from './results.ts';
import { readRows } from './row-reader.ts';
import {
  type Fields,
  type FileTraits,
  LineProblem,
  plainTraits,
  type Row,
  type RowShape,
} from './rows.ts';
import type { Source } from './source.ts';
import { createTotals, type Money, type Totals } from './totals.ts';

/** Codes of the faults of a file, which are found before anything is posted. */
export const fileCodes: ReadonlySet<string> = new Set([
  'invalid_row',
  'row_without_id',
  'row_repeated',
  'line_cut',
  'file_format',
  'file_repeated',
  'totals_differ',
]);

/** What the rows of a file must be. */
export interface RowRules {
  readonly shape: RowShape;
  /**
   * Reads a row as it will be read when it is posted.
   *
   * @throws `LineProblem`
   */
  readonly check: (row: Row) => CheckedRow;
  readonly config: Config;
  /** Is given the bytes of the file while it is checked. */
  readonly digest?: Hash | undefined;
  /** The branch of rows that name none. */
  readonly branch?: string;
  /** What to say of faults if the rows are not posted. */
  readonly words?: FaultWords;
}

/** A row that is correct. */
interface CheckedRow {
  /** Its operation id; empty if it has none. */
  readonly id: string;
  /** What it adds to the total of the file. */
  readonly amount?: Money | undefined;
}

/** What is said of the faults of rows of one kind. */
export interface FaultWords {
  /** What to do about lines that are no valid rows. */
  readonly correct: string;
  /** Completes "line 3 …" for an id of an earlier line, and says what to do. */
  readonly repeated: (id: string, earlier: number) => readonly [message: string, hint: string];
  /** What to do if the end of the file may be missing. */
  readonly cut: string;
}

/** How a file is read. */
export interface FileFormat extends RowLayout {
  /** The user says that the file is complete, though its last line has no newline. */
  readonly lastLineComplete: boolean;
}

/** What checking a file needs from its caller. */
export interface CheckHost {
  readonly interrupted: AbortSignal;
  /** Called with the number of rows checked so far. */
  readonly checked: (rows: number) => void;
  /** Called once with the first lines that are at fault, in order, and how many there are. */
  readonly faulty: (problems: readonly LineProblem[], faults: number) => void;
  /** Faults are written to it too. */
  readonly results: ResultsFile | undefined;
}

/** A file that was read to its end and found to be correct. */
export interface CheckedFile {
  readonly rows: number;
  readonly bytes: number;
  readonly traits: FileTraits;
  readonly totals: Totals;
}

/**
 * Reads a whole file and finds all that is wrong with it, before anything is posted. Memory stays
 * constant except for the ids, see `DigestTable`.
 *
 * @throws the code of the first fault, naming its line and the number of the others; also what
 *   `readRows` throws
 */
export async function checkFile(
  source: Source,
  options: FileFormat,
  rules: RowRules,
  host: CheckHost,
): Promise<CheckedFile> {
  const ids = createIdCheck();
  const totals = createTotals();
  let file: CheckedFile = { rows: 0, bytes: 0, traits: plainTraits, totals };
  let first: readonly LineProblem[] = [];
  let faults = 0;
  const report = async (problems: readonly LineProblem[]) => {
    faults += problems.length;
    host.checked(file.rows);
    if (problems.length === 0) return;
    first = [...first, ...problems]
      .sort((left, right) => left.line - right.line)
      .slice(0, maxShown);
    await host.results?.append(problems.map(toResult));
  };
  try {
    const read = rules.digest ? withDigest(source, rules.digest) : source;
    for await (const { rows, bytes, traits } of readRows(read, options, rules.shape)) {
      if (host.interrupted.aborted) throw new BankctlError('interrupted', 'Interrupted.');
      file = { rows: file.rows + rows.length, bytes, traits, totals };
      await report(rows.flatMap((row) => problemOf(row, options, rules, { ids, totals }) ?? []));
    }
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error;
    // Nothing after that line can be read.
    await report([error]);
  }
  await report(await repeatedIds(source, options, rules, ids.suspects));
  if (faults === 0) return file;
  host.faulty(first, faults);
  throw toError(source.name, first, faults, rules.words);
}

function withDigest(source: Source, digest: Hash): Source {
  const chunks = async function* () {
    for await (const chunk of source.chunks()) {
      digest.update(chunk);
      yield chunk;
    }
  };
  return { ...source, chunks };
}

/** How many faulty lines are shown; `--results` has all of them. */
const maxShown = 20;

/** One line of `--results`. */
function toResult({ line, code, message, hint = errorTable[code].hint }: LineProblem): object {
  return { line, outcome: 'faulty', code, message: asSentence(`The line ${message}`), hint };
}

const correctAll =
  'Correct those lines and run the whole file again: what was applied is not applied twice.';

function toError(
  file: string,
  [first]: readonly LineProblem[],
  faults: number,
  words: FaultWords | undefined,
): unknown {
  if (!first) return new Error('a faulty file has no fault');
  const { code, line, message, hint } = first;
  const others = faults - 1;
  const are = others === 1 ? 'line is' : 'lines are';
  const more = others === 0 ? '' : `; ${others} other ${are} faulty too`;
  const correct = words?.correct ?? (others > 0 ? correctAll : undefined);
  const defaultHint = code === 'invalid_row' ? correct : undefined;
  const text = asSentence(`${file}, line ${line} ${message}${more}`);
  return new BankctlError(code, text, hint ?? defaultHint);
}

function problemOf(
  row: Row | LineProblem,
  { lastLineComplete }: FileFormat,
  rules: RowRules,
  { ids, totals }: { readonly ids: IdCheck; readonly totals: Totals },
): LineProblem | undefined {
  if (row instanceof LineProblem) return row;
  try {
    const { id, amount } = rules.check(row);
    const { mayBeCut } = row;
    if (mayBeCut !== undefined && !lastLineComplete && !isWholeField(mayBeCut, row.fields, rules)) {
      return cutOffProblem(row, mayBeCut, rules.words);
    }
    if (id !== '') ids.note(id, row.line);
    totals.add(amount);
    return undefined;
  } catch (error) {
    if (error instanceof LineProblem) return error;
    throw error;
  }
}

/** A line whose id seems to be that of an earlier one, because their digests are the same. */
interface Suspect {
  readonly line: number;
  readonly earlier: number;
}

/** Finds lines that may share an id; comparing the ids themselves decides, see `repeatedIds`. */
interface IdCheck {
  readonly note: (id: string, line: number) => void;
  readonly suspects: readonly Suspect[];
}

/** Further ones are not checked: the file is refused anyway. */
const maxSuspects = 1000;

function createIdCheck(): IdCheck {
  const suspects: Suspect[] = [];
  const lineOfId = createDigestTable();
  return {
    suspects,
    note: (id, line) => {
      const keepFirst = (before: number) => (before === 0 ? line : before);
      const earlier = lineOfId.update(...digestOf(id), keepFirst);
      if (earlier > 0 && suspects.length < maxSuspects) suspects.push({ line, earlier });
    },
  };
}

/** Reads the file again for the ids of the suspects, and compares them. */
async function repeatedIds(
  source: Source,
  layout: RowLayout,
  { shape, check, words = postedWords }: RowRules,
  suspects: readonly Suspect[],
): Promise<readonly LineProblem[]> {
  if (suspects.length === 0) return [];
  const lines = new Set(suspects.flatMap(({ line, earlier }) => [line, earlier]));
  const ids = new Map<number, string>();
  for await (const { rows } of readRows(source, layout, shape)) {
    for (const row of rows) {
      if (!(row instanceof LineProblem) && lines.has(row.line)) ids.set(row.line, check(row).id);
    }
  }
  return suspects
    .filter(({ line, earlier }) => ids.get(line) === ids.get(earlier))
    .map(({ line, earlier }) => {
      const [message, hint] = words.repeated(ids.get(line) ?? '', earlier);
      return new LineProblem(line, message, hint, 'row_repeated');
    });
}

const postedWords: FaultWords = {
  correct: correctAll,
  repeated: (id, earlier) => [
    `has the id ${quote(id)} of line ${earlier}, so it would not be posted`,
    errorTable.row_repeated.hint,
  ],
  cut:
    'Fetch the file again if it is cut off; if it is complete, say so with ' +
    '--last-line-complete.',
};

function cutOffProblem(
  { line, fields }: Row,
  field: string,
  words: FaultWords = postedWords,
): LineProblem {
  const value = fields[field] === undefined ? 'is empty' : `is ${quote(fields[field])}`;
  return new LineProblem(
    line,
    `is the last one and has no newline, so it may be cut off in the middle: its ${field} ${value}`,
    words.cut,
    'line_cut',
  );
}

/**
 * Whether a field in which the file ends without a newline is known to be whole, because with more
 * characters it would be refused or mean the same: `12.00` is, `12.0` and `12` are not.
 */
function isWholeField(name: string, fields: Fields, rules: RowRules): boolean {
  const value = fields[name];
  switch (name) {
    case 'amount':
    case 'balance': {
      const digits = currencyDigits(fields, rules);
      return digits > 0 && (/\.(\d+)$/.exec(value ?? '')?.[1]?.length ?? 0) >= digits;
    }
    case 'type':
    case 'status':
      return value !== undefined;
    case 'create':
      // Types other than an increment do not take it.
      return value !== undefined || (fields['type'] ?? 'increment') !== 'increment';
    case 'currency':
      // It can only repeat the branch's own.
      return true;
    case 'branch':
      return (
        value !== undefined &&
        !rules.config.branches.some((other) => other.name !== value && other.name.startsWith(value))
      );
    default:
      return false;
  }
}

/** The row was found to be correct, so its branch is known. */
function currencyDigits(fields: Fields, { config, branch }: RowRules): number {
  const from = fields['from'];
  const name = from === undefined ? (fields['branch'] ?? branch) : parseReference(from).branch;
  return name === undefined ? 0 : findBranch(config, name).currency.digits;
}
