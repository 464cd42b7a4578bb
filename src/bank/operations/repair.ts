import { type Kind, leg, type Pinned } from './kind.ts';
import { type AccountReference, referenceKey } from './names.ts';

/** What a repair does to one account, which must be as it was when the plan was made. */
export interface RepairLeg extends AccountReference, Pinned {
  /** In minor units. */
  readonly amountMinor: bigint;
}

/** Corrects balances that damage made wrong, as a reviewed plan says. */
export interface Repair {
  readonly type: 'repair';
  /** At least one; no account twice. */
  readonly legs: readonly RepairLeg[];
}

/** The kind `repair`. */
export const repair: Kind<Repair> = {
  request: ({ type, legs }, memo) => ({ type, legs: JSON.stringify(legs.map(legText)), memo }),
  changeOf: (_entry, postings) => ({
    type: 'repair',
    legs: postings.map(({ branch, account, amountMinor, balanceBeforeMinor, version }) => ({
      ...{ branch, account, amountMinor },
      ...{ balanceMinor: balanceBeforeMinor, version: version - 1n },
    })),
  }),
  accounts: ({ legs }) => legs,
  legs: ({ legs }) =>
    legs.map((one) =>
      leg(one, one.amountMinor, { needs: ['open', 'frozen'], isUnbounded: true, pinned: one }),
    ),
  creates: () => false,
  needsJournal: true,
  isReversible: true,
  showsAmount: true,
  status: undefined,
};

function legText(one: RepairLeg): readonly string[] {
  const { amountMinor, balanceMinor, version } = one;
  return [referenceKey(one), ...[amountMinor, balanceMinor, version].map(String)];
}
