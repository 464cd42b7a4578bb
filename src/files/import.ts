import { hash } from 'node:crypto';
import type { Bank } from '../bank/bank.ts';
import type { Reading } from '../bank/book.ts';
import { runWithin } from '../bank/deadline.ts';
import type { Outcome } from '../bank/judge.ts';
import { referenceKey } from '../bank/operations/names.ts';
import type { Operation } from '../bank/operations/operation.ts';
import { isSameProfile, labelsText, noProfile, type Profile } from '../bank/operations/profile.ts';
import { OutcomeUnknown } from '../bank/outcome-unknown.ts';
import { maxOperations, type PostOptions, post } from '../bank/post.ts';
import { createMemory } from '../bank/post-memory.ts';
import { readBook } from '../bank/reading.ts';
import { createRehearsal, overlay } from '../bank/rehearsal.ts';
import { findBranch } from '../config/branch-lookup.ts';
import { BankctlError } from '../core/errors.ts';
import { formatAmount } from '../core/money.ts';
import { count, quote } from '../core/text.ts';
import { type AccountRow, accountShape, type Target, toAccount } from './account-rows.ts';
import type { CheckedFile, RowRules } from './file-check.ts';
import {
  type FileHost,
  type FileOptions,
  type Interruption,
  maxBatchCharacters,
  type RowWork,
  runFile,
  type Tally,
  withFiles,
} from './file-run.ts';
import type { Row } from './rows.ts';
import { openSource } from './source.ts';
import { createTotals, type Money } from './totals.ts';

/** What became of a row. */
interface ImportedRow {
  readonly line: number;
  readonly outcome: 'created' | 'duplicate' | 'conflict' | 'rejected';
  /** Why the account is not as the row has it. */
  readonly reason?: string;
}

/** What became of a file. */
export interface ImportResult {
  /**
   * Numbers of rows, named as in the JSON result: `read` is the sum of the others. A conflict is
   * left as it is; what is rejected is not an account that can be opened.
   */
  readonly counts: Readonly<Record<'read' | ImportedRow['outcome'], number>>;
  readonly interrupted: Interruption | undefined;
  /** Of the balances of all rows, and of the conflicts and the rejected, by currency. */
  readonly totals: readonly Money[];
  readonly refusedTotals: readonly Money[];
}

/** What importing a file needs from its caller. */
interface ImportHost extends FileHost {
  /** Called with each batch of rows, in order. */
  readonly imported: (rows: readonly ImportedRow[]) => void;
}

/**
 * Opens the accounts of a file, with their balances and statuses, by ordinary operations. Each row
 * is accounted for. When repeated, it reports what it did before as duplicates, and completes what
 * was interrupted.
 *
 * @returns what became of the rows, even if it was interrupted after the first of them
 * @throws `file_unreadable`, `file_empty`, `file_format`, `invalid_row`, `line_cut`, with nothing
 *   imported; whatever ends it later, with how much is done
 */
export function importFile(
  target: Target,
  options: FileOptions,
  host: ImportHost,
): Promise<ImportResult> {
  const open = () => openSource(options.file, host.context);
  return withFiles(options, host, open, async (files) => {
    const work = new ImportWork(files.bank, target, options, host);
    const interrupted = await runFile(files, options, host, work);
    return { counts: work.counts, interrupted, ...work.totals() };
  });
}

/** An account as a row wants it, and the operations that make it. */
interface Wanted {
  readonly row: AccountRow;
  readonly opening: Operation;
  readonly status: Operation | undefined;
}

type Readings = ReadonlyMap<string, Reading>;

class ImportWork implements RowWork<AccountRow> {
  readonly counts = { read: 0, created: 0, duplicate: 0, conflict: 0, rejected: 0 };
  readonly rules: RowRules;
  /** A row may need two operations, opening and freezing. */
  readonly bounds = { rows: Math.floor(maxOperations / 2), characters: maxBatchCharacters };
  readonly #bank: Bank;
  readonly #target: Target;
  readonly #host: ImportHost;
  readonly #options: PostOptions;
  /** Of the batch that is being posted: ids of operations that this import applied. */
  #applied = new Set<string>();
  /** Of that batch: ids of operations whose commit was sent and not answered. */
  #sent = new Set<string>();
  /** Of that batch, once it is posted. */
  #imported: readonly ImportedRow[] | undefined;
  #unknown = 0;
  /** Rows whose account was opened, and may not be frozen or closed yet. */
  #unfinished = 0;
  #totals = createTotals();
  readonly #refusedTotals = createTotals();

