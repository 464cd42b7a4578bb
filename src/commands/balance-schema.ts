import type { AccountBalance, BankBalance, BranchBalance } from '../bank/balances.ts';
import type { Problem } from '../bank/survey.ts';
import type { Movement } from '../bank/watch.ts';
import {
  amount,
  flag,
  listOf,
  manyOf,
  mapOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  text,
  time,
  wholeNumber,
} from './result-schema.ts';

const problem = objectOf<Problem>({
  ...{ code: text, documents: wholeNumber, examples: listOf(text), more: flag },
});

const branchFields = {
  ...{ branch: text, currency: text, accounts: wholeNumber, total: nullable(amount) },
  problems: optional(listOf(problem)),
  readable: optional(objectOf({ accounts: wholeNumber, total: amount })),
};

/** A branch with its collection, as `branches` lists it. */
export const branchBalance = objectOf<BranchBalance>({ ...branchFields, collection: text });

/** With `--at`: the moment, and whether the answer can still change. */
interface Moment {
  readonly at?: string;
  readonly final?: boolean;
}

/** Documents of other programs, which are in no sum. */
interface WithLeftOut {
  /** How many there are, by branch; absent if there are none. */
  readonly left_out?: Readonly<Record<string, number>>;
}

/** One account. */
interface AccountShown {
  readonly branch: string;
  readonly account: string;
  readonly balance: string;
  readonly currency: string;
  readonly version: number;
  readonly status: string;
}

const moment = { at: optional(time), final: optional(flag) };

/** What `balance` prints. */
export const balanceForms: readonly ResultForm[] = [
  oneOf(
    objectOf<BankBalance & Moment & WithLeftOut>({
      branches: listOf(objectOf<Omit<BranchBalance, 'collection'>>(branchFields)),
      totals: mapOf(nullable(amount)),
      left_out: optional(mapOf(wholeNumber)),
      ...moment,
    }),
    'without a branch',
  ),
  manyOf(
    objectOf<AccountBalance & Moment>({
      ...{ account: nullable(text), balance: nullable(amount), currency: text },
      ...{ status: nullable(text), ...moment },
    }),
    'with a branch: its accounts',
  ),
  oneOf(
    objectOf<AccountShown & Moment>({
      ...{ branch: text, account: text, balance: amount, currency: text },
      ...{ version: wholeNumber, status: text },
      ...moment,
    }),
    'with a branch and an account',
  ),
  manyOf(
    objectOf<Movement>({
      ...{ at: time, operation: text, type: text, branch: text, account: text },
      ...{ amount, balance: amount, currency: text, version: wholeNumber },
    }),
    'with --watch: a posting each',
  ),
];
