import type { Db } from 'mongodb';
import type { BranchConfig, Config } from '../config/config.ts';
import { BankctlError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { quote } from '../text.ts';
import { type BranchModel, createBranch } from './branch.ts';

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

/**
 * The branch as the config states it; needs no database.
 *
 * @throws `unknown_branch`, with the nearest name
 */
export function findBranch(config: Config, name: string): BranchConfig {
  const wanted = name.normalize('NFC');
  return config.branches.find((branch) => branch.name === wanted) ?? unknownBranch(name, config);
}

function unknownBranch(name: string, config: Config): never {
  const meant = nearest(
    name,
    config.branches.map((branch) => branch.name),
  );
  throw new BankctlError(
    'unknown_branch',
    `There is no branch ${quote(name)}.`,
    meant && `Did you mean ${meant}?`,
  );
}
