import type { Findings } from './history-findings.ts';
import type { Asked, SnapshotRead } from './ledger-accounts.ts';
import type { Chain } from './ledger-chain.ts';

/** What the postings of an account come to, version by version. */
interface Prefix {
  readonly first: number;
  readonly sums: readonly bigint[];
  /** Fingerprints of the transfers so far, combined by exclusive or; two words each. */
  readonly marks: Uint32Array;
}

/**
 * Judges all snapshots against the postings. A snapshot has a version of each account, so it says
 * which postings it saw. Every transfer has a fingerprint that each of its two legs adds to its
 * account by exclusive or: over all accounts they cancel out where both legs were seen or neither,
 * and what remains tells that a snapshot is torn, at the cost of one look an account. The
 * fingerprints have 64 bits, so that a torn one is overlooked once in 2^64.
 *
 * @returns the lines of those that do not add up
 */
export function judgeSnapshots(
  snapshots: readonly SnapshotRead[],
  chains: readonly Chain[],
  asked: ReadonlyMap<string, Asked>,
  findings: Findings,
): ReadonlySet<number> {
  const told = new Set<number>();
  if (snapshots.length === 0) return told;
  const prefixes = chains.map((chain) => prefixOf(chain, asked));
  for (const snapshot of snapshots) {
    const { line } = snapshot;
    const seen = lookUp(snapshot, prefixes);
    if (!seen) {
      findings.unproved(`the snapshot of line ${line} saw postings that are not known.`);
    } else if (seen.torn) {
      findings.found('torn', line, findings.first ? '' : describe(snapshot, chains));
    } else if (seen.due !== snapshot.total) {
      findings.found('wrong_total', line, 'the snapshot does not add up to what was posted');
      told.add(line);
    }
  }
  return told;
}

/** @returns undefined where the snapshot saw a version that has no known posting */
function lookUp(
  { versions }: SnapshotRead,
  prefixes: readonly Prefix[],
): { readonly torn: boolean; readonly due: bigint } | undefined {
  let [high, low, due] = [0, 0, 0n];
  for (const [place, { first, sums, marks }] of prefixes.entries()) {
    const seen = (versions[place] ?? 0) - first;
    const sum = sums[seen];
    if (sum === undefined) return undefined;
    due += sum;
    high ^= marks[2 * seen] ?? 0;
    low ^= marks[2 * seen + 1] ?? 0;
  }
  return { torn: high !== 0 || low !== 0, due };
}

function prefixOf({ account, links }: Chain, asked: ReadonlyMap<string, Asked>): Prefix {
  const sums: bigint[] = [account.initialBalance];
  const marks = new Uint32Array(2 * (links.length + 1));
  for (const [place, { id, sum }] of links.entries()) {
    const isTransfer = asked.get(id)?.legs.length === 2;
    const [high, low] = isTransfer ? [hash(id, 0x811c9dc5), hash(id, 0x9747b28c)] : [0, 0];
    marks[2 * place + 2] = (marks[2 * place] ?? 0) ^ high;
    marks[2 * place + 3] = (marks[2 * place + 1] ?? 0) ^ low;
    sums.push(sum);
  }
  return { first: account.initialVersion, sums, marks };
}

/** FNV-1a with an avalanche at its end, so that ids that differ in one digit differ everywhere. */
function hash(text: string, seed: number): number {
  let bits = seed;
  for (let place = 0; place < text.length; place += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(place), 0x01000193);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Names a transfer of which the snapshot saw one leg. Slow, for the one that is shown. */
function describe({ versions }: SnapshotRead, chains: readonly Chain[]): string {
  const legs = new Map<string, string>();
  for (const [place, { account, links }] of chains.entries()) {
    const seen = (versions[place] ?? 0) - account.initialVersion;
    for (const { id } of links.slice(0, seen)) {
      if (!legs.delete(id)) legs.set(id, account.name);
    }
  }
  const others = chains.flatMap(({ account, links }) =>
    links.map(({ id }) => ({ id, name: account.name })),
  );
  const half = others.find(({ id, name }) => legs.has(id) && legs.get(id) !== name);
  if (!half) return 'the snapshot has one leg of a transfer and not the other';
  return `the snapshot has ${half.id} on ${legs.get(half.id)}, and not on ${half.name}`;
}
