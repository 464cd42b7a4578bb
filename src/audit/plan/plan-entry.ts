import { parseAccountNumber, parseMemo, parseOperationId } from '../../bank/operations/names.ts';
import { findBranch } from '../../config/branch-lookup.ts';
import type { BranchConfig, Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { formatAmount, parseAmount } from '../../core/money.ts';
import { nearest } from '../../core/near-names.ts';
import { quote } from '../../core/text.ts';
import { idsOf, type PlanChange, type PlanEntry } from './plan.ts';
import type { StoredEntry } from './plan-schema.ts';

/** An entry whose every value is one, or why it is not; the reasons are clauses. */
interface ReadEntry {
  readonly entry: PlanEntry | undefined;
  readonly reasons: readonly string[];
}

/** Makes sense of an entry that has the right shape. */
export function toPlanEntry(stored: StoredEntry, line: number, config: Config): ReadEntry {
  const reasons: string[] = [];
  const attempt = <T>(what: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BankctlError)) throw error;
      reasons.push(`${what}: ${error.message.replace(/\.$/, '')}`);
      return undefined;
    }
  };
  const { id, findings, account, why } = stored;
  attempt('account', () => parseAccountNumber(account));
  attempt('why', () => parseMemo(why));
  const changes = stored.changes.flatMap((change, index): readonly PlanChange[] => {
    const where = `changes.${index}`;
    const branch = knownBranch(config, change.branch);
    if (typeof branch === 'string') {
      reasons.push(`${where}: ${branch}`);
      return [];
    }
    const minor = (text: string) => attempt(where, () => parseAmount(text, branch.currency)) ?? 0n;
    const read = {
      ...{ branch: branch.name, account: account.normalize('NFC') },
      ...{ amountMinor: minor(change.amount), balanceMinor: minor(change.balance) },
      version: BigInt(change.version),
      outsideMinor: change.outside === undefined ? undefined : minor(change.outside),
    };
    if (/^-?[0.]+$/.test(change.amount)) reasons.push(`${where}: the amount is zero`);
    return [read];
  });
  const entry = {
    ...{ line, id: id.normalize('NFC'), findings, account: account.normalize('NFC') },
    ...{ why: why.normalize('NFC'), changes },
  };
  for (const one of idsOf(entry)) attempt('id', () => parseOperationId(one));
  reasons.push(...sameBranch(changes));
  if (reasons.length === 0) reasons.push(...unevenAmounts(entry, config));
  return { entry: reasons.length === 0 ? entry : undefined, reasons };
}

/** The branch of the config; otherwise why there is none, as a clause. */
function knownBranch({ branches }: Config, name: string): BranchConfig | string {
  const wanted = name.normalize('NFC');
  const found = branches.find((branch) => branch.name === wanted);
  if (found) return found;
  const meant = nearest(
    name,
    branches.map((branch) => branch.name),
  );
  const perhaps = meant === undefined ? 'it may have left the config' : `did you mean ${meant}?`;
  return `the config has no branch ${quote(name)}; ${perhaps}`;
}

function sameBranch(changes: readonly PlanChange[]): readonly string[] {
  const names = changes.map(({ branch }) => branch);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  return twice.map((name) => `there are two changes of the branch ${quote(name)}`);
}

/** Money that was only misplaced is all there: what one branch loses, others get. */
function unevenAmounts(
  { findings, changes }: Pick<PlanEntry, 'findings' | 'changes'>,
  config: Config,
): readonly string[] {
  if (findings.some((code) => code !== 'misplaced_write')) return [];
  const digits = Math.max(...config.branches.map(({ currency }) => currency.digits));
  const sum = changes.reduce((total, { branch, amountMinor }) => {
    const { currency } = findBranch(config, branch);
    return total + amountMinor * 10n ** BigInt(digits - currency.digits);
  }, 0n);
  if (sum === 0n) return [];
  const shown = formatAmount(sum, { digits });
  return [`its only finding is misplaced_write, but its amounts add up to ${shown} and not to 0`];
}
