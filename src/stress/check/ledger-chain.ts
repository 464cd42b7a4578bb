import { historyAmount, isRecord, versionOf } from '../history/event.ts';
import type { Findings } from './findings.ts';
import type { Asked, Claim, LedgerAccount } from './ledger-accounts.ts';

/** One posting of an account, as it is stored or was acknowledged. */
interface ChainLink {
  readonly id: string;
  /** In millionths. */
  readonly amount: bigint;
  /** What the account holds after it: the sum of all postings so far. */
  readonly sum: bigint;
}

/** The postings of an account in order of their versions, without a gap. */
export interface Chain {
  readonly account: LedgerAccount;
  /** The first one has the version after the account's initial one. */
  readonly links: readonly ChainLink[];
  /** Ids of the postings that are stored, even after a gap. */
  readonly stored: readonly string[];
  /** The account as it is stored; undefined if the history does not say. */
  readonly balance: bigint | undefined;
  /** True if nothing is missing from it. */
  readonly complete: boolean;
}

/**
 * The postings of an account: the stored ones, or else those that were acknowledged.
 *
 * @param due ids in the journal that are about the account, in any order
 */
export function readChain(
  account: LedgerAccount,
  due: readonly string[],
  asked: ReadonlyMap<string, Asked>,
  stored: unknown,
  findings: Findings,
): Chain {
  if (isRecord(stored)) return storedChain(account, asked, stored, findings);
  const { name, initialVersion, postings } = account;
  const acknowledged = new Set(postings.values());
  const unanswered = due.filter((id) => !acknowledged.has(id));
  const missing = account.highest - initialVersion - postings.size;
  if (missing > unanswered.length) {
    findings.found('gap', null, `${name} lacks ${missing} of its versions`);
  }
  if (account.read < initialVersion + due.length) {
    findings.unproved(`${name} was not read after its last posting.`);
  }
  // An operation that got no answer has the one version that no other has.
  const [only] = unanswered.length === 1 ? unanswered : [];
  const links: ChainLink[] = [];
  let sum = account.initialBalance;
  const last = initialVersion + Math.max(due.length, postings.size);
  let filled = false;
  for (let version = initialVersion + 1; version <= last; version += 1) {
    const id: string | undefined = postings.get(version) ?? (filled ? undefined : only);
    if (id === undefined) break;
    if (!postings.has(version)) filled = true;
    const amount = amountOf(asked.get(id), name) ?? 0n;
    sum += amount;
    links.push({ id, amount, sum });
  }
  return { account, links, stored: [], balance: undefined, complete: links.length >= due.length };
}

function storedChain(
  account: LedgerAccount,
  asked: ReadonlyMap<string, Asked>,
  stored: Readonly<Record<string, unknown>>,
  findings: Findings,
): Chain {
  const { name } = account;
  const postings = Array.isArray(stored['postings']) ? stored['postings'] : [];
  const links: ChainLink[] = [];
  const first = account.initialVersion;
  let sum = account.initialBalance;
  let last = first;
  let missing = 0;
  let drifted: string | undefined;
  for (const posting of postings) {
    const [stated, id, amount, after] = Array.isArray(posting) ? posting : [];
    const version = versionOf(stated) ?? 0;
    const millionths = historyAmount(amount) ?? 0n;
    sum += millionths;
    missing += Math.max(0, version - last - 1);
    if (version <= last) {
      findings.found('regressed', null, `${name} has a second posting of version ${version}`);
    }
    last = Math.max(last, version);
    if (missing === 0) links.push({ id: String(id), amount: millionths, sum });
    if (historyAmount(after) !== sum) drifted ??= `its version ${version} has ${after}`;
    judgeStoredPosting([String(id), name, millionths, version], asked, findings);
  }
  const version = versionOf(stored['version']) ?? -1;
  missing += Math.max(0, version - last);
  if (missing > 0) findings.found('gap', null, `${name} lacks ${missing} of its versions`);
  if (version < last) {
    findings.found('regressed', null, `${name} has version ${version}, its postings ${last}`);
  }
  const balance = historyAmount(stored['balance']);
  if (balance !== sum) drifted ??= `it has ${stored['balance']}`;
  if (drifted !== undefined) {
    findings.found('drift', null, `${name} is not the sum of its postings: ${drifted}`);
  }
  if ((balance ?? 0n) < 0n) {
    findings.found('negative', null, `${name} has ${stored['balance']}`);
  }
  const ids = postings.map((posting) => String(Array.isArray(posting) ? posting[1] : ''));
  return { account, links, stored: ids, balance, complete: missing === 0 };
}

function judgeStoredPosting(
  [id, name, amount, version]: readonly [string, string, bigint, number],
  asked: ReadonlyMap<string, Asked>,
  findings: Findings,
): void {
  const operation = asked.get(id);
  // That it was never asked for is found through the journal's ids.
  if (!operation) return;
  const leg = operation.legs.find(({ account }) => account === name);
  if (!leg && operation.misplaced) return;
  if (!leg) {
    operation.misplaced = true;
    findings.found('misplaced', null, `${id} is posted on ${name}, which it is not about`);
  } else if (leg.posted) {
    findings.found('duplicate', null, `${id} is posted twice on ${name}`);
  } else {
    leg.posted = true;
    if (leg.amount !== amount) {
      findings.found('drift', null, `${id} is posted on ${name} with another amount`);
    }
    if (leg.version === undefined && version <= leg.finished) {
      const what = `${id} is posted on ${name} as version ${version}`;
      findings.found('regressed', null, `${what}, and began after ${leg.finished} was finished`);
    }
  }
}

/**
 * Compares what callers were told of an account with its postings.
 *
 * @param told lines whose balances have been found to be wrong already
 */
export function judgeChain(
  chain: Chain,
  asked: ReadonlyMap<string, Asked>,
  told: ReadonlySet<number>,
  findings: Findings,
): void {
  const { account, links } = chain;
  const first = account.initialVersion;
  const judge = ({ line, version, balance }: Claim) => {
    const due = version === first ? account.initialBalance : links[version - first - 1]?.sum;
    if (due !== undefined && due !== balance) {
      // It has been found already, under another name.
      if (told.has(line) || balance < 0n) return;
      const what = `${account.name} was reported to have another balance at version ${version}`;
      findings.found('drift', line, `${what} than its postings make`);
    } else if (due === undefined && chain.complete && !account.postings.has(version)) {
      const last = first + links.length;
      const what = `${account.name} was seen with version ${version}`;
      findings.found('regressed', line, `${what}, and ended with ${last}`);
    } else if (due === undefined && version > first) {
      findings.unproved(`the balance of ${account.name} in line ${line} cannot be checked.`);
    }
  };
  for (const claim of account.claims.values()) judge(claim);
  for (const claim of account.disputed) {
    judge(claim);
    if (claim.version === first || links[claim.version - first - 1]) continue;
    const what = `${account.name} was reported to have two balances`;
    findings.found('drift', claim.line, `${what} with version ${claim.version}`);
  }
  if (!chain.complete) return;
  for (const [version, id] of account.postings) {
    const link = links[version - first - 1];
    const isStored = asked.get(id)?.legs.some((leg) => leg.account === account.name && leg.posted);
    if (isStored && link?.id !== id) {
      findings.found('drift', null, `${id} was given version ${version}, which ${link?.id} has`);
    }
  }
}

function amountOf(asked: Asked | undefined, account: string): bigint | undefined {
  return asked?.legs.find((leg) => leg.account === account)?.amount;
}
