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
  const named = (wanted: string) => config.branches.find((branch) => branch.name === wanted);
  return named(name) ?? named(name.normalize('NFC')) ?? unknownBranch(name, config);
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
