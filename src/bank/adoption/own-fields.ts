import type { Document } from 'mongodb';
import { formatAmount } from '../../core/money.ts';
import { quote } from '../../core/text.ts';
import type { BranchModel } from '../branch.ts';
import { type LegacyAccount, show } from '../legacy-document.ts';
import type { AccountStatus } from '../operations/entry.ts';
import { badProfileFields, type StoredProfile } from '../stored-profile.ts';
import { timeOf } from '../stored-values.ts';

const statuses: readonly AccountStatus[] = ['open', 'frozen', 'closed'];

/** What an account that is adopted keeps of the fields that another program gave it. */
interface KeptFields extends StoredProfile {
  readonly status: AccountStatus;
  readonly opened_at: Date;
  readonly posted_at: Date;
}

/** @param at when it is adopted, which is what a document without times gets */
export function keptFields(document: Document, at: Date): KeptFields {
  const postedAt = timeOf(document['posted_at']);
  const nothing = badProfileFields(document).map((name) => [name, null]);
  return {
    status: statuses.find((status) => status === document['status']) ?? 'open',
    opened_at: timeOf(document['opened_at']) ?? at,
    // The next posting is never earlier, so a time to come would be that of all postings.
    posted_at: postedAt && postedAt <= at ? postedAt : at,
    ...Object.fromEntries(nothing),
  };
}

/**
 * A field of another program that bankctl would write over with another meaning, as a clause: that
 * program may rely on it. Undefined if there is none.
 */
export function takenField(
  document: Document,
  { account }: LegacyAccount,
  { storage }: Pick<BranchModel, 'storage'>,
): string | undefined {
  const { account_number: number, status, version } = document;
  const has = (name: string, value: unknown) =>
    `has a field ${name} of its own, ${show(value)}, which bankctl would write over`;
  if (version != null) return has('version', version);
  if (status != null && !statuses.some((known) => known === status)) return has('status', status);
  for (const name of ['opened_at', 'posted_at']) {
    const value: unknown = document[name];
    if (value != null && !timeOf(value)) return has(name, value);
  }
  const [bad] = badProfileFields(document);
  if (bad !== undefined) return has(bad, document[bad]);
  if (storage !== 'double' || number === account) return undefined;
  return (
    `has the account_number ${show(number)}, which would become ${quote(account)}: ` +
    'a program that goes on looking for the former would not find it'
  );
}

/** Why an account that another program closed cannot be one, as a clause. */
export function closedWithMoney(
  { status }: Document,
  { balanceMinor }: LegacyAccount,
  { currency }: Pick<BranchModel, 'currency'>,
): string | undefined {
  if (status !== 'closed' || balanceMinor === 0n) return undefined;
  const balance = `${formatAmount(balanceMinor, currency)} ${currency.code}`;
  return `has the status "closed" and the balance ${balance}, but a closed account has none`;
}
