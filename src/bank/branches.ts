import type { ClientSession, Db } from 'mongodb';
import type { Config } from '../config/config.ts';
import { unknownBranch } from '../config/find-branch.ts';
import type { Currency } from '../core/money.ts';
import { type BranchModel, createBranch, sessionOption } from './branch.ts';
import { type BranchTotal, readTotals } from './survey.ts';

/** The models of all branches, made once; looked up by name, never changed. */
export interface Branches extends Iterable<BranchModel> {
  /** @throws `unknown_branch`, with the nearest name */
  readonly get: (name: string) => BranchModel;
  /** @throws `unknown_branch` */
  readonly currencyOf: (name: string) => Currency;
  /** Number and sum of the accounts of each branch, by its name. */
  readonly totals: (session: ClientSession) => Promise<ReadonlyMap<string, BranchTotal>>;
}

/** Makes one frozen model per branch. */
export function createBranches(db: Db, config: Config): Branches {
  const models = new Map(config.branches.map((branch) => [branch.name, createBranch(db, branch)]));
  const get = (name: string) => models.get(name.normalize('NFC')) ?? unknownBranch(name, config);
  return Object.freeze({
    get,
    currencyOf: (name: string) => get(name).currency,
    totals: (session: ClientSession) =>
      readTotals(db, config.branches, () => sessionOption(session)),
    [Symbol.iterator]: () => models.values(),
  });
}
