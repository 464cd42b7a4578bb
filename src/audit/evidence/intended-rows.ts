import { refuseZero } from '../../bank/operations/kind.ts';
import { parseAccountNumber, parseOperationId } from '../../bank/operations/names.ts';
import { findBranch } from '../../config/branch-lookup.ts';
import type { Config } from '../../config/config.ts';
import { parseAmount } from '../../core/money.ts';
import { quote } from '../../core/text.ts';
import { parseSpan } from '../../core/time.ts';
import { atLine } from '../../files/row-faults.ts';
import { type Fields, LineProblem, type Row } from '../../files/rows.ts';
import type { EvidenceRows } from './evidence-file.ts';
import type { IntendedRow } from './intended-row.ts';

const needed = ['branch', 'account', 'amount'] as const;

/**
 * The rows of the application's own log.
 *
 * @param needsTime whether a row without a time is refused
 */
export function intendedRows(config: Config, needsTime: boolean): EvidenceRows<IntendedRow> {
  return {
    config,
    shape: {
      noun: 'a call',
      columns: [...needed, 'id', 'time', 'end_time', 'outcome', 'modified'],
      otherNames: {
        ...{ account_number: 'account', balance: 'amount', collection: 'branch' },
        ...{ timestamp: 'time', at: 'time', start: 'time', begin: 'time', start_time: 'time' },
        ...{ end: 'end_time', status: 'outcome', result: 'outcome', matched: 'modified' },
      },
      flags: [],
      names: ['account', 'id'],
      needed: () => (needsTime ? [...needed, 'time'] : needed),
    },
    read: (row) => toIntended(row, config, needsTime),
    mayBeEmpty: false,
    idOf: ({ id = '' }) => id,
    repeated: (id, earlier) => [
      `has the id ${quote(id)} of line ${earlier}, so one call would count twice`,
      'Leave out the rows that are in the file twice, or give each call its own id.',
    ],
  };
}

function toIntended({ line, fields }: Row, config: Config, needsTime: boolean): IntendedRow {
  const amount = neededField(line, fields, 'amount');
  try {
    const { name: branch, currency } = findBranch(config, neededField(line, fields, 'branch'));
    const account = parseAccountNumber(neededField(line, fields, 'account'));
    const amountMinor = parseAmount(amount, currency);
    refuseZero(amountMinor);
    const id = fields['id'] === undefined ? undefined : parseOperationId(fields['id']);
    const time = timeField(line, fields, 'time');
    const endTime = timeField(line, fields, 'end_time');
    if (time && endTime && endTime < time) {
      throw new LineProblem(line, 'has an end_time that is before its time');
    }
    if (needsTime && !time) {
      throw new LineProblem(
        line,
        'has no time, so it is not known whether it is in the opening balance',
        'Give each row the time of the call, or the balances at the start with --opening FILE.',
      );
    }
    return {
      ...{ line, id, branch, account, amountMinor, time, endTime },
      outcome: outcomeField(line, fields),
      modified: modifiedField(line, fields),
    };
  } catch (error) {
    throw atLine(line, error, amount);
  }
}

function neededField(line: number, fields: Fields, name: (typeof needed)[number]): string {
  const value = fields[name];
  if (value !== undefined) return value;
  throw new LineProblem(
    line,
    `has no value for ${quote(name)}: a call needs branch, account and amount`,
  );
}

/** A time of day with the distance to UTC at its end. */
const withOffset = /\d[T t].*\d ?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$/;

/** A moment, which needs its offset: two programs may have been in two zones. */
export function timeField(line: number, fields: Fields, name: string): Date | undefined {
  const text = fields[name];
  if (text === undefined) return undefined;
  if (withOffset.test(text)) return parseSpan(text, name, 'UTC').from;
  throw new LineProblem(
    line,
    `has the ${name} ${quote(text)}, which does not say its offset from UTC`,
    'Write the time with its offset: 2026-11-24T18:30:00+01:00, or 2026-11-24T17:30:00Z.',
  );
}

function outcomeField(line: number, { outcome = 'acknowledged' }: Fields): IntendedRow['outcome'] {
  if (outcome === 'acknowledged' || outcome === 'unknown') return outcome;
  throw new LineProblem(
    line,
    `has the outcome ${quote(outcome)}, not acknowledged or unknown`,
    'Leave out calls that are known to have failed; a call that got no answer is unknown.',
  );
}

function modifiedField(line: number, { modified }: Fields): number | undefined {
  if (modified === undefined) return undefined;
  if (/^\d{1,9}$/.test(modified)) return Number(modified);
  throw new LineProblem(
    line,
    `has ${quote(modified)} as modified: it is the number of documents that the call changed`,
  );
}
