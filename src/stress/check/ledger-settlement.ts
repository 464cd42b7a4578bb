import { isRecord, printAmount } from '../history/event.ts';
import type { BranchMoney, Findings, Settlement } from './findings.ts';
import type { Asked, LedgerAccount, SnapshotRead } from './ledger-accounts.ts';
import { type Chain, judgeChain, readChain } from './ledger-chain.ts';
import { judgeSnapshots } from './ledger-snapshots.ts';

/** All that a history says, once its last line is known. */
interface LedgerEnd {
  readonly accounts: ReadonlyMap<string, LedgerAccount>;
  readonly asked: ReadonlyMap<string, Asked>;
  readonly snapshots: readonly SnapshotRead[];
  /** Operations with an id that had been used before. */
  readonly retried: number;
  /**
   * The value of the last line: the journal's `ids`, and, by account, what is stored about it:
   * `balance`, `version`, and its `postings` as `[version, id, amount, balance]`.
   */
  readonly applied: Readonly<Record<string, unknown>>;
}

/**
 * Compares what was asked and answered with the journal and the accounts that were read back. If
 * the last line has the ids alone, the acknowledged postings stand in for the journal's, up to the
 * first gap.
 */
export function settleLedger(end: LedgerEnd, findings: Findings): Settlement {
  const { ids } = end.applied;
  const stored = isRecord(end.applied['accounts']) ? end.applied['accounts'] : undefined;
  const applied = new Set<string>();
  if (Array.isArray(ids)) settleIds(ids, end.asked, applied, findings);
  else findings.doubted('its last line has no ids.');
  const due = appliedByAccount(end.asked, applied);
  const chains = [...end.accounts.values()].map((account) =>
    readChain(account, due.get(account.name) ?? [], end.asked, stored?.[account.name], findings),
  );
  const told = judgeSnapshots(end.snapshots, chains, end.asked, findings);
  for (const chain of chains) judgeChain(chain, end.asked, told, findings);
  for (const name of Object.keys(stored ?? {})) {
    if (!end.accounts.has(name)) {
      findings.found('misplaced', null, `${name} is stored, and nobody opened it`);
    }
  }
  if (stored) findLostLegs(end.asked, applied, findings);
  for (const name of stored ? end.accounts.keys() : []) {
    if (!isRecord(stored?.[name])) findings.found('lost', null, `the account ${name} is gone`);
  }
  findStrangers(chains, end.asked, applied, findings);
  findReversedTwice(end.asked, applied, findings);
  const branches = stored ? branchMoney(end, chains, applied) : [];
  const report = {
    retried: end.retried,
    unknown_applied: unknownApplied(end.asked, applied),
    ...(stored ? { branches } : {}),
  };
  return { report, branches };
}

/** What the journal says of every id. */
function settleIds(
  ids: readonly unknown[],
  asked: ReadonlyMap<string, Asked>,
  applied: Set<string>,
  findings: Findings,
): void {
  for (const id of ids.map(String)) {
    if (applied.has(id)) {
      findings.found('duplicate', null, `${id} is in the journal twice`);
      continue;
    }
    applied.add(id);
    const ending = asked.get(id)?.ending;
    if (ending === undefined) findings.found('phantom', null, `${id} was never asked for`);
    if (ending === 'fail') findings.found('phantom', null, `${id} was refused, but is applied`);
    if (ending === 'said') {
      findings.found('phantom', null, `${id} was said to be not applied, but is applied`);
    }
  }
  for (const [id, { ending }] of asked) {
    if (ending === 'ok' && !applied.has(id)) {
      findings.found('lost', null, `${id} was acknowledged, but is not in the journal`);
    }
  }
}

function appliedByAccount(
  asked: ReadonlyMap<string, Asked>,
  applied: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const due = new Map<string, string[]>();
  for (const id of applied) {
    for (const { account } of asked.get(id)?.legs ?? []) {
      const ids = due.get(account) ?? [];
      due.set(account, ids);
      ids.push(id);
    }
  }
  return due;
}

/** A posting is a part of an operation of the journal. */
function findStrangers(
  chains: readonly Chain[],
  asked: ReadonlyMap<string, Asked>,
  applied: ReadonlySet<string>,
  findings: Findings,
): void {
  for (const { account, stored } of chains) {
    // One that was acknowledged, or never asked for, has been found through its id.
    const stranger = stored.find((id) => !applied.has(id) && asked.get(id)?.ending !== 'ok');
    if (stranger !== undefined) {
      const what = `${stranger} is posted on ${account.name}`;
      findings.found('phantom', null, `${what}, but is not in the journal`);
    }
  }
}

/** What has been reversed cannot be reversed again. */
function findReversedTwice(
  asked: ReadonlyMap<string, Asked>,
  applied: ReadonlySet<string>,
  findings: Findings,
): void {
  const reversals = new Map<unknown, string>();
  for (const id of applied) {
    const reverses = asked.get(id)?.reverses;
    if (reverses === undefined) continue;
    const other = reversals.get(reverses);
    if (other === undefined) reversals.set(reverses, id);
    else findings.found('duplicate', null, `${reverses} is taken back by ${other} and by ${id}`);
  }
}

/** An operation in the journal must have a posting on each of its accounts. */
function findLostLegs(
  asked: ReadonlyMap<string, Asked>,
  applied: ReadonlySet<string>,
  findings: Findings,
): void {
  for (const id of applied) {
    const operation = asked.get(id);
    if (operation?.misplaced) continue;
    const missing = operation?.legs.find(({ posted }) => !posted);
    if (missing) findings.found('lost', null, `${id} has no posting on ${missing.account}`);
  }
}

function unknownApplied(asked: ReadonlyMap<string, Asked>, applied: ReadonlySet<string>): number {
  let count = 0;
  for (const [id, { unknown }] of asked) if (applied.has(id)) count += unknown;
  return count;
}

/** Each branch's balance according to what was asked for and applied, and as it is stored. */
function branchMoney(
  { accounts, asked }: LedgerEnd,
  chains: readonly Chain[],
  applied: ReadonlySet<string>,
): readonly BranchMoney[] {
  const expected = new Map<string, bigint>();
  const actual = new Map<string, bigint>();
  const add = (sums: Map<string, bigint>, account: string, amount: bigint) => {
    const branch = account.slice(0, account.indexOf(':'));
    sums.set(branch, (sums.get(branch) ?? 0n) + amount);
  };
  for (const { name, initialBalance } of accounts.values()) add(expected, name, initialBalance);
  for (const id of applied) {
    for (const { account, amount } of asked.get(id)?.legs ?? []) add(expected, account, amount);
  }
  for (const { account, balance } of chains) add(actual, account.name, balance ?? 0n);
  return [...expected].map(([branch, sum]) => ({
    branch,
    expected: printAmount(sum),
    actual: printAmount(actual.get(branch) ?? 0n),
  }));
}
