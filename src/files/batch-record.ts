import type { Hash } from 'node:crypto';
import type { Bank } from '../bank/bank.ts';
import type { BatchFile, BatchFiles } from '../bank/batch-files.ts';
import { runWithin } from '../bank/deadline.ts';
import { kindNamed, type Operation, requestOf } from '../bank/operations/operation.ts';
import { hash32 } from '../core/digest-table.ts';
import { BankctlError } from '../core/errors.ts';
import { count, quote, shellWord } from '../core/text.ts';
import { formatTime } from '../core/time.ts';
import {
  findLeft,
  type LeftOperations,
  type NumberedOperation,
  type PossibleIds,
  type RepeatedRows,
} from './repeated-rows.ts';
import { formatMoney, type Totals } from './totals.ts';

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
      for (let index = 0; index < seeds.length; index += 1) {
        sums[index] = (sums[index] ?? 0) + hash32(text, seeds[index] ?? 0);
      }
      rows += 1;
    },
    digest: () => {
      const hexadecimal = (bits: number) => bits.toString(16).padStart(8, '0');
      return rows === 0 ? undefined : [rows, ...sums].map(hexadecimal).join('');
    },
  });
}

/**
 * The same file, read otherwise, has other rows but the same bytes; it is another use of them if
 * they add up to something else, as two columns of amounts do.
 *
 * @param bytes SHA-256 of the bytes of the file, which takes no more after this
 */
export function digestOfFile(bytes: Hash, totals: Totals): string {
  return bytes.update(totals.sums().map(formatMoney).join()).digest('hex');
}

/** How rows are given. */
interface GivenRows extends Omit<BatchFile, 'digest'> {
  /** Undefined if all rows have ids of their own. */
  readonly digest: string | undefined;
  readonly dryRun: boolean;
  readonly possibleIds: PossibleIds;
  /** Reads the rows once more, with the ids that they have or would be given. */
  readonly read: () => AsyncIterable<NumberedOperation>;
  /** The rows are meant to be applied a second time, or besides others of that name. */
  readonly again: boolean;
}

/**
 * Makes sure that no row of a file would move again what it moved under another `--batch` name,
 * from another reading, or before it was edited, and records that the rows without ids are given
 * under this name.
 *
 * @returns how many operations of that name stand that are in no row of the file, if it is applied
 *   again
 * @throws `file_repeated`; `config_mismatch`, with nothing recorded
 */
export async function recordBatch(bank: Bank, given: GivenRows, file: string): Promise<number> {
  const { batchFiles } = bank;
  if (!batchFiles) return 0;
  const { digest, batch, again, dryRun } = given;
  const checkName = async (first: Awaited<ReturnType<BatchFiles['find']>>) => {
    if (again || !first || first.batches.includes(batch)) return;
    const undone = await countUndone(batchFiles, first.batches);
    throw repeatedError(first, file, batch, bank.config.timezone, undone);
  };
  await runWithin(bank.timeoutMs, async () => {
    await bank.identity.checkClaim();
    const first = digest === undefined ? undefined : await batchFiles.find(digest);
    await checkName(first ?? (await batchFiles.findContent(given.content, batch)));
    if (!first && !again) await checkIds(bank, given.possibleIds, file);
  });
  const left = await findLeft(bank, batch, given.read);
  if (left && !again) {
    const redressed = await left.redressed();
    throw redressed ? redressedError(redressed, file, batch) : leftError(bank, left, file, batch);
  }
  if (digest !== undefined && !dryRun) {
    await runWithin(bank.timeoutMs, async () => {
      const first = await batchFiles.record({ ...given, digest }, await bank.serverTime());
      await checkName(first);
      if (!first.batches.includes(batch)) await batchFiles.addName({ ...given, digest });
    });
  }
  return left?.operations ?? 0;
}

/**
 * What is read from which column of a file is said anew each time.
 *
 * @throws `file_repeated` if the rows have ids of operations that moved the same money
 */
async function checkIds(bank: Bank, possibleIds: PossibleIds, file: string): Promise<void> {
  const own = await possibleIds.find(bank);
  if (!own) return;
  throw new BankctlError(
    'file_repeated',
    `Line ${own.line} of ${file} has the id of the operation ${quote(own.operation)}, which ` +
      'moved the same money, in a column that is not read as its id: it would be moved again.',
    'Leave that column its ids, with --columns id=NAME if it has another name; ' +
      'or add --again to apply the rows once more.',
  );
}

/** The operations may be rows that were edited or removed, or those of another file. */
function leftError(
  { branches }: Bank,
  { operations, first }: LeftOperations,
  file: string,
  batch: string,
): BankctlError {
  const { id, type, postings } = first;
  const moved = postings.map(({ branch, account, amountMinor: minor }) => {
    const money = { currency: branches.currencyOf(branch), minor };
    return `${formatMoney(money)} on ${branch}:${account}`;
  });
  const [were, stand, of] = operations === 1 ? ['was', 'stands', ''] : ['were', 'stand', 'first, '];
  const undo = kindNamed(type)?.isReversible
    ? `type bankctl reverse ${shellWord(id)} and apply the file again`
    : 'put it back as it was';
  return new BankctlError(
    'file_repeated',
    `${count(operations, 'operation')} that ${were} applied with --batch ${quote(batch)} and ` +
      `still ${stand} ${operations === 1 ? 'is' : 'are'} in no row of ${file} any more: ${of}` +
      `${quote(id)}, ${moved.join(', ')}. A corrected row would pay a second time.`,
    `If that row was corrected or removed, ${undo}. If it is another file, give it a --batch ` +
      'name of its own. --again applies its rows in addition to what stands.',
    { operationIds: [id] },
  );
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
  batch: string,
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
