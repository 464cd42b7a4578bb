import { type Document, type MongoClient, ReadConcern } from 'mongodb';
import { type AccountReference, referenceKey } from '../../bank/operations/names.ts';
import { formatAmount, parseAmount } from '../../core/money.ts';
import { planCurrency } from '../load/plan.ts';
import { openingId } from './ledger-bank.ts';
import type { LedgerPlan } from './ledger-plan.ts';

/** A posting as it is stored: version, operation id, amount, balance after it. */
type StoredPosting = readonly [number, string, string, string];

/** What is stored of an account. */
export interface StoredAccount {
  readonly balance: string;
  readonly version: number;
  /** In order of their versions; that of the opening is left out. */
  readonly postings: readonly StoredPosting[];
}

/** The value of a history's last line. */
export interface Applied {
  /** The journal's ids; those of the openings are left out. */
  readonly ids: readonly string[];
  readonly accounts: Readonly<Record<string, StoredAccount>>;
}

/**
 * Reads the journal and the accounts, as a majority has them; to be called when all is quiet.
 *
 * @param account the number of the accounts to read; all if left out
 */
export async function readBack(
  client: MongoClient,
  database: string,
  plan: Pick<LedgerPlan, 'accounts' | 'branchNames'>,
  account?: string,
): Promise<Applied> {
  const db = client.db(database, { readConcern: new ReadConcern('majority') });
  const opened = new Set(plan.accounts.map(openingId));
  const ids: string[] = [];
  const postings = new Map<string, StoredPosting[]>();
  const about = account === undefined ? {} : { 'postings.account_number': account };
  for await (const document of db.collection<{ _id: string }>('journal').find(about)) {
    if (opened.has(document._id)) continue;
    ids.push(document._id);
    for (const posting of postingsOf(document)) {
      const name = referenceKey(accountOf(posting));
      const stored = postings.get(name) ?? [];
      postings.set(name, stored);
      const { version, amount, balance_after } = posting;
      stored.push([Number(version), document._id, shown(amount), shown(balance_after)]);
    }
  }
  const accounts: Record<string, StoredAccount> = {};
  const its = account === undefined ? {} : { account_number: account };
  for (const branch of plan.branchNames) {
    for await (const document of db.collection(branch).find(its)) {
      const { account_number, balance, version } = document;
      const name = referenceKey({ branch, account: account_number });
      const stored = (postings.get(name) ?? []).sort(([left], [right]) => left - right);
      accounts[name] = { balance: shown(balance), version: Number(version), postings: stored };
    }
  }
  return { ids, accounts };
}

function postingsOf(document: Document): readonly Document[] {
  return Array.isArray(document['postings']) ? document['postings'] : [];
}

function accountOf(posting: Document): AccountReference {
  return { branch: posting['branch'], account: posting['account_number'] };
}

/** A stored decimal as the history prints amounts; as it is where it is none of the currency. */
function shown(stored: unknown): string {
  const text = String(stored);
  try {
    return formatAmount(parseAmount(text, planCurrency), planCurrency);
  } catch {
    return text;
  }
}
