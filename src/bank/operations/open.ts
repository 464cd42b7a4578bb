import { parseAmount } from '../../core/money.ts';
import { type Fields, leg, parseAccount, type RowKind } from './kind.ts';
import type { AccountReference } from './names.ts';
import {
  editProfile,
  labelsText,
  noProfile,
  ownerText,
  type Profile,
  parseLabels,
  parseOwner,
} from './profile.ts';

/** Opens an account, with a first balance of zero or more. */
export interface Open extends AccountReference {
  readonly type: 'open';
  /** In minor units of the branch's currency. */
  readonly amountMinor: bigint;
  /** Absent for none; the same for labels. */
  readonly owner?: string;
  readonly labels?: readonly string[];
}

/** The kind `open`. */
export const open: RowKind<Open> = {
  fields: { needed: ['branch', 'account'], may: ['amount', 'owner', 'labels'] },
  parse: (fields, config) => {
    const { branch, account, currency } = parseAccount(fields, config);
    const amountMinor = parseAmount(fields['amount'] ?? '0', currency);
    return { type: 'open', branch, account, amountMinor, ...parseProfile(fields) };
  },
  request: ({ type, branch, account, amountMinor, owner, labels }, memo) => ({
    ...{ type, branch, account, amount: amountMinor.toString(), memo },
    ...(owner === undefined ? {} : { owner: ownerText(owner) }),
    ...(labels === undefined ? {} : { labels: labelsText(labels) }),
  }),
  changeOf: (_entry, [{ branch, account, amountMinor, profile }]) => {
    return { type: 'open', branch, account, amountMinor, ...openedWith(profile?.after) };
  },
  accounts: (change) => [change],
  legs: (change) => {
    const { owner, labels } = change;
    const profiled = owner !== undefined || labels !== undefined;
    const edit = { ...(owner === undefined ? {} : { owner }), add: labels ?? [] };
    return [
      leg(change, change.amountMinor, {
        ...{ missing: 'create', existing: 'refuse' },
        ...(profiled ? { profile: (before) => editProfile(change, before, edit) } : {}),
      }),
    ];
  },
  creates: () => true,
  needsJournal: false,
  isReversible: false,
  showsAmount: false,
  status: undefined,
};

/** The owner and the labels of a new account. */
export type OpenedProfile = Pick<Open, 'owner' | 'labels'>;

/** @throws `invalid_owner`, `invalid_label` */
export function parseProfile({ owner, labels }: Fields): OpenedProfile {
  return openedWith({
    owner: owner === undefined ? null : parseOwner(owner),
    labels: labels === undefined ? [] : parseLabels(labels),
  });
}

function openedWith({ owner, labels }: Profile = noProfile): OpenedProfile {
  return {
    ...(owner === null ? {} : { owner }),
    ...(labels.length === 0 ? {} : { labels }),
  };
}
