import { BankctlError } from '../../core/errors.ts';
import { quote } from '../../core/text.ts';
import { type Leg, leg, parseAccount, type RowKind } from './kind.ts';
import type { AccountReference } from './names.ts';
import {
  editProfile,
  labelsText,
  ownerText,
  type ProfileEdit,
  parseLabels,
  parseOwner,
} from './profile.ts';

/** Changes whose an account is, and the words that it is found by. Asks for at least one change. */
export interface Label extends AccountReference, ProfileEdit {
  readonly type: 'label';
}

/** The kind `label`. */
export const label: RowKind<Label> = {
  fields: { needed: ['branch', 'account'], may: ['owner', 'add', 'remove'] },
  parse: (fields, config) => {
    const { branch, account } = parseAccount(fields, config);
    const { owner, add, remove } = fields;
    const edit: ProfileEdit = {
      ...(owner === undefined ? {} : { owner: parseOwner(owner) }),
      ...(add === undefined ? {} : { add: parseLabels(add) }),
      ...(remove === undefined ? {} : { remove: parseLabels(remove) }),
    };
    checkEdit(edit);
    return { type: 'label', branch, account, ...edit };
  },
  request: ({ type, branch, account, owner, add, remove }, memo) => ({
    ...{ type, branch, account, memo },
    ...(owner === undefined ? {} : { owner: ownerText(owner) }),
    ...(add === undefined ? {} : { add: labelsText(add) }),
    ...(remove === undefined ? {} : { remove: labelsText(remove) }),
  }),
  changeOf: ({ edit }, [{ branch, account }]) => ({ type: 'label', branch, account, ...edit }),
  accounts: (change) => [change],
  legs: (change) => [
    profileLeg(change, (before, isBad) => editProfile(change, before, change, isBad)),
  ],
  creates: () => false,
  needsJournal: true,
  isReversible: true,
  showsAmount: false,
  status: undefined,
};

/** @throws `usage` for an edit that asks for nothing, or for two things that exclude each other */
function checkEdit({ owner, add = [], remove = [] }: ProfileEdit): void {
  if (owner === undefined && add.length + remove.length === 0) {
    throw new BankctlError(
      'usage',
      'Neither an owner is given, nor a label to add or to remove.',
      'Give at least one, such as --owner NAME or --add WORD; in a file, in a column of that name.',
    );
  }
  const both = add.find((one) => remove.includes(one));
  if (both === undefined) return;
  throw new BankctlError(
    'usage',
    `The label ${quote(both)} is to be added and to be removed.`,
    'Leave it out of one of the two.',
  );
}

/** A leg that moves no money: a frozen account has one, a closed one does not. */
export function profileLeg(account: AccountReference, profile: NonNullable<Leg['profile']>): Leg {
  return leg(account, 0n, { needs: ['open', 'frozen'], isUnbounded: true, profile });
}
