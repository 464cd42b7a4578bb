import type { ClientSession, MongoClient } from 'mongodb';
import { readAccount } from '../../bank/account.ts';
import { type Bank, openBank } from '../../bank/bank.ts';
import { within } from '../../bank/deadline.ts';
import { type AccountReference, referenceKey } from '../../bank/operations/names.ts';
import type { Operation } from '../../bank/operations/operation.ts';
import { post } from '../../bank/post.ts';
import type { Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { planCurrency } from '../load/plan.ts';
import { money } from './ledger-lines.ts';
import type { LedgerPlan } from './ledger-plan.ts';

/** Who asks, in the journal of a stress run. */
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

/** The id of the operation that opened an account, which no history has. */
export function openingId(account: AccountReference): string {
  return `open-${referenceKey(account)}`;
}

/** What a snapshot of the whole bank has of its accounts, by their names. */
export interface BankReading {
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
        balances[name] = money(state.balanceMinor);
        versions[name] = Number(state.version);
      }
    }
    return { balances, versions };
  };
  return within(bank.timeoutMs, () => bank.inSession(read, { snapshot: true }));
}
