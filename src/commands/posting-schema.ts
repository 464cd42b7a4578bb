import { kindOf, type OperationType } from '../bank/operations/operation.ts';
import type {
  PostedAccount,
  PostedMany,
  PostedOne,
  PostedTransfer,
  TransferSide,
} from './posting-result.ts';
import {
  amount,
  flag,
  listOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  text,
  wholeNumber,
  wordOf,
} from './result-schema.ts';

const flags = {
  ...{ operation: nullable(text), replayed: flag, dry_run: flag, reverses: optional(text) },
};

/** The change of an owner or of labels, if an operation asked for one. */
export const profileFields = {
  ...{ owner_before: optional(nullable(text)), owner: optional(nullable(text)) },
  ...{ labels_before: optional(listOf(text)), labels: optional(listOf(text)) },
};

/** What a command prints that posts to one account. */
export function accountForm(type: OperationType, when?: string): ResultForm {
  const { showsAmount, status } = kindOf(type);
  const schema = objectOf<PostedAccount>({
    ...flags,
    ...{ branch: text, account: text, amount: optional(amount), balance_before: optional(amount) },
    ...{ balance: amount, currency: text, version: wholeNumber },
    status: optional(wordOf(['open', 'frozen', 'closed'])),
    ...profileFields,
  });
  const always = [
    ...(showsAmount ? ['amount', 'balance_before'] : []),
    ...(status ? ['status'] : []),
    ...(type === 'label' ? Object.keys(profileFields) : []),
  ];
  const required: readonly string[] = [...Object(schema['required']), ...always];
  return oneOf({ ...schema, required }, when);
}

const sideFields = {
  ...{ branch: text, account: text, balance_before: amount, balance: amount },
  version: wholeNumber,
};
const side = objectOf<TransferSide>(sideFields);

/** What a command prints that moves money between two accounts. */
export function transferForm(when?: string): ResultForm {
  return oneOf(
    objectOf<PostedTransfer>({ ...flags, amount, currency: text, from: side, to: side }),
    when,
  );
}

/** What a command prints that posts to several accounts, and is no transfer. */
export function postingsForm(when: string): ResultForm {
  const postings = listOf(objectOf<PostedOne>({ ...sideFields, amount, currency: text }));
  return oneOf(objectOf<PostedMany>({ ...flags, postings }), when);
}
