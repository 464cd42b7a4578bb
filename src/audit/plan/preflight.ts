import type { ClientSession } from 'mongodb';
import type { Bank } from '../../bank/bank.ts';
import type { Reading } from '../../bank/book.ts';
import { isState } from '../../bank/book.ts';
import { runWithin } from '../../bank/deadline.ts';
import { balanceFromDecimal } from '../../bank/decimal.ts';
import { byBranch, referenceKey } from '../../bank/operations/names.ts';
import { readAccounts } from '../../bank/reading.ts';
import { versionOf } from '../../bank/stored-values.ts';
import { BankctlError } from '../../core/errors.ts';
import { formatAmount } from '../../core/money.ts';
import { asSentence, count, quote } from '../../core/text.ts';
import { retryThroughOutages } from '../../database/outage-retries.ts';
import type { Plan, PlanChange } from './plan.ts';
import type { RepairHost } from './repair-run.ts';

/** The sums of the balances of a plan's accounts, by branch, in minor units. */
export type BranchSums = ReadonlyMap<string, bigint>;

/** A change of a plan, and the line on which its entry begins. */
interface Claim {
  readonly line: number;
  readonly change: PlanChange;
}

/** How many accounts are looked up at once. */
const claimsAtOnce = 500;

/** Nobody reads more. */
const maxContradictions = 10;

/**
 * Compares a plan with the database and writes nothing. What has moved since the plan was made is
 * no contradiction, but what was never so is: an account that never was at that version, or money
 * from outside that the journal has.
 *
 * @param name of the file, for messages
 * @throws `plan_mismatch`, also for a plan of another database; `journal_disabled`
 */
export async function checkPlan(
  bank: Bank,
  name: string,
  plan: Plan,
  { context }: Pick<RepairHost, 'context'>,
): Promise<BranchSums> {
  refuseOther(bank, name, plan);
  const claims = plan.entries.flatMap(({ line, changes }) =>
    changes.map((change): Claim => ({ line, change })),
  );
  const { sums, contradictions } = await retryThroughOutages(bank.timeoutMs, context, () =>
    bank.inSession((session) => compare(bank, claims, session), { snapshot: true }),
  );
  if (contradictions.length === 0) return sums;
  const shown = contradictions.slice(0, maxContradictions).join('; ');
  const more = contradictions.length - maxContradictions;
  throw new BankctlError(
    'plan_mismatch',
    asSentence(`${name}, ${shown}${more > 0 ? `; and ${count(more, 'more contradiction')}` : ''}`),
  );
}

/** @throws `plan_mismatch`, `journal_disabled` */
function refuseOther({ config, journal, identity }: Bank, name: string, plan: Plan): void {
  if (!journal) {
    throw new BankctlError('journal_disabled', 'Without a journal there are no repairs.');
  }
  const { databaseId } = identity;
  const isSame = databaseId === plan.databaseId;
  // A copy of a database has the id of the original.
  if (isSame && config.database === plan.database) return;
  const planned = quote(plan.database);
  const used = `the database ${quote(config.database)}`;
  const id = databaseId === undefined ? 'has no id' : `has the id ${databaseId}`;
  throw new BankctlError(
    'plan_mismatch',
    isSame
      ? `${name} is a plan of the database ${planned}, but the config names ${used}, ` +
          'which has the same id: one is a copy of the other.'
      : `${name} is a plan of the database ${planned} with the id ${quote(plan.databaseId)}, ` +
          `but ${used} ${id}.`,
    'Name the database of the plan with --config or --uri, or make a plan of this one.',
  );
}

/** What is found of the claims of a plan. */
interface Compared {
  readonly sums: Map<string, bigint>;
  readonly contradictions: string[];
}

async function compare(
  bank: Bank,
  claims: readonly Claim[],
  session: ClientSession,
): Promise<Compared> {
  const compared: Compared = { sums: new Map(), contradictions: [] };
  for (let start = 0; start < claims.length; start += claimsAtOnce) {
    const some = claims.slice(start, start + claimsAtOnce);
    await runWithin(bank.timeoutMs, () => compareSome(bank, some, session, compared));
  }
  return compared;
}

