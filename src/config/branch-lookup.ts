import { BankctlError } from '../core/errors.ts';
import { nearest } from '../core/near-names.ts';
import { quote } from '../core/text.ts';
import type { BranchConfig, Config } from './config.ts';

/**
 * The branch as the config states it; needs no database.
 *
 * @throws `unknown_branch`, with the nearest name
 */
export function findBranch(config: Config, name: string): BranchConfig {
  const branches = byName(config);
  return branches.get(name) ?? branches.get(name.normalize('NFC')) ?? unknownBranch(name, config);
}

/** Each row of a file looks up its branch several times; a config never changes. */
const found = new WeakMap<Config['branches'], ReadonlyMap<string, BranchConfig>>();

function byName({ branches }: Config): ReadonlyMap<string, BranchConfig> {
  const known = found.get(branches);
  if (known) return known;
  const named = new Map(branches.map((branch) => [branch.name, branch]));
  found.set(branches, named);
  return named;
}

/**
 * @param hint what to type if it is not clear which branch was meant
 * @throws `unknown_branch`, always
 */
export function unknownBranch(name: string, config: Config, hint?: string): never {
  const meant = nearest(
    name,
    config.branches.map((branch) => branch.name),
  );
  throw new BankctlError(
    'unknown_branch',
    `There is no branch ${quote(name)}.`,
    meant === undefined ? hint : `Did you mean ${meant}?`,
  );
}
