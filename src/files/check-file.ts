import { BankctlError, errorTable } from '../core/errors.ts';
import { asSentence, quote } from '../core/text.ts';
import { createDigestTable } from './digest-table.ts';
import { fold } from './fold.ts';
import { LineProblem } from './lines.ts';
import type { ResultsFile } from './results.ts';
import { type LeftOut, type Row, type RowFormat, type RowShape, readRows } from './rows.ts';
import type { Source } from './source.ts';

/** Codes of the faults of a file, which are found before anything is posted. */
export const fileCodes: ReadonlySet<string> = new Set([
  'invalid_row',
  'row_without_id',
  'row_repeated',
  'line_cut',
  'file_format',
  'file_repeated',
]);

/** What the rows of a file must be. */
export interface RowRules {
  readonly shape: RowShape;
  /**
   * Reads a row as it will be read when it is posted.
   *
   * @returns its operation id; empty if it has none
   * @throws `LineProblem`
   */
  readonly check: (row: Row) => string;
  /** Whether that field of the row, in which the file ends, can't go on. */
  readonly isWhole: (row: Row, field: string) => boolean;
  /** The user says that the file ends where it should. */
  readonly lastLineComplete: boolean;
}

/** What checking takes from its surroundings. */
export interface CheckHost {
  readonly interrupted: AbortSignal;
  /** Called with the number of rows checked so far. */
  readonly checked: (rows: number) => void;
  /** Called once with the first lines that are at fault, in order. */
  readonly faulty: (problems: readonly LineProblem[]) => void;
  /** They are written there too. */
  readonly results: ResultsFile | undefined;
}

/** A file that was read as a whole and found right. */
export interface CheckedFile {
  readonly rows: number;
  readonly bytes: number;
  readonly leftOut: LeftOut;
}

/**
 * Reads a whole file and finds all that is wrong with it, before anything is posted. Memory stays
 * flat but for the ids, see `DigestTable`.
 *
 * @throws the code of the first fault, naming its line and the number of the others; as `readRows`
 */
export async function checkFile(
  source: Source,
  format: RowFormat | undefined,
  rules: RowRules,
  host: CheckHost,
): Promise<CheckedFile> {
  const checking = new Checking(rules);
  const batches = readRows(source, format, rules.shape);
  let bytes = 0;
  let leftOut: LeftOut = { blankRows: 0, namelessColumns: 0 };
  try {
    for (let next = await batches.next(); ; next = await batches.next()) {
      if (host.interrupted.aborted) throw new BankctlError('interrupted', 'Interrupted.');
      if (next.done === true) {
        leftOut = next.value;
        break;
      }
      bytes = next.value.bytes;
      await checking.report(checking.faultsOf(next.value.rows), host);
    }
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error;
    // Nothing after that line can be read.
    await checking.report([error], host);
  }
  await checking.report(await repeatedIds(source, format, rules, checking.suspects), host);
  const [first] = checking.lowest;
  if (first) {
    host.faulty(checking.lowest);
    throw checking.error(source.name, first);
  }
  return { rows: checking.rows, bytes, leftOut };
}

/** A line whose id seems to be that of an earlier one: their digests are the same. */
interface Suspect {
  readonly line: number;
  readonly earlier: number;
}

/** More are not looked at: the file is refused anyway. */
const maxSuspects = 1000;

/** So many lines at fault are told; `--results` has all of them. */
const maxLowest = 20;

const correctAll =
  'Correct those lines, and give the whole file again: what is applied is not applied twice.';

function byLine(left: LineProblem, right: LineProblem): number {
  return left.line - right.line;
}

/** Where a check is. One a call; only its own file touches it. */
class Checking {
  rows = 0;
  readonly suspects: Suspect[] = [];
  #lowest: readonly LineProblem[] = [];
  #faults = 0;
  readonly #rules: RowRules;
  readonly #lineOfId = createDigestTable();

  constructor(rules: RowRules) {
    this.#rules = rules;
  }

  /** The first faults, in order of their lines. */
  get lowest(): readonly LineProblem[] {
    return this.#lowest;
  }

  faultsOf(rows: readonly (Row | LineProblem)[]): readonly LineProblem[] {
    const faults: LineProblem[] = [];
    for (const row of rows) {
      try {
        if (row instanceof LineProblem) throw row;
        this.#check(row);
      } catch (error) {
        if (!(error instanceof LineProblem)) throw error;
        faults.push(error);
      }
    }
    this.rows += rows.length;
    return faults;
  }

  #check(row: Row): void {
    const { check, isWhole, lastLineComplete } = this.#rules;
    const id = check(row);
    const { mayBeCut } = row;
    if (mayBeCut !== undefined && !lastLineComplete && !isWhole(row, mayBeCut)) {
      throw cut(row, mayBeCut);
    }
    // Where two digests are the same, the ids themselves decide.
    if (id !== '') this.#note(id, row.line);
  }

  #note(id: string, line: number): void {
    const earlier = this.#lineOfId.update(fold(id, 0x9e3779b1), fold(id, 0x85ebca77), (before) =>
      before === 0 ? line : before,
    );
    if (earlier === 0 || this.suspects.length >= maxSuspects) return;
    this.suspects.push({ line, earlier });
  }

  async report(faults: readonly LineProblem[], host: CheckHost): Promise<void> {
    this.#faults += faults.length;
    host.checked(this.rows);
    if (faults.length === 0) return;
    this.#lowest = [...this.#lowest, ...faults].sort(byLine).slice(0, maxLowest);
    await host.results?.append(
      faults.map(({ line, code, message, hint = errorTable[code].hint }) => {
        return { line, outcome: 'faulty', code, message: asSentence(`The line ${message}`), hint };
      }),
    );
  }

  error(file: string, { code, line, message, hint }: LineProblem): BankctlError {
    const others = this.#faults - 1;
    const more =
      others === 0
        ? ''
        : `; ${others} other ${others === 1 ? 'line is' : 'lines are'} at fault too`;
    const text = asSentence(`${file}, line ${line} ${message}${more}`);
    return new BankctlError(
      code,
      text,
      others > 0 && code === 'invalid_row' ? (hint ?? correctAll) : hint,
    );
  }
}

/** Reads the file again for the ids of the suspects, and compares them. */
async function repeatedIds(
  source: Source,
  format: RowFormat | undefined,
  { shape, check }: RowRules,
  suspects: readonly Suspect[],
): Promise<readonly LineProblem[]> {
  if (suspects.length === 0) return [];
  const lines = new Set(suspects.flatMap(({ line, earlier }) => [line, earlier]));
  const ids = new Map<number, string>();
  for await (const { rows } of readRows(source, format, shape)) {
    for (const row of rows) {
      if (!(row instanceof LineProblem) && lines.has(row.line)) ids.set(row.line, check(row));
    }
  }
  return suspects
    .filter(({ line, earlier }) => ids.get(line) === ids.get(earlier))
    .map(({ line, earlier }) => {
      const id = quote(ids.get(line) ?? '');
      const message = `has the id ${id} of line ${earlier}, so it would not be posted`;
      return new LineProblem(line, message, undefined, 'row_repeated');
    });
}

function cut({ line, fields }: Row, field: string): LineProblem {
  const value = fields[field] === undefined ? 'is empty' : `is ${quote(fields[field])}`;
  return new LineProblem(
    line,
    `is the last one and has no newline, so it may be cut off in the middle: its ${field} ${value}`,
    'Fetch the file again if it is cut; if it is complete, say so with --last-line-complete.',
    'line_cut',
  );
}
