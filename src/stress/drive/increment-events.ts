import { type MongoClient, ReadConcern } from 'mongodb';
import { fromDecimal } from '../../bank/decimal.ts';
import type { HistoryEvent } from '../history/event.ts';
import type { IncrementModel } from '../plan/increments.ts';
import { type Plan, planAmount, planCurrency } from '../plan/increments.ts';
import { runCollections } from '../subjects/load-models.ts';
import type { IncrementMark } from './increments.ts';

/** The events in the history of a plan of increments. */
interface IncrementEvents {
  /** The first event: what every account holds. */
  readonly init: (atNs: number) => HistoryEvent;
  /** An increment begins or ends: where the write was really sent, and what it matched. */
  readonly of: (mark: IncrementMark) => HistoryEvent;
}

/** Balances as they were read back, by collection and account; null for what is not an amount. */
interface ReadBack {
  readonly balances: Readonly<Record<string, string | null>>;
  /** An account that has two documents. */
  readonly twice: string | undefined;
}

/**
 * Makes the events of a plan. An operation's id contains the model and the position in the plan.
 */
export function incrementEvents(plan: Plan, model: IncrementModel): IncrementEvents {
  const collections = runCollections(plan);
  const names = plan.branchNames.map((branch) =>
    plan.accounts.map((account) => `${branch}:${account}`),
  );
  const balance = planAmount(plan.seedBalanceMinor);
  return Object.freeze({
    init: (time) => ({
      type: 'ok',
      f: 'init',
      value: { accounts: Object.fromEntries(names.flat().map((name) => [name, { balance }])) },
      model,
      seed: plan.seed,
      time,
    }),
    of: ({ type, index, landed, matched, atNs: time, error }) => {
      const { worker, branch, account, amountMinor } = plan.at(index);
      const amount = planAmount(amountMinor);
      const value = { id: `${model}-${index}`, account: names[branch]?.[account], amount };
      const process = worker + 1;
      const f = 'increment';
      if (type === 'invoke') return { process, type, f, value, time };
      const collection = collections[landed] ?? null;
      if (type === 'ok') return { process, type, f, value, collection, matched, time };
      return { process, type, f, value, collection, error, time };
    },
  } satisfies IncrementEvents);
}

/**
 * Every document of every collection of the run, as the primary has it now: a majority may not have
 * the last writes yet, which waited only for the primary.
 */
export async function readBalances(
  client: MongoClient,
  database: string,
  plan: Plan,
): Promise<ReadBack> {
  const balances: Record<string, string | null> = {};
  let twice: string | undefined;
  const db = client.db(database, { readConcern: new ReadConcern('local') });
  for (const collection of runCollections(plan)) {
    for (const document of await db.collection(collection).find().toArray()) {
      const place = `${collection}:${document['account_number']}`;
      if (place in balances) twice ??= place;
      const minor = fromDecimal(document['balance'], planCurrency);
      balances[place] = minor === undefined ? null : planAmount(minor);
    }
  }
  return { balances, twice };
}
