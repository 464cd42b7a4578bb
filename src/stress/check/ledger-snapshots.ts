import type { Findings } from './findings.ts';
import type { Asked, SnapshotRead } from './ledger-accounts.ts';
import type { Chain } from './ledger-chain.ts';

/** What the postings of an account add up to, version by version. */
interface Prefix {
  readonly first: number;
  readonly sums: readonly bigint[];
  /** Fingerprints of the transfers so far, combined by exclusive or; two words each. */
  readonly marks: Uint32Array;
  /** The latest line that begins one of the postings so far. */
  readonly begun: readonly number[];
}

/**
 * Judges all snapshots against the postings. A snapshot has a version of each account, so it says
 * which postings it saw. Every transfer has a fingerprint that each of its two legs adds to its
 * account by exclusive or: over all accounts they cancel out if both legs were seen or neither, and
 * a remainder shows that a snapshot is torn, at the cost of one look-up per account. The
 * fingerprints have 64 bits, so the chance of overlooking a torn one is 1 in 2^64.
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
    } else {
      findOmission(snapshot, seen.begun, chains, findings);
    }
  }
  findDisorder(snapshots, chains, findings);
  return told;
}

/** @returns undefined if the snapshot saw a version that has no known posting */
function lookUp(
  { versions }: SnapshotRead,
  prefixes: readonly Prefix[],
): { readonly torn: boolean; readonly due: bigint; readonly begun: number } | undefined {
  let [high, low, due, latest] = [0, 0, 0n, 0];
  for (const [place, { first, sums, marks, begun }] of prefixes.entries()) {
    const seen = (versions[place] ?? 0) - first;
    const sum = sums[seen];
    if (sum === undefined) return undefined;
    due += sum;
    latest = Math.max(latest, begun[seen] ?? 0);
    high ^= marks[2 * seen] ?? 0;
    low ^= marks[2 * seen + 1] ?? 0;
  }
  return { torn: high !== 0 || low !== 0, due, begun: latest };
}

/**
 * If a snapshot saw an operation, it must also have seen whatever was finished before that
 * operation began, even if that was not finished before the snapshot itself began.
 */
function findOmission(
  { line, versions }: SnapshotRead,
  begun: number,
  chains: readonly Chain[],
  findings: Findings,
): void {
  for (const [place, { account }] of chains.entries()) {
    const due = toldBefore(account.told, begun);
    const version = versions[place] ?? 0;
    if (version >= due) continue;
    const what = `the snapshot has ${account.name} with version ${version}`;
    const seen = `what began in line ${begun}, when version ${due} was finished`;
    findings.found('stale', line, `${what}, and ${seen}`);
    return;
  }
}

/** The highest version that anybody had been told before a line. */
function toldBefore(
  told: readonly { readonly version: number; readonly line: number }[],
  line: number,
): number {
  let [low, high] = [0, told.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((told[middle]?.line ?? 0) < line) low = middle + 1;
    else high = middle;
  }
  return told[low - 1]?.version ?? 0;
}

/**
 * All snapshots show one sequence of states: of any two, one is at least as new as the other
 * everywhere.
 */
function findDisorder(
  snapshots: readonly SnapshotRead[],
  chains: readonly Chain[],
  findings: Findings,
): void {
  const sum = ({ versions }: SnapshotRead) => versions.reduce((all, one) => all + one, 0);
  const ordered = snapshots
    .map((snapshot) => ({ snapshot, sum: sum(snapshot) }))
    .sort((left, right) => left.sum - right.sum);
  let before: SnapshotRead | undefined;
  for (const { snapshot } of ordered) {
    const last = before;
    before = snapshot;
    const behind = snapshot.versions.findIndex(
      (version, place) => version < (last?.versions[place] ?? 0),
    );
    if (behind < 0 || !last) continue;
    const what = `the snapshot has an older ${chains[behind]?.account.name} than that of line`;
    findings.found('torn', snapshot.line, `${what} ${last.line}, and something else is newer`);
  }
}

function prefixOf({ account, links }: Chain, asked: ReadonlyMap<string, Asked>): Prefix {
  const sums: bigint[] = [account.initialBalance];
  const marks = new Uint32Array(2 * (links.length + 1));
  const begun = [0];
  for (const [place, { id, sum }] of links.entries()) {
    const isTransfer = asked.get(id)?.legs.length === 2;
    const [high, low] = isTransfer ? [hash(id, 0x811c9dc5), hash(id, 0x9747b28c)] : [0, 0];
    marks[2 * place + 2] = (marks[2 * place] ?? 0) ^ high;
    marks[2 * place + 3] = (marks[2 * place + 1] ?? 0) ^ low;
    sums.push(sum);
    begun.push(Math.max(begun.at(-1) ?? 0, asked.get(id)?.begun ?? 0));
  }
  return { first: account.initialVersion, sums, marks, begun };
}

/**
 * FNV-1a with an avalanche at its end, so that the hashes of ids that differ in one digit differ
 * everywhere.
 */
function hash(text: string, seed: number): number {
  let bits = seed;
  for (let place = 0; place < text.length; place += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(place), 0x01000193);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Names a transfer of which the snapshot saw one leg. Slow, so only for the one that is shown. */
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
