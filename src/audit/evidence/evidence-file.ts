import type { Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { asSentence, count } from '../../core/text.ts';
import { checkFile, type FaultWords } from '../../files/file-check.ts';
import { readRows } from '../../files/row-reader.ts';
import { LineProblem, type Row, type RowShape } from '../../files/rows.ts';
import { copyToFile, openSource, type Source } from '../../files/source.ts';
import type { AuditHost } from '../audit-host.ts';

/** How the rows of a file of evidence are read. */
export interface EvidenceRows<T> {
  readonly shape: RowShape;
  /** @throws `LineProblem` */
  readonly read: (row: Row) => T;
  /** What no two rows may have in common; empty if there is nothing. */
  readonly idOf: (row: T) => string;
  readonly repeated: FaultWords['repeated'];
  /** Whether a file with a header and no rows says something. */
  readonly mayBeEmpty: boolean;
  /** With the strays as branches, which rows may name too. */
  readonly config: Config;
}

/** A file that was read whole and found to be correct. */
export interface EvidenceFile<T> {
  readonly name: string;
  /** Its rows in batches; each call reads the file again. */
  readonly rows: () => AsyncIterable<readonly T[]>;
  readonly close: () => Promise<void>;
}

/**
 * Opens a file and checks every line of it.
 *
 * @param path `-` is the standard input
 * @param see called with each row, with some of them twice
 * @throws `file_unreadable`, `file_empty`, `file_format`; the code of the first line at fault
 */
export async function openEvidenceFile<T>(
  path: string,
  kind: EvidenceRows<T>,
  host: AuditHost,
  see: (row: T) => void,
): Promise<EvidenceFile<T>> {
  const { interrupted } = host.context;
  const opened = await openSource(path, host.context);
  const source = opened.repeatable ? opened : await copyToFile(opened, interrupted);
  try {
    const rows = await check(source, kind, host, see);
    if (rows === 0 && !kind.mayBeEmpty) {
      throw new BankctlError('file_empty', `${source.name} has a header, but no rows.`);
    }
  } catch (error) {
    await source.close();
    throw error;
  }
  return {
    name: source.name,
    rows: () => rowsOf(source, kind, interrupted),
    close: source.close,
  };
}

/** @returns the number of rows */
async function check<T>(
  source: Source,
  kind: EvidenceRows<T>,
  host: AuditHost,
  see: (row: T) => void,
): Promise<number> {
  const { shape, read, idOf, repeated, config } = kind;
  const { progress, talk, context } = host;
  const words: FaultWords = {
    correct: 'Correct the file, and run the audit again.',
    repeated,
    cut: 'Fetch the file again if it is cut off; if it is whole, end its last line with a newline.',
  };
  const readRow = (row: Row) => {
    const item = read(row);
    see(item);
    return { id: idOf(item) };
  };
  const rules = { shape, check: readRow, config, words };
  const file = await checkFile(source, { lastLineComplete: false }, rules, {
    interrupted: context.interrupted,
    checked: (rows) => progress(`Checking ${source.name}: ${count(rows, 'row')}`),
    faulty: (problems) => {
      progress(undefined);
      // A single problem is the message of the error that follows.
      if (problems.length < 2) return;
      for (const { line, message, hint } of problems) {
        const cure = hint === undefined ? '' : ` ${hint}`;
        talk('faulty_line', `${asSentence(`Line ${line} ${message}`)}${cure}`);
      }
    },
    results: undefined,
  });
  return file.rows;
}

async function* rowsOf<T>(
  source: Source,
  { shape, read }: EvidenceRows<T>,
  interrupted: AbortSignal,
): AsyncIterable<readonly T[]> {
  for await (const { rows } of readRows(source, {}, shape)) {
    if (interrupted.aborted) throw new BankctlError('interrupted', 'Interrupted.');
    yield rows.map((row) => {
      if (!(row instanceof LineProblem)) return read(row);
      throw new BankctlError('file_unreadable', `${source.name} changed while it was read.`);
    });
  }
}
