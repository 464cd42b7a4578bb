import type { Bank } from '../../bank/bank.ts';
import type { Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import type { Currency } from '../../core/money.ts';
import { count } from '../../core/text.ts';
import { isServerError } from '../../database/driver-errors.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Correction } from '../correction.ts';
import type { Finding } from '../finding.ts';
import type { Observer } from '../observer.ts';
import { type BalanceRow, balanceRows } from './balance-rows.ts';
import { type RowCounts, sumCalls } from './call-sums.ts';
import { type EvidenceFile, openEvidenceFile } from './evidence-file.ts';
import type { IntendedRow } from './intended-row.ts';
import { intendedRows } from './intended-rows.ts';
import { judgeNumbers } from './judgement.ts';
import { type Basis, createSeenNumbers, placeOf, type SeenNumbers } from './seen-numbers.ts';

/** Files that say what was meant; at most one of `intended` and `expected`. */
export interface EvidenceFiles {
  readonly intended: string | undefined;
  /** Only with `intended`. */
  readonly opening: string | undefined;
  readonly expected: string | undefined;
  /** How far the clocks of the application and of the database may differ. */
  readonly clockSkewMs: number;
}

/** What a source of intentions says of the bank. */
interface Conclusion {
  readonly findings: readonly Finding[];
  readonly corrections: readonly Correction[];
  /** Why some account numbers, or all, could not be judged, in sentences. */
  readonly unjudged: readonly string[];
}

/** A source of intentions, which sees what the audit reads and then concludes. */
export interface Evidence {
  readonly observer: Observer;
  /** The rows of the log, if there is one; each call reads it again. */
  readonly calls: (() => AsyncIterable<readonly IntendedRow[]>) | undefined;
  readonly basis: Basis;
  /** The account numbers that the files name, as far as they were seen until now. */
  readonly numbers: SeenNumbers['all'];
  /**
   * Called once, after everything was seen.
   * @param isWhole whether all places and the journal could be read
   * @param contradicted account numbers of which the server's history contradicts the log
   * @throws `intended_sign`
   */
  readonly conclude: (isWhole: boolean, contradicted: ReadonlySet<string>) => Promise<Conclusion>;
  readonly close: () => Promise<void>;
}

/**
 * Reads the files whole, before anything else is done.
 * @returns undefined if there are none
 * @throws the code of the first line at fault; `file_unreadable`, `file_empty`, `file_format`;
 *   `usage` if both files are the standard input
 */
export async function openEvidence(
  files: EvidenceFiles,
  bank: Bank,
  host: AuditHost,
): Promise<Evidence | undefined> {
  const { intended, opening, expected, clockSkewMs } = files;
  if (intended === '-' && opening === '-') {
    throw new BankctlError(
      'usage',
      '--intended - and --opening - cannot both read the standard input.',
      'Give one of them the name of a file.',
    );
  }
  if (intended === undefined && expected === undefined) return undefined;
  const basis: Basis =
    expected === undefined ? (opening === undefined ? 'journal' : 'opening') : 'statement';
  const numbers = createSeenNumbers(
    basis,
    clockSkewMs,
    new Set(bank.config.branches.map(({ name }) => name)),
  );
  const everywhere = await withStrays(bank);
  const opened: EvidenceFile<unknown>[] = [];
  const close = async () => {
    for (const file of opened) await file.close();
  };
  try {
    const balances = expected ?? opening;
    if (balances !== undefined) {
      const kind = balanceRows(everywhere, basis);
      const see = ({ account, branch, balanceMinor, time }: BalanceRow) => {
        const place = placeOf(numbers.watch(account), branch);
        [place.givenMinor, place.givenAt] = [balanceMinor, time];
      };
      opened.push(await openEvidenceFile(balances, kind, host, see));
    }
    const kind = intendedRows(bank.config, basis === 'journal');
    const see = ({ account }: IntendedRow) => void numbers.watch(account);
    const log =
      intended === undefined ? undefined : await openEvidenceFile(intended, kind, host, see);
    if (log) opened.push(log);
    const shared = { bank, host, basis, numbers, currencyOf: currenciesOf(everywhere) };
    return {
      observer: numbers.observer,
      calls: log && (() => callsOf(log, numbers)),
      basis,
      numbers: numbers.all,
      conclude: (isWhole, contradicted) =>
        conclude({ ...shared, isWhole, contradicted, log, skewMs: clockSkewMs }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Concluding {
  readonly bank: Bank;
  readonly host: AuditHost;
  readonly basis: Basis;
  readonly numbers: SeenNumbers;
  readonly currencyOf: (name: string) => Currency | undefined;
  readonly isWhole: boolean;
  readonly contradicted: ReadonlySet<string>;
  readonly log: EvidenceFile<IntendedRow> | undefined;
  readonly skewMs: number;
}

async function conclude(all: Concluding): Promise<Conclusion> {
  const { bank, host, basis, numbers, log, skewMs, isWhole, currencyOf } = all;
  let own = 0;
  const rows = log && callsOf(log, numbers, () => (own += 1));
  const counts = rows && (await sumCalls(rows, numbers, skewMs));
  sayOwn(own, host);
  for (const account of all.contradicted) {
    const number = numbers.all.get(account);
    if (number) number.doubt = "the server's history contradicts the log";
  }
  if (basis === 'opening') sayUnopened(numbers, host);
  const judgement = judgeNumbers(numbers.all, {
    ...{ basis, currencyOf, isWhole, hasJournal: bank.journal !== undefined },
    logName: log?.name ?? '',
  });
  sayContradicted(judgement.contradicted, host);
  if (!log || !counts || counts.older === 0) return judgement;
  const older = olderText(log.name, counts, basis);
  if (counts.counted === 0) return { ...judgement, unjudged: [...judgement.unjudged, older] };
  host.progress(undefined);
  host.talk('log_older', older);
  return judgement;
}

/** Rows of operations that the journal has are no calls of the old program. */
async function* callsOf(
  log: EvidenceFile<IntendedRow>,
  { isOwn }: SeenNumbers,
  leaveOut: () => void = () => undefined,
): AsyncIterable<readonly IntendedRow[]> {
  for await (const batch of log.rows()) {
    yield batch.filter(({ id: operation, branch, account, amountMinor }) => {
      const isCall = operation === undefined || !isOwn({ operation, branch, account, amountMinor });
      if (!isCall) leaveOut();
      return isCall;
    });
  }
}

function sayOwn(rows: number, { talk, progress }: AuditHost): void {
  if (rows === 0) return;
  progress(undefined);
  const are = rows === 1 ? 'is an operation' : 'are operations';
  talk(
    'log_own_rows',
    `${count(rows, 'row')} of the log ${are} of bankctl itself, by id, and left out.`,
  );
}

function olderText(log: string, { all, older }: RowCounts, basis: Basis): string {
  const [are, not] = older === 1 ? ['is', 'does not'] : ['are', 'do not'];
  const begin =
    basis === 'opening'
      ? `the opening balances, and ${not} count.`
      : `the adoption or opening of their accounts, and ${not} count. ` +
        'Give the balances before that with --opening, and they do.';
  return `Of ${count(all, 'row')} of ${log}, ${older} ${are} older than ${begin}`;
}

/** What is certain of an account number is so if the log has all of its calls. */
function sayContradicted(
  [first, ...others]: readonly string[],
  { talk, progress }: AuditHost,
): void {
  if (first === undefined) return;
  progress(undefined);
  const have =
    others.length === 0 ? 'has a balance' : `and ${count(others.length, 'other')} have balances`;
  talk(
    'log_contradicted',
    `The account number ${first} ${have} that the log cannot explain: the log or its beginning ` +
      'is not whole, or another program wrote. Elsewhere, what is certain is so only if the log ' +
      'has all calls.',
  );
}

/** Accounts that an opening leaves out, and that bankctl did not open since, began with nothing. */
function sayUnopened({ all }: SeenNumbers, { talk, progress }: AuditHost): void {
  let accounts = 0;
  for (const { places } of all.values()) {
    for (const { place, givenMinor, isOpened } of places) {
      if (place && givenMinor === undefined && !isOpened) accounts += 1;
    }
  }
  if (accounts === 0) return;
  progress(undefined);
  const are = accounts === 1 ? 'is' : 'are';
  talk(
    'opening_incomplete',
    `${count(accounts, 'account')} ${are} not in the opening: 0 is taken as the balance there.`,
  );
}

/** The config with each other collection as a branch, so that rows can name it. */
async function withStrays({ config, scan }: Bank): Promise<Config> {
  const [first] = config.branches;
  const isShared = config.branches.every(({ currency }) => currency.code === first?.currency.code);
  if (!first || !isShared) return config;
  const names = await scan.otherCollections().catch((error: unknown) => {
    // What cannot be listed is reported by the scan.
    if (isServerError(error, 'unauthorized')) return [];
    throw error;
  });
  const known = new Set(config.branches.map(({ name }) => name));
  const strays = names.filter((name) => !known.has(name));
  const branches = strays.map((name) => ({ ...first, name, collection: name, title: undefined }));
  return { ...config, branches: [...config.branches, ...branches] };
}

function currenciesOf({ branches }: Config) {
  const currencies = new Map(branches.map(({ name, currency }) => [name, currency]));
  return (name: string) => currencies.get(name);
}
