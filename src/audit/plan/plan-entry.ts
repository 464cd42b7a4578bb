import { parseAccountNumber, parseMemo, parseOperationId } from '../../bank/operations/names.ts';
import { findBranch } from '../../config/branch-lookup.ts';
import type { BranchConfig, Config } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { formatAmount, parseAmount } from '../../core/money.ts';
import { nearest } from '../../core/near-names.ts';
import { quote } from '../../core/text.ts';
import { idsOf, type PlanChange, type PlanEntry } from './plan.ts';
import type { PlanFault, StoredEntry } from './plan-schema.ts';

/** Makes sense of an entry that has the right shape, or says why there is none in it. */
export function toPlanEntry(
  stored: StoredEntry,
  line: number,
  config: Config,
): PlanEntry | readonly PlanFault[] {
  const faults: PlanFault[] = [];
  const attempt = <T>(path: readonly PropertyKey[], read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BankctlError)) throw error;
      faults.push({ path, reason: ` is no good: ${error.message.replace(/\.$/, '')}` });
      return undefined;
    }
  };
  const { findings } = stored;
  const account = attempt(['account'], () => parseAccountNumber(stored.account)) ?? '';
  const why = attempt(['why'], () => parseMemo(stored.why)) ?? '';
  const changes = stored.changes.flatMap((change, index): readonly PlanChange[] => {
    const path = ['changes', index];
    const branch = knownBranch(config, change.branch);
    if (typeof branch === 'string') {
      faults.push({ path: [...path, 'branch'], reason: branch });
      return [];
    }
    const minor = (field: 'amount' | 'balance' | 'outside') =>
      attempt([...path, field], () => parseAmount(change[field] ?? '0', branch.currency)) ?? 0n;
    const amount = { path: [...path, 'amount'], reason: ' is zero, which changes nothing' };
    if (/^-?[0.]+$/.test(change.amount)) faults.push(amount);
    return [
      {
        ...{ branch: branch.name, account, amountMinor: minor('amount') },
        ...{ balanceMinor: minor('balance'), version: BigInt(change.version) },
        outsideMinor: change.outside === undefined ? undefined : minor('outside'),
      },
    ];
  });
  const entry = { line, id: stored.id.normalize('NFC'), findings, account, why, changes };
  for (const id of idsOf(entry)) attempt(['id'], () => parseOperationId(id));
  faults.push(...repeatedBranches(changes));
  if (faults.length === 0) faults.push(...unevenAmounts(entry, config));
  return faults.length === 0 ? entry : faults;
}

/** The branch of the config; otherwise why there is none. */
function knownBranch({ branches }: Config, name: string): BranchConfig | string {
  const wanted = name.normalize('NFC');
  const found = branches.find((branch) => branch.name === wanted);
  if (found) return found;
  const meant = nearest(
    name,
    branches.map((branch) => branch.name),
  );
  const rest = meant === undefined ? ', or no longer' : `; did you mean ${meant}?`;
  return `, ${quote(name)}, is no branch of the config${rest}`;
}

function repeatedBranches(changes: readonly PlanChange[]): readonly PlanFault[] {
  const names = changes.map(({ branch }) => branch);
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [{ path: ['changes', index], reason: ` is a second one of the branch ${quote(name)}` }]
      : [],
  );
}

/**
 * Money that was misplaced went from one branch to others of its currency; if nothing else is
 * wrong, all of it is there: what one branch loses, others get.
 */
function unevenAmounts(
  { findings, changes }: Pick<PlanEntry, 'findings' | 'changes'>,
  config: Config,
): readonly PlanFault[] {
  if (!findings.includes('misplaced_write')) return [];
  const currencies = changes.map(({ branch }) => findBranch(config, branch).currency);
  const [first, other] = new Map(currencies.map((currency) => [currency.code, currency])).values();
  const faultOf = (reason: string) => [{ path: ['changes'], reason }];
  if (first && other) {
    return faultOf(` are in ${first.code} and ${other.code}, between which nothing is moved`);
  }
  const sum = changes.reduce((total, { amountMinor }) => total + amountMinor, 0n);
  if (!first || sum === 0n || findings.some((code) => code !== 'misplaced_write')) return [];
  const shown = formatAmount(sum, first);
  return faultOf(` add up to ${shown} and not to 0, but nothing is found except misplaced_write`);
}
