import type { Bank } from '../bank/bank.ts';
import type { BatchFile, BatchFiles } from '../bank/batch-files.ts';
import { within } from '../bank/deadline.ts';
import { BankctlError } from '../core/errors.ts';
import { quote, shellWord } from '../core/text.ts';
import { formatTime } from '../core/time.ts';

/** How rows are given. */
export interface GivenRows extends BatchFile {
  readonly dryRun: boolean;
  /** The rows are meant a second time, whatever name they had. */
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
  return within(bank.timeoutMs, async () => {
    await bank.identity.checkClaim();
    const first = given.dryRun
      ? await batchFiles.find(given.digest)
      : await batchFiles.record(given, await bank.serverTime());
    if (first && !first.batches.includes(given.batch)) {
      if (!given.again) throw repeated(first, file, given, bank.config.timezone);
      if (!given.dryRun) await batchFiles.addName(given);
    }
    return (await batchFiles.hasOthers(given)) ? batchFiles.countApplied(given.batch) : 0;
  });
}

type Recorded = Awaited<ReturnType<BatchFiles['record']>>;

function repeated(
  { batches, by, at }: Recorded,
  file: string,
  { batch }: BatchFile,
  zone: string,
): BankctlError {
  const [name = ''] = batches;
  return new BankctlError(
    'file_repeated',
    `The rows of ${file} were given before, with --batch ${quote(name)}, by ${by} at ` +
      `${formatTime(at, zone)}; what was applied of them would be applied a second time with ` +
      `--batch ${quote(batch)}.`,
    `Give --batch ${shellWord(name)} to make sure that all of them are applied, ` +
      'or --again if they are meant a second time.',
  );
}
