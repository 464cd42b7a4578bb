import type { Bank } from './bank.ts';
import type { BranchModel } from './branch.ts';
import { touchedAccounts } from './hold.ts';
import type { Journal } from './journal.ts';
import type { JudgeOptions } from './judge.ts';
import { accountsOf, createsAccount, type Operation } from './operations/operation.ts';

/** A batch whose collections are looked at. */
interface PreparedBatch {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly operations: readonly Operation[];
  readonly options: JudgeOptions;
}

/**
 * A transaction cannot give a collection a validator, which new accounts need, and so do refusals
 * in journals of older versions. A dry run only checks for what that would refuse.
 */
export async function prepareCollections(batch: PreparedBatch): Promise<void> {
  const { bank, journal, operations, options } = batch;
  const branches = branchesOf(bank, operations.filter(createsAccount));
  const keeps = options.refusals !== undefined && !options.atomic;
  const prepared = [...(branches.length > 0 || keeps ? [journal] : []), ...branches];
  if (prepared.length > 0) {
    await (options.dryRun ? bank.identity.checkClaim() : bank.identity.prepare());
  }
  if (!options.dryRun) {
    await Promise.all(prepared.map((it) => it.prepare()));
    return;
  }
  await checkCapped(batch);
  await Promise.all(prepared.map((it) => it.check()));
}

/** @throws `capped_collection` if one is that the batch would write */
export async function checkCapped({
  bank,
  journal,
  operations,
}: Omit<PreparedBatch, 'options'>): Promise<void> {
  const written = [journal, ...branchesOf(bank, operations)];
  await Promise.all(written.map((it) => it.check('capped')));
}

/** The branches that the operations themselves name. */
function branchesOf(bank: Bank, operations: readonly Operation[]): readonly BranchModel[] {
  const references = operations.flatMap((operation) => accountsOf(operation, new Map()));
  const names = new Set(references.map(({ branch }) => branch));
  return [...names].map((name) => bank.branches.get(name));
}

/**
 * Gives branches that keep doubles the validator that allows them.
 * @throws the error if no branch of the batch keeps doubles
 */
export async function prepareDoubles(
  { bank, operations }: PreparedBatch,
  error: unknown,
): Promise<void> {
  const touched = [...(await touchedAccounts(bank, operations)).keys()].map(bank.branches.get);
  const doubles = touched.filter(({ storage }) => storage === 'double');
  if (doubles.length === 0) throw error;
  await Promise.all(doubles.map((it) => it.prepare()));
}
