import { maxOperations } from '../bank/post.ts';
import { BankctlError } from '../core/errors.ts';
import { ahead } from './ahead.ts';
import { type ApplyOptions, type ApplyResult, ApplyRun, type RunHost } from './apply-run.ts';
import { recordBatch } from './batch-name.ts';
import { type BatchBounds, type Reading, readBatches, withoutId } from './batches.ts';
import { type CheckedFile, type CheckHost, checkFile, type RowRules } from './check-file.ts';
import { operationShape, toOperation } from './operation-rows.ts';
import { createRequestSum, type RequestSum } from './request-sum.ts';
import type { LeftOut } from './rows.ts';
import { spool } from './spool.ts';
import { isWholeField } from './whole-field.ts';

/** What applying takes from its surroundings. */
export interface ApplyHost extends RunHost, Pick<CheckHost, 'faulty'> {
  /** Called with what was left out of a file that was found right. */
  readonly leftOut: (leftOut: LeftOut) => void;
}

/** Longer rows make smaller batches, so that memory does not grow with them. */
const bounds: BatchBounds = { operations: maxOperations, characters: 4 * 1024 * 1024 };

/**
 * The most bytes of a file that are one transaction: more did not fit in the 256 MB cache of the
 * local database, and the server refuses what does not.
 *
 * Source: MongoDB server, error 388, `transactionTooLargeForCacheThreshold`.
 */
const maxAtomicBytes = 8 * 1024 * 1024;

/** All rows are one transaction, however long they are. */
const oneBatch: BatchBounds = { ...bounds, characters: Number.POSITIVE_INFINITY };

/**
 * Applies a file of operations in order, each exactly once, in batches of one transaction each.
 * The file is checked as a whole before anything is posted; what can't be read twice is copied.
 *
 * @returns what became of the rows, also if it was interrupted after the first of them
 * @throws `invalid_row`, `row_without_id`, `row_repeated`, `line_cut`, `file_repeated`,
 *   `too_many_operations`, with nothing posted; whatever ends it later, with how many rows are
 *   certainly applied and how to go on
 */
export async function applyFile(
  reading: Reading,
  options: ApplyOptions,
  host: ApplyHost,
): Promise<ApplyResult> {
  const run = new ApplyRun(options, host);
  const { source } = reading;
  let ready = reading;
  try {
    if (!source.repeatable) ready = { ...reading, source: await spool(source, host.interrupted) };
    const withoutIds = createRequestSum();
    const rules = rulesOf(ready, options, withoutIds);
    const checked = await checkFile(ready.source, ready.format, rules, {
      ...host,
      checked: (rows) => host.progress({ phase: 'checking', rows, totalRows: undefined }),
    });
    if (options.atomic) checkAtomic(source.name, checked);
    host.leftOut(checked.leftOut);
    run.begin(
      checked.rows,
      await rowsBefore(ready, { ...checked, digest: withoutIds.digest() }, options, host),
    );
    const batches = readBatches(ready, options.atomic ? oneBatch : bounds);
    for await (const batch of ahead(batches, host.interrupted)) {
      if (await run.post(batch)) break;
    }
    return run.result();
  } catch (error) {
    return run.ended(error, source.name);
  } finally {
    await ready.source.close();
  }
}

function rulesOf(
  { config, batch }: Reading,
  { lastLineComplete }: ApplyOptions,
  withoutIds: RequestSum,
): RowRules {
  return {
    shape: operationShape,
    check: (row) => {
      const operation = toOperation(row, config);
      if (operation.id !== '') return operation.id;
      if (batch === undefined) throw withoutId(row.line);
      withoutIds.add(operation);
      return '';
    },
    isWhole: ({ fields }, field) => isWholeField(field, fields, config),
    lastLineComplete,
  };
}

/** How many rows were applied before under the name, if other rows were given under it. */
async function rowsBefore(
  { batch, source }: Reading,
  { digest, rows }: CheckedFile & { readonly digest: string | undefined },
  { dryRun, again }: ApplyOptions,
  { bank, by }: ApplyHost,
): Promise<number> {
  if (batch === undefined || digest === undefined) return 0;
  return recordBatch(bank, { batch, digest, rows, by, dryRun, again }, source.name);
}

/** @throws `too_many_operations` if the file is more than one transaction holds */
function checkAtomic(file: string, { rows, bytes }: CheckedFile): void {
  if (rows <= maxOperations && bytes <= maxAtomicBytes) return;
  const [has, most] =
    rows > maxOperations
      ? [`${rows} rows`, `${maxOperations} rows`]
      : [`${bytes} bytes`, `${maxAtomicBytes} bytes`];
  throw new BankctlError(
    'too_many_operations',
    `${file} has ${has}, and --atomic takes at most ${most}: they are one transaction. ` +
      'Nothing was applied by this run.',
  );
}
