import { readAccount } from '../../bank/account.ts';
import { isAltered } from '../../bank/altered-operation.ts';
import type { AccountState } from '../../bank/book.ts';
import { type Chain, createChain } from '../../bank/chain.ts';
import { isLegacyAccount, readLegacy } from '../../bank/legacy-document.ts';
import { findBranch } from '../../config/branch-lookup.ts';
import type { BranchConfig } from '../../config/config.ts';
import { BankctlError } from '../../core/errors.ts';
import { count, quote } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import type { Audited } from './audited.ts';
import { chainFindings } from './chain-findings.ts';
import { type ChainPosting, readHead, readPosting } from './journal-posting.ts';
import type { OutsideCorrections } from './outside-corrections.ts';
import { type Suspect, suspectsOf } from './suspects.ts';

/**
 * Follows the chain of every account whose fingerprints do not sum to zero, posting by posting,
 * and takes these accounts out of the sums: what is left then has postings but no document.
 */
export async function* reconcile(
  audited: Audited,
  corrections: OutsideCorrections,
): AsyncGenerator<readonly Finding[]> {
  const { places, skipped, fingerprints } = audited;
  for (const { branch } of places) {
    if (!branch || skipped.has(branch.collection) || fingerprints.allZero()) continue;
    let followed = 0;
    for await (const documents of suspectsOf(audited, branch, fingerprints)) {
      const suspects = documents.map((suspect) => toSuspect(branch, suspect));
      yield await follow(audited, branch, suspects, corrections);
      followed += suspects.length;
      audited.host.progress(`Following ${branch.name}: ${count(followed, 'account')}`);
    }
  }
}

/** A document of the branch; what it says of the account is undefined if it cannot be read. */
interface ReadSuspect {
  readonly account: string;
  readonly state: AccountState | undefined;
}

function toSuspect(branch: BranchConfig, { account, document }: Suspect): ReadSuspect {
  const state = readAccount(document, branch);
  return { account, state: state instanceof BankctlError ? undefined : state };
}

async function follow(
  audited: Audited,
  branch: BranchConfig,
  suspects: readonly ReadSuspect[],
  corrections: OutsideCorrections,
): Promise<readonly Finding[]> {
  const { fingerprints, host, altered } = audited;
  const twice = await findTwice(audited, branch, suspects);
  const { chains, changed } = await readChains(audited, branch, suspects);
  const findings: Finding[] = [];
  for (const { account, state } of suspects) {
    if (!state) continue;
    const key = fingerprints.keyOf(branch.name, account);
    fingerprints.add(key, state.version, state.balanceMinor, -1);
    if (twice.has(account)) continue;
    const verdict = (chains.get(account) ?? createChain<ChainPosting>()).end(state);
    const followed = { ...state, branch, account, isClosed: state.status === 'closed' };
    const found = chainFindings(followed, verdict, host.formatTime);
    const operations = changed.get(account);
    if (operations) {
      altered.add(account);
      findings.push(...operations.map((id) => alteredOperation(branch, account, id)));
      // What the balance differs by from a journal that was changed is nobody's write.
      findings.push(...found.filter(({ code }) => code !== 'outside_write'));
      continue;
    }
    findings.push(...found);
    // One that no program could name would make the whole plan unusable.
    if (isNumber(account, branch)) corrections.add(followed, verdict);
  }
  return findings;
}

function isNumber(account: string, branch: BranchConfig): boolean {
  const read = readLegacy({ account_number: account }, branch);
  return isLegacyAccount(read) && read.account === account;
}

function alteredOperation({ name }: BranchConfig, account: string, operation: string): Finding {
  return {
    ...{ code: 'bad_document', account, branch: name, operation },
    detail:
      `The journal document ${quote(operation)} was changed since it was written: what it says ` +
      `of ${name}:${account} is not what was asked for.`,
    cause: null,
    repair: 'Restore that document of the journal from a backup; until then nothing is planned.',
  };
}

/** What the journal has of accounts. */
interface ReadChains {
  readonly chains: ReadonlyMap<string, Chain<ChainPosting>>;
  /** The operations that were changed since they were written, by account. */
  readonly changed: ReadonlyMap<string, readonly string[]>;
}

/** The postings of the accounts, which are taken out of the sums. */
async function readChains(
  { bank, session, fingerprints }: Audited,
  { name, currency }: BranchConfig,
  suspects: readonly ReadSuspect[],
): Promise<ReadChains> {
  const accounts = [...new Set(suspects.map(({ account }) => account))];
  const chains = new Map<string, Chain<ChainPosting>>();
  const changed = new Map<string, string[]>();
  const currencyOf = (branch: string) => findBranch(bank.config, branch).currency;
  const of = { branch: name, accounts };
  for await (const batch of bank.scan.postingsOf(of, session)) {
    for (const document of batch) {
      const head = readHead(document);
      const posting = head && readPosting(head, document.posting, currency);
      if (!posting) continue;
      const { account, version, amountMinor, balanceAfterMinor } = posting;
      const key = fingerprints.keyOf(name, account);
      fingerprints.add(key, version, balanceAfterMinor, 1);
      fingerprints.add(key, version - 1n, balanceAfterMinor - amountMinor, -1);
      const chain = chains.get(account) ?? createChain<ChainPosting>();
      chains.set(account, chain);
      chain.add(posting);
      if (!isAltered(document.operation, currencyOf)) continue;
      changed.set(account, [...(changed.get(account) ?? []), posting.operation]);
    }
  }
  return { chains, changed };
}

/** Accounts of several documents, of which nobody knows the right one: that is reported already. */
async function findTwice(
  { bank, session, repeated }: Audited,
  branch: BranchConfig,
  suspects: readonly ReadSuspect[],
): Promise<ReadonlySet<string>> {
  if (!repeated.has(branch.collection)) return new Set();
  const of = { branch: branch.name, accounts: suspects.map(({ account }) => account) };
  const documents = await bank.scan.documentsOf(of, session);
  return new Set([...documents].filter(([, { all }]) => all > 1).map(([account]) => account));
}
