import type { Bank } from '../bank/bank.ts';
import type { BatchFile, BatchFiles } from '../bank/batch-files.ts';
import { runWithin } from '../bank/deadline.ts';
import { type Operation, requestOf } from '../bank/operations/operation.ts';
import { hash32 } from '../core/digest-table.ts';
import { BankctlError } from '../core/errors.ts';
import { count, quote, shellWord } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import {
  findRedressed,
  type NumberedOperation,
  type PossibleIds,
  type RepeatedRows,
} from './repeated-rows.ts';

/** What rows ask for, summed up one by one in constant memory. */
interface RequestSum {
  readonly add: (operation: Operation) => void;
  /**
   * The same for the same requests, whatever their order and however they were written, so that
   * rows sorted or saved by another program are recognized; undefined for no rows.
   */
  readonly digest: () => string | undefined;
}

/** One for each number that is summed: 128 bits in total. */
const seeds = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

/** Makes an empty sum. In a sum, unlike an exclusive or, two equal rows do not cancel out. */
export function createRequestSum(): RequestSum {
  const sums = new Uint32Array(seeds.length);
  let rows = 0;
  return Object.freeze({
    add: (operation: Operation) => {
      const text = Object.values(requestOf(operation)).join('\n');
      for (const [index, seed] of seeds.entries()) {
        sums[index] = (sums[index] ?? 0) + hash32(text, seed);
      }
      rows += 1;
    },
    digest: () => {
      const hexadecimal = (bits: number) => bits.toString(16).padStart(8, '0');
      return rows === 0 ? undefined : [rows, ...sums].map(hexadecimal).join('');
    },
  });
}

/** How rows are given. */
interface GivenRows extends BatchFile {
  readonly dryRun: boolean;
  readonly possibleIds: PossibleIds;
  /** Reads the rows without ids once more, with the ids that they would have. */
  readonly read: () => AsyncIterable<NumberedOperation>;
  /** The rows are meant to be applied a second time, whatever name they had. */
  readonly again: boolean;
}

/**
 * Makes sure that the rows of a file without ids were not given under another `--batch` name, nor
 * applied from another reading of the same file, and records that they are given under this name.
 *
 * @returns how many rows were applied under that name before, if other rows were given under it
 * @throws `file_repeated`; `config_mismatch`, with nothing recorded
 */
export async function recordBatch(bank: Bank, given: GivenRows, file: string): Promise<number> {
  const { batchFiles } = bank;
  if (!batchFiles) return 0;
  const isNamed = await runWithin(bank.timeoutMs, async () => {
    await bank.identity.checkClaim();
    if (given.again || (await batchFiles.find(given.digest))) return undefined;
    return batchFiles.hasOthers(given);
  });
  if (isNamed !== undefined) await checkReading(bank, given, file, isNamed);
  return runWithin(bank.timeoutMs, async () => {
    const first = given.dryRun
      ? await batchFiles.find(given.digest)
      : await batchFiles.record(given, await bank.serverTime());
    if (first && !first.batches.includes(given.batch)) {
      if (!given.again) {
        const undone = await countUndone(batchFiles, first.batches);
        throw repeatedError(first, file, given, bank.config.timezone, undone);
      }
      if (!given.dryRun) await batchFiles.addName(given);
    }
    return (await batchFiles.hasOthers(given)) ? batchFiles.countApplied(given.batch) : 0;
  });
}

/**
 * What is read from which column of a file is said anew each time, and the ids of its rows derive
 * from all that was read.
 *
 * @param isNamed other rows were given under the same name
 * @throws `file_repeated` if operations that stand moved the money that the rows would move
 */
async function checkReading(
  bank: Bank,
  { batch, possibleIds, read }: GivenRows,
  file: string,
  isNamed: boolean,
): Promise<void> {
  const own = await possibleIds.find(bank);
  if (own) {
    throw new BankctlError(
      'file_repeated',
      `Line ${own.line} of ${file} has the id of the operation ${quote(own.operation)}, which ` +
        'moved the same money, in a column that is not read as its id: it would be moved again.',
      'Leave that column its ids, with --columns id=NAME if it has another name; ' +
        'or add --again to apply the rows once more.',
    );
  }
  const other = isNamed ? await findRedressed(bank, batch, read) : undefined;
  if (other) throw redressedError(other, file, batch);
}

function redressedError({ rows, line, operation }: RepeatedRows, file: string, batch: string) {
  const [verb, their] = rows === 1 ? ['differs', 'its'] : ['differ', 'their'];
  return new BankctlError(
    'file_repeated',
    `${count(rows, 'row')} of ${file} ${verb} only in ${their} memo or type from what was ` +
      `applied before with --batch ${quote(batch)} and is not in the file any more ` +
      `(line ${line}: operation ${quote(operation)}): ${their} money would be moved a second time.`,
    'Read the file with the same --columns, --drop and --type as before; ' +
      'or add --again to apply the rows besides what they applied then.',
  );
}

/** How many operations of some names were reversed, of how many that were applied. */
async function countUndone(batchFiles: BatchFiles, batches: readonly string[]) {
  const undone = { applied: 0, reversed: 0 };
  for (const batch of batches) {
    undone.applied += await batchFiles.countApplied(batch);
    undone.reversed += await batchFiles.countReversed(batch);
  }
  return undone;
}

function repeatedError(
  { batches, by, at }: Awaited<ReturnType<BatchFiles['record']>>,
  file: string,
  { batch }: BatchFile,
  zone: string,
  { applied, reversed }: Awaited<ReturnType<typeof countUndone>>,
): BankctlError {
  const [name = ''] = batches;
  const given =
    `The rows of ${file} were given before, with --batch ${quote(name)}, by ${by} at ` +
    `${formatTime(at, zone)}`;
  if (reversed > 0 && reversed === applied) {
    return new BankctlError(
      'file_repeated',
      `${given}, and all that was applied was reversed since.`,
      `Add --again to apply them with --batch ${shellWord(batch)}.`,
    );
  }
  return new BankctlError(
    'file_repeated',
    `${given}; those already applied would be applied a second time with --batch ${quote(batch)}.`,
    reversed > 0
      ? `--batch ${shellWord(name)} applies what is missing, but not again what was reversed ` +
          `(${reversed} of ${applied}); --again applies all rows, even those that stand.`
      : `Use --batch ${shellWord(name)} to make sure that all of them are applied, ` +
          'or --again to apply them a second time.',
  );
}
