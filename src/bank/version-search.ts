import { type ClientSession, type Collection, type Document, Long } from 'mongodb';
import type { JournalDocument } from './journal-document.ts';
import { sessionOption } from './session-options.ts';
import { versionOf } from './stored-values.ts';

/** The versions of an account on both sides of a moment, as far as a search has found them. */
export interface VersionsAround {
  /** The postings earlier than the moment have this version at least; 0n if none was met. */
  readonly below: bigint;
  /** A posting of the moment or later; those earlier have lower versions. */
  readonly from: bigint | undefined;
  /** No version from here on was met before the moment: `from`, or one that is not there. */
  readonly end: bigint;
}

/** What is searched: accounts of one branch, and the moment that divides their postings. */
interface VersionQuery {
  readonly branch: string;
  readonly accounts: readonly string[];
  /** Undefined for the end of time: then `below` is close to the newest version. */
  readonly before: Date | undefined;
  /** Where to look first, such as the version that an account has. */
  readonly near?: bigint | undefined;
}

/** A gap of so many versions is read whole. */
const page = 16n;

/**
 * Versions that one round asks for in the gap of an account: for one account, few round trips are
 * quick; for many, few documents are.
 */
function probesFor(accounts: number): bigint {
  return accounts > 10 ? 4n : 16n;
}

/** How many clauses the server plans together in a moment. */
export const maxClauses = 200;

const powersOfTwo = Array.from({ length: 63 }, (_, power) => 2n ** BigInt(power));

/**
 * Finds where a moment falls among the versions of each account, at most 16 versions apart, in a
 * number of round trips that grows with the logarithm of their postings. It relies on what `post`
 * guarantees, that the times of an account's postings ascend with their versions. Neither versions
 * that are missing nor accounts that begin with another version than 1 make it wrong: the bounds
 * are only wider.
 */
export async function findVersionsAround(
  collection: Collection<JournalDocument>,
  { branch, accounts, before, near }: VersionQuery,
  session?: ClientSession,
): Promise<ReadonlyMap<string, VersionsAround>> {
  const isNear = near === undefined ? [] : [near, near + 1n];
  const first = [...new Set([...powersOfTwo, ...isNear])].sort((left, right) =>
    left < right ? -1 : 1,
  );
  const found = new Map<string, VersionsAround>();
  let asked: Asked = [{ accounts, probes: first }];
  for (const account of accounts) found.set(account, { below: 0n, from: undefined, end: 1n });
  while (asked.length > 0) {
    const seen = await readProbes(collection, branch, asked, before, session);
    for (const { accounts: some, probes } of asked) {
      for (const account of some) {
        const known = found.get(account);
        if (known) found.set(account, narrow(known, probes, seen.get(account)));
      }
    }
    const open = asked.flatMap(({ accounts: some }) => some);
    asked = nextProbes(found, open, probesFor(accounts.length));
  }
  return found;
}

/** Which accounts are asked for which versions. */
type Asked = readonly {
  readonly accounts: readonly string[];
  readonly probes: readonly bigint[];
}[];

/** What a round met of an account: the newest before the moment, and the oldest from it on. */
interface Seen {
  readonly below: bigint | undefined;
  readonly from: bigint | undefined;
}

function narrow(known: VersionsAround, probes: readonly bigint[], seen?: Seen): VersionsAround {
  const below = seen?.below ?? known.below;
  const from = seen?.from ?? known.from;
  // Times that do not ascend tell nothing, so nothing is bounded.
  if (from !== undefined && below >= from) return { below: 0n, from: undefined, end: 1n };
  return { below, from, end: probes.find((probe) => probe > below) ?? known.end };
}

/** Divides the gaps that are still wide; accounts with the same gap are asked for together. */
function nextProbes(
  found: ReadonlyMap<string, VersionsAround>,
  accounts: readonly string[],
  probes: bigint,
): Asked {
  const byGap = new Map<string, { readonly accounts: string[]; readonly probes: bigint[] }>();
  for (const account of accounts) {
    const { below, end } = found.get(account) ?? { below: 0n, end: 1n };
    const gap = end - below;
    if (gap <= page) continue;
    const key = `${below} ${end}`;
    const asked = byGap.get(key) ?? {
      accounts: [],
      probes: Array.from(
        { length: Number(probes) },
        (_, index) => below + (gap * BigInt(index + 1)) / probes,
      ),
    };
    byGap.set(key, asked);
    asked.accounts.push(account);
  }
  return [...byGap.values()];
}

async function readProbes(
  collection: Collection<JournalDocument>,
  branch: string,
  asked: Asked,
  before: Date | undefined,
  session: ClientSession | undefined,
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (let start = 0; start < asked.length; start += maxClauses) {
    const some = asked.slice(start, start + maxClauses);
    const clauses = some.map(({ accounts, probes }) => ({
      postings: {
        $elemMatch: {
          branch,
          account_number: { $in: [...accounts] },
          version: { $in: probes.map((probe) => Long.fromBigInt(probe)) },
        },
      },
    }));
    const numbers = some.flatMap(({ accounts }) => accounts);
    const rows = await collection
      .aggregate(sidesOf(branch, numbers, clauses, before), sessionOption(session))
      .toArray();
    for (const { _id, below, from } of rows) {
      seen.set(String(_id), { below: versionOf(below), from: versionOf(from) });
    }
  }
  return seen;
}

function sidesOf(
  branch: string,
  accounts: readonly string[],
  clauses: readonly Document[],
  before: Date | undefined,
): Document[] {
  const isBelow = before === undefined ? true : { $lt: ['$at', before] };
  const version = '$postings.version';
  return [
    { $match: { $or: clauses } },
    { $match: { at: { $type: 'date' } } },
    { $project: { at: 1, postings: { branch: 1, account_number: 1, version: 1 } } },
    { $unwind: '$postings' },
    { $match: { 'postings.branch': branch, 'postings.account_number': { $in: [...accounts] } } },
    {
      $group: {
        _id: '$postings.account_number',
        below: { $max: { $cond: [isBelow, version, null] } },
        from: { $min: { $cond: [isBelow, null, version] } },
      },
    },
  ];
}
