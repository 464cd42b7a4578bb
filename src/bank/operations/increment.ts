import { parseAmount } from '../../core/money.ts';
import { leg, parseAccount, type RowKind, refuseZero } from './kind.ts';
import type { AccountReference } from './names.ts';

/** Adds an amount to an account; a negative one subtracts. */
export interface Increment extends AccountReference {
  readonly type: 'increment';
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
  /** Opens the account if it is missing. A condition, not part of what the id stands for. */
  readonly create: boolean;
}

/** The kind `increment`. */
export const increment: RowKind<Increment> = {
  fields: { needed: ['branch', 'account', 'amount'], may: ['create'] },
  parse: (fields, config) => {
    const { branch, account, currency } = parseAccount(fields, config);
    const amountMinor = parseAmount(fields['amount'] ?? '', currency);
    return { type: 'increment', branch, account, amountMinor, create: fields['create'] === 'true' };
  },
  request: ({ type, branch, account, amountMinor }, memo) => {
    return { type, branch, account, amount: amountMinor.toString(), memo };
  },
  changeOf: (_entry, [{ branch, account, amountMinor, version }]) => {
    return { type: 'increment', branch, account, amountMinor, create: version === 1n };
  },
  accounts: (change) => [change],
  legs: (change) => {
    refuseZero(change.amountMinor);
    return [leg(change, change.amountMinor, { missing: change.create ? 'create' : 'refuse' })];
  },
  creates: ({ create }) => create,
  needsJournal: false,
  isReversible: true,
  showsAmount: true,
  status: undefined,
};
