import {
  type AccountReference,
  parseAccountNumber,
  referenceKey,
} from '../../bank/operations/names.ts';
import { findBranch } from '../../config/branch-lookup.ts';
import type { Config } from '../../config/config.ts';
import { parseAmount } from '../../core/money.ts';
import { quote } from '../../core/text.ts';
import { atLine } from '../../files/row-faults.ts';
import { LineProblem, type Row } from '../../files/rows.ts';
import type { EvidenceRows } from './evidence-file.ts';
import { timeField } from './intended-rows.ts';
import type { Basis } from './seen-numbers.ts';

/** The balance of an account at one moment, as a file says it. */
export interface BalanceRow extends AccountReference {
  /** In minor units of the branch's currency. */
  readonly balanceMinor: bigint;
  /** The moment, if the file has it. */
  readonly time: Date | undefined;
}

/**
 * The rows of an opening or a statement.
 *
 * @param config with the strays as branches
 */
export function balanceRows(config: Config, basis: Basis): EvidenceRows<BalanceRow> {
  const needed = ['branch', 'account', 'balance'];
  return {
    config,
    shape: {
      noun: 'a balance',
      // A statement is of now, since it is compared with what is there.
      columns: basis === 'opening' ? [...needed, 'time'] : needed,
      otherNames: { account_number: 'account', amount: 'balance', collection: 'branch' },
      flags: [],
      names: ['account'],
      needed: () => needed,
    },
    read: (row) => toBalance(row, config),
    // A new bank has no accounts.
    mayBeEmpty: basis === 'opening',
    idOf: referenceKey,
    repeated: (reference, earlier) => [
      `is about ${reference}, as line ${earlier} is`,
      'Leave one line for each account.',
    ],
  };
}

function toBalance({ line, fields }: Row, config: Config): BalanceRow {
  const { branch, account, balance } = fields;
  if (branch === undefined || account === undefined || balance === undefined) {
    const missing = ['branch', 'account', 'balance'].find((name) => fields[name] === undefined);
    throw new LineProblem(
      line,
      `has no value for ${quote(missing ?? '')}: a balance needs branch, account and balance`,
    );
  }
  try {
    const { name, currency } = findBranch(config, branch);
    return {
      branch: name,
      account: parseAccountNumber(account),
      balanceMinor: parseAmount(balance, currency),
      time: timeField(line, fields, 'time'),
    };
  } catch (error) {
    throw atLine(line, error, balance);
  }
}
