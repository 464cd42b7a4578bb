import { type Db, MongoClient } from 'mongodb';
import { inject, onTestFinished } from 'vitest';
import { type Bank, openBank } from '../../src/bank/bank.ts';
import type { Change, Operation } from '../../src/bank/operations/operation.ts';
import { post } from '../../src/bank/post.ts';
import { type BranchConfig, builtInConfig } from '../../src/config/config.ts';
import { createContext } from '../../src/core/context.ts';

const context = createContext();

/** The author in these tests. */
export const by = 'teller@desk';

/** An open bank on a fresh database. */
export interface OpenBank {
  readonly bank: Bank;
  readonly db: Db;
}

/** A bank with these accounts, as `BRANCH:ACCOUNT`, each opened with 100.00. */
export async function bankWith(
  accounts: readonly string[],
  { uri = inject('uri'), timeoutMs = 20_000, storage = 'decimal' as BranchConfig['storage'] } = {},
): Promise<OpenBank> {
  const client = await MongoClient.connect(uri, {
    appName: 'bankctl',
    writeConcern: { w: 'majority' },
    maxAdaptiveRetries: 0,
  });
  const database = `bankctl_test_${context.freshId().slice(0, 8)}`;
  const db = client.db(database);
  onTestFinished(async () => {
    await db.dropDatabase();
    await client.close();
  });
  const branches = builtInConfig.branches.map((branch) => ({ ...branch, storage }));
  const config = { ...builtInConfig, database, branches };
  const bank = await openBank(client, config, { timeoutMs, draw: Math.random });
  await post(
    bank,
    accounts.map((name) => operation({ type: 'open', ...place(name), amountMinor: 10_000n })),
    { by },
  );
  return { bank, db };
}

/** `branch1:A` as a reference. */
export function place(name: string) {
  const [branch = '', account = ''] = name.split(':');
  return { branch, account };
}

/** An operation; its id counts as given if there is one. */
export function operation(change: Change, id?: string): Operation {
  return {
    ...change,
    id: id ?? context.freshId(),
    idGiven: id !== undefined,
    memo: undefined,
  };
}

/** An increment, in minor units. */
export function plus(name: string, amountMinor: bigint, id?: string): Operation {
  return operation({ type: 'increment', ...place(name), amountMinor, create: false }, id);
}
