import type { HistoryRow } from '../bank/history.ts';
import { type Currency, formatAmount } from '../core/money.ts';
import type { Part, StreamResult } from '../render/result.ts';
import { type ColumnOf, gridView, type Row, rowsOf } from '../render/view.ts';

/** How a statement is shown. */
interface StatementOptions {
  readonly currency: Currency;
  readonly columns: readonly ColumnOf<HistoryRow>[];
  /**
   * The balance of an account that has no posting in the range of the statement; undefined if it
   * had none before either.
   */
  readonly balanceBefore: () => Promise<string | undefined>;
}

/**
 * The postings of an account as people read them: between what was brought forward and what is
 * carried forward, so that it adds up. Where another program changed the balance between two
 * postings, a line of its own says by how much.
 *
 * @param batches postings by ascending version
 */
export function statement(
  batches: AsyncIterable<readonly HistoryRow[]>,
  options: StatementOptions,
): StreamResult {
  return { kind: 'stream', parts: statementParts(batches, options) };
}

async function* statementParts(
  batches: AsyncIterable<readonly HistoryRow[]>,
  { currency, columns, balanceBefore }: StatementOptions,
): AsyncIterable<Part> {
  const shown = (minor: bigint) => formatAmount(minor, currency);
  /** A line that is no posting: its name is in the place of a type. */
  const line = (
    type: string,
    cells: { readonly amount?: string; readonly balance?: string },
  ): Row => columns.map(({ name }) => (name === 'type' ? type : (Object(cells)[name] ?? '')));
  let balance: bigint | undefined;
  let [moneyIn, moneyOut] = [0n, 0n];
  const add = (amount: bigint) => {
    if (amount > 0n) moneyIn += amount;
    else moneyOut -= amount;
  };
  const rowsBefore = (row: HistoryRow): readonly Row[] => {
    const before = minorOf(row.balance) - minorOf(row.amount);
    if (balance === undefined) return [line('brought forward', { balance: shown(before) })];
    const past = before - balance;
    if (past === 0n) return [];
    add(past);
    const name = row.type === 'adopt' ? 'journalled below' : 'past bankctl';
    return [line(name, { amount: shown(past), balance: shown(before) })];
  };
  const take = (row: HistoryRow): readonly Row[] => {
    const rows = [...rowsBefore(row), ...rowsOf([row], columns)];
    add(minorOf(row.amount));
    balance = minorOf(row.balance);
    return rows;
  };
  let waiting: Part | undefined;
  for await (const items of batches) {
    if (items.length === 0) continue;
    if (waiting) yield waiting;
    waiting = { items, view: { ...gridView([], columns), rows: items.flatMap(take) } };
  }
  // Before its first posting an account has nothing.
  balance ??= minorOf((await balanceBefore()) ?? '0');
  const brought = [line('brought forward', { balance: shown(balance) })];
  const last = waiting ?? { items: [], view: { ...gridView([], columns), rows: brought } };
  const footer = [
    line('money in', { amount: shown(moneyIn) }),
    line('money out', { amount: shown(-moneyOut) }),
    line('carried forward', { balance: shown(balance) }),
  ];
  yield { ...last, view: { ...last.view, footer } };
}

/** Minor units of an amount that was formatted with its currency's decimals. */
function minorOf(amount: string): bigint {
  return BigInt(amount.replace('.', ''));
}
