import { parseAmount } from '../../core/money.ts';
import { leg, parseAccount, type RowKind } from './kind.ts';
import type { AccountReference } from './names.ts';

/** Opens an account, with a first balance of zero or more. */
export interface Open extends AccountReference {
  readonly type: 'open';
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
}

/** The kind `open`. */
export const open: RowKind<Open> = {
  fields: { needed: ['branch', 'account'], may: ['amount'] },
  parse: (fields, config) => {
    const { branch, account, currency } = parseAccount(fields, config);
    const amountMinor = parseAmount(fields['amount'] ?? '0', currency);
    return { type: 'open', branch, account, amountMinor };
  },
  request: ({ type, branch, account, amountMinor }, memo) => {
    return { type, branch, account, amount: amountMinor.toString(), memo };
  },
  changeOf: (_entry, [{ branch, account, amountMinor }]) => {
    return { type: 'open', branch, account, amountMinor };
  },
  accounts: (change) => [change],
  legs: (change) => [leg(change, change.amountMinor, { missing: 'create', existing: 'refuse' })],
  creates: () => true,
  needsJournal: false,
  isReversible: false,
  showsAmount: false,
  status: undefined,
};
