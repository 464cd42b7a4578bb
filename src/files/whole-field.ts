import { parseReference } from '../bank/operations/names.ts';
import type { Config } from '../config/config.ts';
import { findBranch } from '../config/find-branch.ts';
import type { Fields } from './rows.ts';

/**
 * Whether a field, in which the file ends without a newline, is known to be whole, since with more
 * characters it would be refused or mean the same: `12.00` is, `12.0` and `12` are not.
 *
 * @param branch the branch of rows that name none
 */
export function isWholeField(
  name: string,
  fields: Fields,
  config: Config,
  branch?: string,
): boolean {
  const value = fields[name];
  switch (name) {
    case 'amount':
    case 'balance':
      return value !== undefined && hasAllDecimals(value, currencyDigits(fields, config, branch));
    case 'type':
    case 'status':
      return value !== undefined;
    case 'create':
      // Other types than an increment do not take it.
      return value !== undefined || (fields['type'] ?? 'increment') !== 'increment';
    case 'currency':
      // It only confirms the branch's own.
      return true;
    case 'branch':
      return (
        value !== undefined &&
        !config.branches.some((other) => other.name !== value && other.name.startsWith(value))
      );
    default:
      return false;
  }
}

function hasAllDecimals(amount: string, digits: number): boolean {
  return digits > 0 && (/\.(\d+)$/.exec(amount)?.[1]?.length ?? 0) >= digits;
}

/** Of a row that was found right, so its branch is known. */
function currencyDigits(fields: Fields, config: Config, branch: string | undefined): number {
  const from = fields['from'];
  const name = from === undefined ? (fields['branch'] ?? branch) : parseReference(from).branch;
  return name === undefined ? 0 : findBranch(config, name).currency.digits;
}