  constructor(bank: Bank, target: Target, { dryRun }: FileOptions, host: ImportHost) {
    this.#bank = bank;
    this.#target = target;
    this.#host = host;
    const rehearsal = dryRun ? { rehearsal: createRehearsal() } : {};
    this.#options = { by: host.context.author, memory: createMemory(), dryRun, ...rehearsal };
    const check = (row: Row) => ({ id: '', amount: this.#amountOf(toAccount(row, target)) });
    this.rules = { shape: accountShape, config: target.config, branch: target.branch, check };
  }

  #amountOf({ branch, balanceMinor: minor }: AccountRow): Money {
    return { currency: findBranch(this.#target.config, branch).currency, minor };
  }

  close(): void {
    this.#options.rehearsal?.close();
  }

  async begin({ totals }: CheckedFile): Promise<void> {
    this.#totals = totals;
  }

  totals(): Pick<ImportResult, 'totals' | 'refusedTotals'> {
    return { totals: this.#totals.sums(), refusedTotals: this.#refusedTotals.sums() };
  }

  read(row: Row): AccountRow {
    return toAccount(row, this.#target);
  }

  /** Opens the accounts of some rows, then freezes or closes those that it opened. */
  async post(rows: readonly AccountRow[], isRetry: boolean, meanwhile: () => void): Promise<void> {
    meanwhile();
    if (!isRetry) {
      [this.#applied, this.#sent] = [new Set(), new Set()];
      this.#imported = undefined;
    }
    const first = firstOfEach(rows);
    const judged = await this.#judge([...first.values()]);
    this.#imported = rows.map((row) => {
      const before = first.get(referenceKey(row))?.row ?? row;
      const outcome = judged.get(before) ?? rejectedRow(row, 'it was not judged');
      return before === row ? outcome : repeatedRow(row, before, outcome);
    });
  }

  count(rows: readonly AccountRow[]): void {
    if (!this.#imported) {
      this.#imported = this.#openedRows(rows);
      this.#unknown = this.#sent.size;
      this.#unfinished = this.#imported.filter(({ reason }) => reason !== undefined).length;
    }
    for (const [index, { outcome }] of this.#imported.entries()) {
      this.counts.read += 1;
      this.counts[outcome] += 1;
      const row = rows[index];
      const isRefused = outcome === 'conflict' || outcome === 'rejected';
      if (row && isRefused) this.#refusedTotals.add(this.#amountOf(row));
    }
    this.#host.imported(this.#imported);
  }

  results(rows: readonly AccountRow[]): readonly object[] {
    const byLine = new Map(rows.map((row) => [row.line, row]));
    return (this.#imported ?? []).map(({ line, ...imported }) => {
      const row = byLine.get(line);
      return { line, branch: row?.branch, account: row?.account, ...imported };
    });
  }

  tally(): Tally {
    const [unfinished, unknown] = [this.#unfinished, this.#unknown];
    return { done: this.counts.read, unfinished, unknown, certainty: this.#certainty() };
  }

  #certainty(): string {
    const { read, created } = this.counts;
    if (this.#options.dryRun) return 'It was a dry run: nothing was written.';
    if (read === 0 && this.#unknown === 0) return 'Nothing was imported by this run.';
    const left = this.#unfinished;
    const but = left === 0 ? '' : `, ${left} of which may not be frozen or closed yet`;
    const rows = `${count(read - left, 'row')} ${read - left === 1 ? 'is' : 'are'} certainly done`;
    const accounts = `${count(created, 'account')} ${created === 1 ? 'was' : 'were'} created`;
    const done = `${rows}: ${accounts}${but}`;
    return this.#unknown === 0
      ? `${done}.`
      : `${done}; ${count(this.#unknown, 'more operation')} may or may not be applied.`;
  }

  /** What is certain about the rows of a batch that was not finished: those that were opened. */
  #openedRows(rows: readonly AccountRow[]): readonly ImportedRow[] {
    return [...firstOfEach(rows).values()]
      .filter(({ opening }) => this.#applied.has(opening.id))
      .map(({ row: { line, status: wanted }, status }) => {
        if (!status || this.#applied.has(status.id)) return { line, outcome: 'created' };
        const reason = `it is open, and may not be ${wanted} yet: run the import again`;
        return { line, outcome: 'created', reason };
      });
  }

  /** Each item wants a different account. */
  async #judge(wanted: readonly Wanted[]): Promise<ReadonlyMap<AccountRow, ImportedRow>> {
    const found = await this.#readings(wanted);
    const opened = await this.#postAll(
      wanted
        .filter(
          (want) =>
            this.#applied.has(want.opening.id) ||
            this.#sent.has(want.opening.id) ||
            readingOf(want, found) === 'missing' ||
            isUnfinished(want, found),
        )
        .map(({ opening }) => opening),
    );
    const isMine = ({ opening }: Wanted) => this.#applied.has(opening.id);
    const now = await this.#readings(wanted.filter((want) => !isMine(want)));
    const changed = await this.#postAll(
      wanted.flatMap((want) => {
        // Or an earlier run of the same import opened it, and ended before it was done.
        const opening = opened.get(want.opening.id);
        const isEarlier = opening?.applied === true && isUnfinished(want, now);
        return want.status && (isMine(want) || isEarlier) ? [want.status] : [];
      }),
    );
    return new Map(
      wanted.map((want): [AccountRow, ImportedRow] => {
        const change = want.status && changed.get(want.status.id);
        const outcome = isMine(want) ? 'created' : change?.applied ? 'duplicate' : undefined;
        const imported = outcome
          ? changedRow(want.row, outcome, change)
          : this.#compare(want.row, readingOf(want, now), opened.get(want.opening.id));
        return [want.row, imported];
      }),
    );
  }

  async #readings(wanted: readonly Wanted[]): Promise<Readings> {
    if (wanted.length === 0) return new Map();
    const openings = wanted.map(({ opening }) => opening);
    const what = { ids: 'none', versions: false } as const;
    const book = await runWithin(this.#bank.timeoutMs, () =>
      this.#bank.inSession((session) => readBook(this.#bank, openings, session, what)),
    );
    if (this.#options.rehearsal) overlay(book, openings, this.#options.rehearsal);
    return book.accounts;
  }

  /** @returns outcomes by operation id */
  async #postAll(operations: readonly Operation[]): Promise<ReadonlyMap<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    if (operations.length === 0) return outcomes;
    const onSettled = (some: readonly Outcome[]) => {
      for (const outcome of some) {
        const { id } = outcome.operation;
        outcomes.set(id, outcome);
        this.#sent.delete(id);
        if (outcome.applied && !outcome.replayed) this.#applied.add(id);
      }
    };
    try {
      await post(this.#bank, operations, { ...this.#options, onSettled });
    } catch (error) {
      if (error instanceof OutcomeUnknown) {
        for (const { id } of error.operations) this.#sent.add(id);
      }
      throw error;
    }
    return outcomes;
  }

  /** A row whose account this import did not make, compared with what is there. */
  #compare(row: AccountRow, reading: Reading, opened: Outcome | undefined): ImportedRow {
    const { line } = row;
    const shown = referenceKey(row);
    if (opened?.applied === false && opened.error.code !== 'account_exists') {
      return rejectedRow(row, opened.error.message.replace(/\.$/, ''));
    }
    if (reading === 'missing') {
      return rejectedRow(row, `${shown} was opened before, and its document is gone`);
    }
    if (reading instanceof BankctlError) {
      return { line, outcome: 'conflict', reason: reading.message.replace(/\.$/, '') };
    }
    const there = { ...reading, ...(reading.profile ?? noProfile) };
    if (isAsked(row, there)) return { line, outcome: 'duplicate' };
    const { currency } = this.#bank.branches.get(row.branch);
    const state = (of: State) =>
      [formatAmount(of.balanceMinor, currency), of.status, ...saidOf(row, of)].join(' and ');
    const [has, wants] = [state(there), state({ ...noProfile, ...row })];
    const reason = `${shown} already exists with ${has}, but the row has ${wants}`;
    return { line, outcome: 'conflict', reason };
  }
}

/** A row may repeat an account of the same batch: it is judged by what the first one asks for. */
function firstOfEach(rows: readonly AccountRow[]): ReadonlyMap<string, Wanted> {
  const first = new Map<string, Wanted>();
  for (const row of rows) {
    if (!first.has(referenceKey(row))) first.set(referenceKey(row), toWanted(row));
  }
  return first;
}

function toWanted(row: AccountRow): Wanted {
  const { line: _line, balanceMinor, status, ...opened } = row;
  const { branch, account, owner, labels } = opened;
  // What a row without them stands for must stay what it always was.
  const more = owner === undefined && labels === undefined ? [] : [owner ?? null, labels ?? []];
  const text = JSON.stringify([branch, account, String(balanceMinor), status, ...more]);
  const id = `import:${hash('sha256', text, 'base64url').slice(0, 22)}`;
  const shared = { branch, account, idGiven: true, memo: undefined };
  const asked = { ...shared, ...opened, amountMinor: balanceMinor };
  const opening: Operation = { ...asked, type: 'open', id };
  if (status === 'open') return { row, opening, status: undefined };
  const type = status === 'frozen' ? 'freeze' : 'close';
  return { row, opening, status: { ...shared, type, id: `${id}:${type}` } };
}

function readingOf({ row }: Wanted, found: Readings): Reading {
  return found.get(referenceKey(row)) ?? 'missing';
}

/** Whether the account is as the opening of its row leaves it, and the row wants more. */
function isUnfinished(want: Wanted, found: Readings): boolean {
  const reading = readingOf(want, found);
  return (
    want.status !== undefined &&
    typeof reading === 'object' &&
    'version' in reading &&
    reading.version === 1n &&
    reading.status === 'open' &&
    reading.balanceMinor === want.row.balanceMinor
  );
}

/** What a row can say of an account. */
type State = Pick<AccountRow, 'balanceMinor' | 'status'> & Profile;

/** Whether an account is as a row has it, which may say nothing of the owner or the labels. */
function isAsked(row: AccountRow, there: State): boolean {
  return (
    there.balanceMinor === row.balanceMinor &&
    there.status === row.status &&
    isSameProfile(there, { ...there, ...row })
  );
}

/** Of the owner and the labels of an account only what a row says something about. */
function saidOf(row: AccountRow, { owner, labels }: Profile): readonly string[] {
  return [
    ...(row.owner === undefined ? [] : [owner === null ? 'no owner' : `the owner ${quote(owner)}`]),
    ...(row.labels === undefined ? [] : [`the labels ${quote(labelsText(labels))}`]),
  ];
}

function repeatedRow(row: AccountRow, before: AccountRow, judged: ImportedRow): ImportedRow {
  const { line } = row;
  if (judged.outcome === 'rejected' || judged.outcome === 'conflict') return { ...judged, line };
  if (isAsked(row, { ...noProfile, ...before })) return { line, outcome: 'duplicate' };
  const reason = `line ${before.line} has something else for ${referenceKey(row)}`;
  return { line, outcome: 'conflict', reason };
}

function changedRow(
  { line, status }: AccountRow,
  outcome: 'created' | 'duplicate',
  change: Outcome | undefined,
): ImportedRow {
  if (!change || change.applied) return { line, outcome };
  const reason = `it was opened, but it is not ${status}: ${change.error.message}`;
  return { line, outcome, reason };
}

function rejectedRow({ line }: AccountRow, reason: string): ImportedRow {
  return { line, outcome: 'rejected', reason };
}
