import { type ClientSession, type Document, type MongoClient, ReadConcern } from 'mongodb';
import { readAccount } from '../../bank/account.ts';
import { type Bank, openBank } from '../../bank/bank.ts';
import { runWithin } from '../../bank/deadline.ts';
import { type AccountReference, referenceKey } from '../../bank/operations/names.ts';
import type { Operation } from '../../bank/operations/operation.ts';
import { post } from '../../bank/post.ts';
import type { Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { parseAmount } from '../../core/money.ts';
import { planAmount, planCurrency } from '../plan/increments.ts';
import type { LedgerPlan } from '../plan/ledger.ts';

/** The author in the journal of a stress run. */
export const stressAuthor = 'bankctl stress';

/** The bank of a run: a branch's collection has the branch's name. */
export function openStressBank(
  client: MongoClient,
  database: string,
  plan: Pick<LedgerPlan, 'branchNames'>,
  options: Pick<Bank, 'timeoutMs' | 'draw'>,
): Promise<Bank> {
  const config: Config = {
    source: undefined,
    database,
    journal: 'journal',
    timezone: 'UTC',
    uri: undefined,
    branches: plan.branchNames.map((name) => ({
      name,
      collection: name,
      title: undefined,
      currency: planCurrency,
      minBalanceMinor: 0n,
      storage: 'decimal' as const,
    })),
  };
  return openBank(client, config, options);
}

/** Opens the accounts of a plan through the journal. The ids begin with `open-`. */
export async function openAccounts(
  bank: Bank,
  plan: Pick<LedgerPlan, 'accounts' | 'seedBalanceMinor'>,
): Promise<void> {
  const operations = plan.accounts.map(
    (account): Operation => ({
      ...account,
      type: 'open',
      id: openingId(account),
      idGiven: false,
      memo: undefined,
      amountMinor: plan.seedBalanceMinor,
    }),
  );
  const outcomes = await post(bank, operations, { by: stressAuthor });
  const refused = outcomes.find(({ applied }) => !applied);
  if (refused && !refused.applied) throw refused.error;
}

/** The id of the operation that opened an account, which histories omit. */
function openingId(account: AccountReference): string {
  return `open-${referenceKey(account)}`;
}

/** What a snapshot of the whole bank says about its accounts, by their names. */
interface BankReading {
  readonly balances: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, number>>;
}

/**
 * All accounts of the bank in one snapshot, as `bankBalance` reads its totals.
 *
 * @throws `timed_out`; driver errors
 */
export function readBank(bank: Bank, plan: LedgerPlan): Promise<BankReading> {
  const numbers = [...new Set(plan.accounts.map(({ account }) => account))];
  const read = async (session: ClientSession) => {
    const balances: Record<string, string> = {};
    const versions: Record<string, number> = {};
    for (const branch of bank.branches) {
      for (const document of await branch.read(numbers, session)) {
        const name = referenceKey({ branch: branch.name, account: document['account_number'] });
        const state = readAccount(document, branch);
        if (state instanceof BankctlError) continue;
        balances[name] = planAmount(state.balanceMinor);
        versions[name] = Number(state.version);
      }
    }
    return { balances, versions };
  };
  return runWithin(bank.timeoutMs, () => bank.inSession(read, { snapshot: true }));
}

/** A posting as it is stored: version, operation id, amount, balance after it. */
type StoredPosting = readonly [number, string, string, string];

/** What is stored about an account. */
export interface StoredAccount {
  readonly balance: string;
  readonly version: number;
  /** In order of their versions; that of the opening is omitted. */
  readonly postings: readonly StoredPosting[];
}

/** The value of a history's last line. */
export interface Applied {
  /** The journal's ids; those of the openings are omitted. */
  readonly ids: readonly string[];
  readonly accounts: Readonly<Record<string, StoredAccount>>;
}

/**
 * Reads the journal and the accounts, as a majority has them; to be called once everything has
 * finished.
 *
 * @param account the number of the accounts to read; all by default
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
      stored.push([Number(version), document._id, showDecimal(amount), showDecimal(balance_after)]);
    }
  }
  const accounts: Record<string, StoredAccount> = {};
  const its = account === undefined ? {} : { account_number: account };
  for (const branch of plan.branchNames) {
    for await (const document of db.collection(branch).find(its)) {
      const { account_number, balance, version } = document;
      const name = referenceKey({ branch, account: account_number });
      const stored = (postings.get(name) ?? []).sort(([left], [right]) => left - right);
      accounts[name] = {
        balance: showDecimal(balance),
        version: Number(version),
        postings: stored,
      };
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

/**
 * A stored decimal as the history prints amounts; unchanged if it is not an amount of the currency.
 */
function showDecimal(stored: unknown): string {
  const text = String(stored);
  try {
    return planAmount(parseAmount(text, planCurrency));
  } catch {
    return text;
  }
}
