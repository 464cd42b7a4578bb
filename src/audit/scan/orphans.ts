import type { Document } from 'mongodb';
import { balanceFromDecimal } from '../../bank/decimal.ts';
import type { BranchConfig } from '../../config/config.ts';
import { formatAmount } from '../../core/money.ts';
import type { Finding } from '../finding.ts';
import type { Audited } from './audited.ts';
import { readHead, readPosting } from './journal-posting.ts';
import { asStored, currenciesOf } from './journal-scan.ts';

/**
 * Finds accounts that the journal has postings of and that have no document, if the fingerprints
 * say that there may be some.
 * @param maxSuspects beyond so many accounts the server sorts them, which takes it long
 */
export async function* findOrphans(
  audited: Audited,
  maxSuspects = 50_000,
): AsyncGenerator<readonly Finding[]> {
  const { places, skipped, fingerprints, host } = audited;
  if (fingerprints.allZero()) return;
  host.progress('Looking for accounts that are gone');
  const few = await readSuspects(audited, maxSuspects);
  for (const { branch } of places) {
    if (!branch || skipped.has(branch.collection)) continue;
    const batches = few ? inBatches(few.get(branch.name)) : sortedSuspects(audited, branch);
    for await (const suspects of batches) yield await orphansAmong(audited, branch, suspects);
  }
}

/** The newest posting of an account. */
interface Newest {
  readonly version: bigint;
  /** Undefined if it cannot be read. */
  readonly balanceMinor: bigint | undefined;
}

type Suspects = ReadonlyMap<string, Newest>;

/** The accounts of each branch whose fingerprints do not sum to zero; undefined if too many. */
async function readSuspects(
  audited: Audited,
  maxSuspects: number,
): Promise<ReadonlyMap<string, Suspects> | undefined> {
  const { fingerprints, places, skipped } = audited;
  const read = new Set(
    places.filter(({ collection }) => !skipped.has(collection)).map(({ name }) => name),
  );
  const found = new Map<string, Map<string, Newest>>();
  let accounts = 0;
  const visit = (branch: string, account: string, version: bigint, balanceMinor: bigint) => {
    const ofBranch = found.get(branch) ?? new Map<string, Newest>();
    found.set(branch, ofBranch);
    const before = ofBranch.get(account);
    if (!before) accounts += 1;
    if (!before || before.version < version) ofBranch.set(account, { version, balanceMinor });
  };
  const isSuspect = (branch: string, account: string) =>
    read.has(branch) && !fingerprints.isZero(fingerprints.keyOf(branch, account));
  const batches = asStored(audited, ({ branch, account, version, balanceAfterMinor }) => {
    if (!isSuspect(branch, account)) return;
    visit(branch, account, BigInt(version), BigInt(balanceAfterMinor));
  });
  for await (const { others } of batches) {
    for (const { branch, account, version, balanceAfterMinor } of postingsOf(audited, others)) {
      if (isSuspect(branch, account)) visit(branch, account, version, balanceAfterMinor);
    }
    if (accounts > maxSuspects) return undefined;
  }
  return found;
}

function postingsOf(audited: Audited, documents: readonly Document[]) {
  const currencies = currenciesOf(audited);
  return documents.flatMap((document) => {
    const head = readHead(document);
    const postings: readonly Document[] = Array.isArray(document['postings'])
      ? document['postings']
      : [];
    return postings.flatMap((stored) => {
      const branch: unknown = stored?.['branch'];
      const currency = currencies.get(branch);
      const posting = head && currency && readPosting(head, stored, currency);
      return posting && typeof branch === 'string' ? [{ ...posting, branch }] : [];
    });
  });
}

const accountsAtOnce = 1000;

function* inBatches(suspects: Suspects = new Map()): Iterable<Suspects> {
  const entries = [...suspects];
  for (let start = 0; start < entries.length; start += accountsAtOnce) {
    yield new Map(entries.slice(start, start + accountsAtOnce));
  }
}

/** Later than any posting. */
const endOfTimes = new Date(Date.UTC(9999, 11, 31));

/** The same from a list of all accounts that the server makes, for when they are too many. */
async function* sortedSuspects(
  { bank, session, fingerprints }: Audited,
  { name, currency }: BranchConfig,
): AsyncIterable<Suspects> {
  const batches = bank.journal?.accountsAt(endOfTimes, { branch: name }, session);
  for await (const batch of batches ?? []) {
    const suspects = new Map<string, Newest>();
    for (const { _id, last } of batch) {
      const account = String(_id['account_number']);
      if (fingerprints.isZero(fingerprints.keyOf(name, account))) continue;
      const balanceMinor = balanceFromDecimal(last['balance'], currency);
      suspects.set(account, { version: BigInt(String(last['version'])), balanceMinor });
    }
    yield suspects;
  }
}

async function orphansAmong(
  { bank, session }: Audited,
  branch: BranchConfig,
  suspects: Suspects,
): Promise<readonly Finding[]> {
  if (suspects.size === 0) return [];
  const of = { branch: branch.name, accounts: [...suspects.keys()] };
  const documents = await bank.scan.documentsOf(of, session);
  return [...suspects]
    .filter(([account]) => (documents.get(account)?.own ?? 0) === 0)
    .map(([account, newest]) => orphan(branch, account, newest));
}

function orphan(
  { name, currency }: BranchConfig,
  account: string,
  { version, balanceMinor }: Newest,
): Finding {
  const amount = balanceMinor === undefined ? undefined : formatAmount(balanceMinor, currency);
  return {
    code: 'orphan_posting',
    account,
    branch: name,
    ...(amount === undefined ? {} : { amount, currency: currency.code }),
    detail:
      `The journal has postings of ${name}:${account} up to version ${version}` +
      `${amount === undefined ? '' : `, with the balance ${amount} ${currency.code}`}, but no ` +
      `document of it has the stamp of ${name}.`,
    cause: null,
    repair: 'Restore the document from a backup; its balance and version are in the journal.',
  };
}
