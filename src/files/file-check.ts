import { parseReference } from '../bank/names.ts';
import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import { BankctlError, errorTable } from '../core/errors.ts';
import { asSentence, quote } from '../core/text.ts';
import { createDigestTable, fold } from './digest-table.ts';
import type { ResultsFile } from './results.ts';
import { readRows } from './row-reader.ts';
import {
  type Fields,
  type LeftOut,
  LineProblem,
  type Row,
  type RowFormat,
  type RowShape,
} from './rows.ts';
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
  readonly config: Config;
  /** The branch of rows that name none. */
  readonly branch?: string;
}

/** How a file is read. */
export interface FileFormat {
  /** Undefined goes by the name, else by the first character. */
  readonly format: RowFormat | undefined;
  /** The user says that the file ends where it should, though its last line has no newline. */
  readonly lastLineComplete: boolean;
}

/** What checking takes from its surroundings. */
export interface CheckHost {
  readonly interrupted: AbortSignal;
  /** Called with the number of rows checked so far. */
  readonly checked: (rows: number) => void;
  /** Called once with the first lines that are at fault, in order. */
  readonly faulty: (problems: readonly LineProblem[]) => void;
  /** Faults are written there too. */
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
  options: FileFormat,
  rules: RowRules,
  host: CheckHost,
): Promise<CheckedFile> {
  const check = new FileCheck(options, rules, host);
  const batches = readRows(source, options.format, rules.shape);
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
      await check.report(check.faultsOf(next.value.rows));
    }
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error;
    // Nothing after that line can be read.
    await check.report([error]);
  }
  await check.report(await repeatedIds(source, options, rules, check.suspects));
  check.finish(source.name);
  return { rows: check.rows, bytes, leftOut };
}

/** A line whose id seems to be that of an earlier one: their digests are the same. */
interface Suspect {
  readonly line: number;
  readonly earlier: number;
}

/** More are not looked at: the file is refused anyway. */
const maxSuspects = 1000;

/** Faulty lines that are shown; `--results` has all of them. */
const maxShown = 20;

const correctAll =
  'Correct those lines, and give the whole file again: what is applied is not applied twice.';

/** The state of one check of one file. */
class FileCheck {
  rows = 0;
  readonly suspects: Suspect[] = [];
  /** The first faults, in order of their lines. */
  #first: readonly LineProblem[] = [];
  #faults = 0;
  readonly #options: FileFormat;
  readonly #rules: RowRules;
  readonly #host: CheckHost;
  readonly #lineOfId = createDigestTable();

  constructor(options: FileFormat, rules: RowRules, host: CheckHost) {
    this.#options = options;
    this.#rules = rules;
    this.#host = host;
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
    const id = this.#rules.check(row);
    if (row.mayBeCut !== undefined && !this.#options.lastLineComplete) {
      if (!isWholeField(row.mayBeCut, row.fields, this.#rules)) throw cut(row, row.mayBeCut);
    }
    if (id === '') return;
    const { line } = row;
    const keepFirst = (before: number) => (before === 0 ? line : before);
    const earlier = this.#lineOfId.update(fold(id, 0x9e3779b1), fold(id, 0x85ebca77), keepFirst);
    // If two digests are the same, the ids themselves decide.
    if (earlier > 0 && this.suspects.length < maxSuspects) this.suspects.push({ line, earlier });
  }

  async report(faults: readonly LineProblem[]): Promise<void> {
    this.#faults += faults.length;
    this.#host.checked(this.rows);
    if (faults.length === 0) return;
    this.#first = [...this.#first, ...faults]
      .sort((left, right) => left.line - right.line)
      .slice(0, maxShown);
    await this.#host.results?.append(
      faults.map(({ line, code, message, hint = errorTable[code].hint }) => {
        return { line, outcome: 'faulty', code, message: asSentence(`The line ${message}`), hint };
      }),
    );
  }

  /** @throws the code of the first fault, if there is one */
  finish(file: string): void {
    const [first] = this.#first;
    if (!first) return;
    this.#host.faulty(this.#first);
    const { code, line, message, hint } = first;
    const others = this.#faults - 1;
    const are = others === 1 ? 'line is' : 'lines are';
    const more = others === 0 ? '' : `; ${others} other ${are} at fault too`;
    const text = asSentence(`${file}, line ${line} ${message}${more}`);
    const defaultHint = others > 0 && code === 'invalid_row' ? correctAll : undefined;
    throw new BankctlError(code, text, hint ?? defaultHint);
  }
}

/** Reads the file again for the ids of the suspects, and compares them. */
async function repeatedIds(
  source: Source,
  { format }: FileFormat,
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

/**
 * Whether a field, in which the file ends without a newline, is known to be whole, since with more
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
      // Other types than an increment do not take it.
      return value !== undefined || (fields['type'] ?? 'increment') !== 'increment';
    case 'currency':
      // It only confirms the branch's own.
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

/** Of a row that was found right, so its branch is known. */
function currencyDigits(fields: Fields, { config, branch }: RowRules): number {
  const from = fields['from'];
  const name = from === undefined ? (fields['branch'] ?? branch) : parseReference(from).branch;
  return name === undefined ? 0 : findBranch(config, name).currency.digits;
}
