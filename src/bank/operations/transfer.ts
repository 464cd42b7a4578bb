import { findBranch } from '../../config/branch-lookup.ts';
import { BankctlError } from '../../core/errors.ts';
import { parseAmount } from '../../core/money.ts';
import { leg, type RowKind, refuseZero } from './kind.ts';
import { type AccountReference, parseReference, referenceKey } from './names.ts';

/** Moves money between two accounts of one currency: both or neither. */
export interface Transfer {
  readonly type: 'transfer';
  readonly from: AccountReference;
  readonly to: AccountReference;
  /** In minor units; above zero. */
  readonly amountMinor: bigint;
}

/** The kind `transfer`. */
export const transfer: RowKind<Transfer> = {
  fields: { needed: ['from', 'to', 'amount'], may: [] },
  parse: (fields, config) => {
    const [from, to] = [parseReference(fields['from'] ?? ''), parseReference(fields['to'] ?? '')];
    const source = findBranch(config, from.branch);
    return {
      type: 'transfer',
      from: { branch: source.name, account: from.account },
      to: { branch: findBranch(config, to.branch).name, account: to.account },
      amountMinor: parseAmount(fields['amount'] ?? '', source.currency),
    };
  },
  request: ({ type, from, to, amountMinor }, memo) => {
    const [source, target] = [referenceKey(from), referenceKey(to)];
    return { type, from: source, to: target, amount: amountMinor.toString(), memo };
  },
  changeOf: (_entry, [from, to = from]) => {
    return { type: 'transfer', from, to, amountMinor: -from.amountMinor };
  },
  accounts: ({ from, to }) => [from, to],
  legs: ({ from, to, amountMinor }, { branch }) => {
    refuseZero(amountMinor, 'Give an amount above 0.');
    if (amountMinor < 0n) {
      throw new BankctlError(
        'amount_negative',
        'The amount of a transfer is below zero.',
        'Give the amount without a sign; to move money back, swap the two accounts.',
      );
    }
    if (referenceKey(from) === referenceKey(to)) {
      throw new BankctlError('same_account', `${referenceKey(from)} is both ends of the transfer.`);
    }
    const [source, target] = [branch(from.branch).currency, branch(to.branch).currency];
    if (source.code !== target.code) {
      throw new BankctlError(
        'currency_mismatch',
        `${from.branch} is in ${source.code} and ${to.branch} is in ${target.code}: ` +
          'a transfer has one currency.',
      );
    }
    return [leg(from, -amountMinor), leg(to, amountMinor)];
  },
  creates: () => false,
  needsJournal: true,
  isReversible: true,
  showsAmount: true,
  status: undefined,
};
