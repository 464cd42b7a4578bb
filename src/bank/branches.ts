import type { Db } from 'mongodb';
import type { Config } from '../config/config.ts';
import { type BranchModel, createBranch } from './branch.ts';
import { unknownBranch } from './find-branch.ts';

/** The models of all branches, made once; looked up by name, never changed. */
export interface Branches extends Iterable<BranchModel> {
  /** @throws `unknown_branch`, with the nearest name */
  readonly get: (name: string) => BranchModel;
}

/** Makes one frozen model a branch. */
export function createBranches(db: Db, config: Config): Branches {
  const models = new Map(config.branches.map((branch) => [branch.name, createBranch(db, branch)]));
  return Object.freeze({
    get: (name: string) => models.get(name.normalize('NFC')) ?? unknownBranch(name, config),
    [Symbol.iterator]: () => models.values(),
  });
}
