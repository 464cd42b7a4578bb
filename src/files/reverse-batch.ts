import { type BatchOperation, batchOperations } from '../bank/batch-operations.ts';
import { runWithin } from '../bank/deadline.ts';
import { journalOf } from '../bank/history.ts';
import { currencyDigits } from '../config/currencies.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount, parseAmount } from '../core/money.ts';
import { jsonText } from '../core/text.ts';
import { type ApplyHost, type ApplyResult, applyRows, type OperationRows } from './apply.ts';
import type { Row, RowShape } from './rows.ts';
import { copyToFile, type Source } from './source.ts';
import type { Money } from './totals.ts';

/** Which file is undone, and how. */
export interface ReverseBatchOptions {
  /** The name that it was applied under. */
  readonly batch: string;
  readonly memo: string | undefined;
  readonly results: string | undefined;
  readonly dryRun: boolean;
}

/** What became of the operations of a file. */
export interface ReverseBatchResult
  extends Pick<ApplyResult, 'interrupted' | 'totals' | 'refusedTotals'> {
  /** Numbers of operations, and of committed transactions, named as in the JSON result. */
  readonly counts: Readonly<Record<'reversed' | 'reversed_before' | 'refused' | 'batches', number>>;
  /** Rows with ids of their own, at least: they are not among the operations. */
  readonly ownIds: number;
}

/** A row of the list of what is to be reversed. */
const shape: RowShape = Object.freeze({
  noun: 'an operation to reverse',
  columns: ['reverses', 'amount', 'currency'],
  flags: [],
  names: [],
  needed: () => ['reverses'],
});

/**
 * Reverses the applied operations of a file, newest first, each by an operation of its own, whose
 * id derives from that of the operation: repeated after an interruption, it goes on with what is
 * not reversed yet. What is to be reversed is first listed in a temporary file, so that neither
 * memory grows nor a long run reads an old snapshot.
 *
 * @returns what became of them, even if it was interrupted after the first
 * @throws `operation_not_found` if nothing was applied under that name; `journal_disabled`;
 *   whatever ends it later, with how many are certainly done
 */
export async function reverseBatch(
  options: ReverseBatchOptions,
  host: ApplyHost,
): Promise<ReverseBatchResult> {
  const { interrupted } = host.context;
  const { bank, source, before, rows, ownIds } = await list(options, host).catch(
    (error: unknown) => {
      if (!interrupted.aborted) throw error;
      const message = 'Interrupted. Nothing was reversed by this run.';
      throw new BankctlError('interrupted', message, host.rerunHint('all'), { cause: error });
    },
  );
  if (rows === 0) {
    await source.close();
    const counts = { reversed: 0, reversed_before: before, refused: 0, batches: 0 };
    return { counts, ownIds, totals: [], refusedTotals: [], interrupted: undefined };
  }
  const posting = {
    ...({
      format: 'ndjson',
      lastLineComplete: true,
      onRefusal: 'continue',
      atomic: false,
    } as const),
    // What is judged anew each time need not be asked for by another option.
    ...{ retryRefused: true, results: options.results, dryRun: options.dryRun },
  };
  const reversals = reversalRows(bank.config, options.memo);
  const result = await applyRows(reversals, posting, host, () => Promise.resolve(source));
  const { applied, replayed, refused, batches } = result.counts;
  const counts = { reversed: applied, reversed_before: before + replayed, refused, batches };
  const { refusedTotals, replayedTotals } = result;
  const totals = without(result.totals, replayedTotals);
  return { counts, ownIds, totals, refusedTotals, interrupted: result.interrupted };
}

/** Leaves out what another run reversed after the list was made. */
function without(totals: readonly Money[], replayed: readonly Money[]): readonly Money[] {
  return totals.map(({ currency, minor }) => {
    const other = replayed.find((it) => it.currency.code === currency.code);
    return { currency, minor: minor - (other?.minor ?? 0n) };
  });
}

/** What is to be reversed, in a temporary file. */
async function list({ batch }: ReverseBatchOptions, host: ApplyHost) {
  const bank = await host.openBank();
  journalOf(bank);
  const ownIds =
    (await runWithin(bank.timeoutMs, async () => {
      return bank.batchFiles?.maxOwnIds(batch);
    })) ?? 0;
  let before = 0;
  let rows = 0;
  const lines = async function* () {
    for await (const operations of batchOperations(bank, batch)) {
      const left = operations.filter(({ isReversed }) => !isReversed);
      before += operations.length - left.length;
      rows += left.length;
      host.progress({ rows, totalRows: undefined });
      yield Buffer.from(left.map((it) => `${jsonText(toLine(it))}\n`).join(''));
    }
  };
  const source = await copyToFile(listSource(batch, lines), host.context.interrupted);
  return { bank, source, before, rows, ownIds };
}

function toLine({ id, amount }: BatchOperation): object {
  if (!amount) return { reverses: id };
  const { currency, minor } = amount;
  return { reverses: id, amount: formatAmount(minor, currency), currency: currency.code };
}

/** Can be read only once. */
function listSource(batch: string, chunks: Source['chunks']): Source {
  return {
    ...{ name: `--batch ${batch}`, repeatable: false, identity: undefined, chunks },
    size: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}

function reversalRows(config: OperationRows['config'], memo: string | undefined): OperationRows {
  return {
    config,
    shape,
    read: ({ fields: { reverses = '' } }) => {
      return { type: 'reverse', reverses, id: `${reverses}:reversed`, idGiven: true, memo };
    },
    amountOf: ({ fields: { amount, currency: code } }: Row) => {
      if (amount === undefined || code === undefined) return undefined;
      const currency = { code, digits: currencyDigits(code) ?? 0 };
      return { currency, minor: parseAmount(amount, currency) };
    },
    withoutId: () => undefined,
    identify: (operation) => operation,
    begin: () => Promise.resolve(0),
  };
}
