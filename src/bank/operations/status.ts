import type { AccountStatus } from './entry.ts';
import { leg, parseAccount, type RowKind } from './kind.ts';
import type { AccountReference } from './names.ts';

/** Changes what may be done with an account. */
export interface StatusChange<T extends string> extends AccountReference {
  readonly type: T;
}

/** The kind `freeze`. */
export const freeze = statusKind('freeze', 'frozen');

/** The kind `unfreeze`. */
export const unfreeze = statusKind('unfreeze', 'open', 'frozen');

/** The kind `close`. */
export const close = statusKind('close', 'closed');

/** The three differ only in the status that they set, and the one that they require. */
function statusKind<T extends string>(
  type: T,
  status: AccountStatus,
  needs: AccountStatus = 'open',
): RowKind<StatusChange<T>> {
  return {
    fields: { needed: ['branch', 'account'], may: [] },
    parse: (fields, config) => {
      const { branch, account } = parseAccount(fields, config);
      return { type, branch, account };
    },
    request: ({ branch, account }, memo) => ({ type, branch, account, memo }),
    changeOf: (_entry, [{ branch, account }]) => ({ type, branch, account }),
    accounts: (change) => [change],
    legs: (change) => [leg(change, 0n, { status, needs: [needs] })],
    creates: () => false,
    needsJournal: true,
    isReversible: false,
    showsAmount: false,
    status,
  };
}
