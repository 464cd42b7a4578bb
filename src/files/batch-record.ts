import type { Bank } from '../bank/bank.ts';
import type { BatchFile, BatchFiles } from '../bank/batch-files.ts';
import { runWithin } from '../bank/deadline.ts';
import { type Operation, requestOf } from '../bank/operations/operation.ts';
import { hash32 } from '../core/digest-table.ts';
import { BankctlError } from '../core/errors.ts';
import { quote, shellWord } from '../core/text.ts';
import { formatTime } from '../core/time.ts';

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
  /** The rows are meant to be applied a second time, whatever name they had. */
  readonly again: boolean;
}

/**
 * Makes sure that the rows of a file without ids were not given under another `--batch` name, and
 * records that they are given under this one.
 *
 * @returns how many rows were applied under that name before, if other rows were given under it
 * @throws `file_repeated`; `config_mismatch`, with nothing recorded
 */
export async function recordBatch(bank: Bank, given: GivenRows, file: string): Promise<number> {
  const { batchFiles } = bank;
  if (!batchFiles) return 0;
  return runWithin(bank.timeoutMs, async () => {
    await bank.identity.checkClaim();
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