async function compareSome(
  bank: Bank,
  claims: readonly Claim[],
  session: ClientSession,
  { sums, contradictions }: Compared,
): Promise<void> {
  const changes = claims.map(({ change }) => change);
  const readings = await readAccounts(bank, changes, session);
  for (const change of changes) {
    const reading = readings.get(referenceKey(change));
    if (!isState(reading)) continue;
    sums.set(change.branch, (sums.get(change.branch) ?? 0n) + reading.balanceMinor);
  }
  const doubtful = claims.filter(({ change }) => isDoubtful(change, readings));
  const past = await readPast(bank, doubtful, session);
  for (const { line, change } of doubtful) {
    const wrong = contradictionOf(bank, change, readings, past.get(referenceKey(change)));
    if (wrong !== undefined) contradictions.push(`line ${line}: ${wrong}`);
  }
}

/** True if only the journal can tell whether the account was ever as the plan says. */
function isDoubtful(change: PlanChange, readings: ReadonlyMap<string, Reading>): boolean {
  return change.outsideMinor !== undefined || isBehind(change, readings);
}

function isBehind(change: PlanChange, readings: ReadonlyMap<string, Reading>): boolean {
  const reading = readings.get(referenceKey(change));
  if (reading === undefined) return true;
  return isState(reading) && reading.version < change.version;
}

/** What the journal says of an account at the version of a plan. */
interface Past {
  /** Whether it ever had the version. */
  wasThere: boolean;
  /** The sum of its amounts up to it; undefined if one of them cannot be read. */
  sumMinor: bigint | undefined;
}

async function readPast(
  bank: Bank,
  claims: readonly Claim[],
  session: ClientSession,
): Promise<ReadonlyMap<string, Past>> {
  const past = new Map<string, Past>();
  const versions = new Map<string, bigint>();
  for (const { change } of claims) {
    versions.set(referenceKey(change), change.version);
  }
  for (const [branch, accounts] of byBranch(claims.map(({ change }) => change))) {
    const asked = { branch, accounts: [...accounts] };
    for await (const batch of bank.scan.postingsOf(asked, session)) {
      for (const { posting } of batch) {
        const key = referenceKey({ branch, account: String(posting['account_number']) });
        const version = versionOf(posting['version']);
        const upTo = versions.get(key);
        if (version === undefined || upTo === undefined || version > upTo) continue;
        const amount = balanceFromDecimal(posting['amount'], bank.branches.currencyOf(branch));
        const before = past.get(key) ?? { wasThere: false, sumMinor: 0n };
        past.set(key, {
          wasThere: before.wasThere || version === upTo,
          sumMinor: add(before.sumMinor, amount),
        });
      }
    }
  }
  return past;
}

function add(left: bigint | undefined, right: bigint | undefined): bigint | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}

/** Why an account can never have been as the plan says, as a clause. */
function contradictionOf(
  bank: Bank,
  change: PlanChange,
  readings: ReadonlyMap<string, Reading>,
  past: Past | undefined,
): string | undefined {
  const shown = referenceKey(change);
  const { version, balanceMinor, outsideMinor } = change;
  if (isBehind(change, readings) && past?.wasThere !== true) {
    const exists = readings.has(shown);
    return exists
      ? `the account ${shown} never was at version ${version}`
      : `there is no account ${shown}, and never was one at version ${version}`;
  }
  if (outsideMinor === undefined || (past && past.sumMinor === undefined)) return undefined;
  const trueMinor = balanceMinor - (past?.sumMinor ?? 0n);
  if (trueMinor === outsideMinor) return undefined;
  const currency = bank.branches.currencyOf(change.branch);
  return (
    `the outside part of ${shown} is ${formatAmount(outsideMinor, currency)} in the plan, but ` +
    `${formatAmount(trueMinor, currency)} by the journal`
  );
}
