import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Decimal128, Document } from 'mongodb';
import type { Correction } from '../../src/audit/correction.ts';
import { planText } from '../../src/audit/plan/plan-text.ts';
import type { BranchConfig } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/parser.ts';
import { formatAmount, parseAmount } from '../../src/core/money.ts';
import type { Workspace } from '../workspace.ts';

/** Two branches of one currency, and a third one of another. */
export const planConfig = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2 }
  euro: { collection: euro, currency: EUR }
`;

const config = loadConfig('test.yaml', planConfig);

/** A branch as the test's config states it. */
export function branchOf(name: string): BranchConfig {
  const found = config.branches.find((branch) => branch.name === name);
  if (!found) throw new Error(`no branch ${name}`);
  return found;
}

/** The database id that plans are pinned to. */
export async function databaseId({ db }: Workspace): Promise<string> {
  const identity = await db.collection('bankctl').findOne();
  return String(identity?.['database_id']);
}

/** How much an account is to have, by `BRANCH:ACCOUNT`; as text. */
export type Wanted = Readonly<Record<string, string>>;

/** The corrections that give each account what it is wanted to have, from what is stored now. */
export async function correctionsFor(
  bank: Workspace,
  wanted: Wanted,
): Promise<readonly Correction[]> {
  const byNumber = new Map<string, Correction['legs'][number][]>();
  for (const [name, text] of Object.entries(wanted)) {
    const [branch = '', account = ''] = name.split(':');
    const { currency } = branchOf(branch);
    const { balance, version } = await stored(bank, branch, account);
    const balanceMinor = parseAmount(balance, currency);
    const leg = {
      ...{ branch, account, balanceMinor, version },
      amountMinor: parseAmount(text, currency) - balanceMinor,
      outsideMinor: balanceMinor - (await journalled(bank, branch, account)),
    };
    byNumber.set(account, [...(byNumber.get(account) ?? []), leg]);
  }
  return [...byNumber].map(([account, legs]) => ({
    findings: ['lost_write' as const, 'misplaced_write' as const],
    account,
    why: `${account} is not as it should be`,
    legs,
  }));
}

/** Writes a plan file. @returns its text */
export async function writePlan(
  bank: Workspace,
  corrections: readonly Correction[],
  name = 'plan.yaml',
): Promise<string> {
  const head = {
    ...{ database: bank.db.databaseName, databaseId: await databaseId(bank) },
    ...{ madeMs: Date.UTC(2026, 0, 2), by: 'clerk@desk', idPrefix: 'fix' },
  };
  const text = [...planText(head, corrections, branchOf)].join('');
  await writeFile(join(bank.directory, name), text);
  return text;
}

/** The balance and version of an account's document. */
export async function stored({ db }: Workspace, branch: string, account: string) {
  const found = await db
    .collection(branch)
    .findOne({ account_number: account }, { promoteLongs: false });
  if (!found) throw new Error(`no account ${branch}:${account}`);
  return { balance: plain(found['balance'], branch), version: BigInt(String(found['version'])) };
}

/** The sum of an account's amounts in the journal, in minor units. */
export async function journalled({ db }: Workspace, branch: string, account: string) {
  const documents = await db
    .collection('journal')
    .find({ postings: { $elemMatch: { branch, account_number: account } } })
    .toArray();
  const amounts = documents.flatMap(({ postings }) =>
    postings
      .filter((it: Document) => it['branch'] === branch && it['account_number'] === account)
      .map((it: Document) => parseAmount(plain(it['amount'], branch), branchOf(branch).currency)),
  );
  return amounts.reduce((sum: bigint, amount: bigint) => sum + amount, 0n);
}

function plain(value: Decimal128, branch: string): string {
  const { currency } = branchOf(branch);
  return formatAmount(parseAmount(value.toString(), currency), currency);
}

/** A write of a legacy program, past the journal. */
export async function legacyAdd(
  { db }: Workspace,
  name: string,
  amount: Decimal128,
): Promise<void> {
  const [branch = '', account = ''] = name.split(':');
  await db.collection(branch).updateOne({ account_number: account }, { $inc: { balance: amount } });
}
