import type { AccountStatus } from './entry.ts';
import { type Kind, leg, type Pinned } from './kind.ts';
import type { AccountReference } from './names.ts';

/**
 * Takes a balance as it is, with what other programs did to it: the journal catches up with the
 * document. Version 0 is that of a document that bankctl had not stamped yet.
 */
export interface Adopt extends AccountReference, Pinned {
  readonly type: 'adopt';
  /** What the journal lacks of the balance, in minor units; may be zero. */
  readonly amountMinor: bigint;
}

const anyStatus: readonly AccountStatus[] = ['open', 'frozen', 'closed'];

/** The kind `adopt`. */
export const adopt: Kind<Adopt> = {
  request: ({ type, branch, account, amountMinor, balanceMinor, version }, memo) => ({
    ...{ type, branch, account, amount: amountMinor.toString(), memo },
    ...{ balanceMinor: balanceMinor.toString(), version: version.toString() },
  }),
  changeOf: (_entry, [{ branch, account, amountMinor, balanceAfterMinor, version }]) => ({
    ...{ type: 'adopt', branch, account, amountMinor },
    ...{ balanceMinor: balanceAfterMinor, version: version - 1n },
  }),
  accounts: (change) => [change],
  legs: (change) => [
    leg(change, change.amountMinor, {
      ...{ needs: anyStatus, isRecorded: true, isUnbounded: true },
      pinned: change,
    }),
  ],
  creates: () => false,
  needsJournal: true,
  isReversible: false,
  showsAmount: true,
  status: undefined,
};
