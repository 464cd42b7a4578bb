/** A posting, as far as the chain of an account is concerned. Amounts in minor units. */
export interface ChainLink {
  readonly type: string;
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly version: bigint;
}

/** A change of the balance that no posting made. */
export interface Gap<Posting extends ChainLink> {
  readonly amountMinor: bigint;
  /** The postings around it; undefined before the first and after the last one. */
  readonly after: Posting | undefined;
  readonly before: Posting | undefined;
}

/** Versions that the journal lacks, from and to inclusive, and what they changed in all. */
export interface MissingPostings {
  readonly from: bigint;
  readonly to: bigint;
  readonly amountMinor: bigint;
}

/** How the postings of an account and its document fit together. */
export interface ChainVerdict<Posting extends ChainLink> {
  /** What the balance has beyond the journal; there is something even if it adds up to zero. */
  readonly outsideMinor: bigint;
  /** The first few and the last of the changes past the journal that nothing acknowledges. */
  readonly gaps: readonly Gap<Posting>[];
  readonly gapCount: number;
  readonly missing: readonly MissingPostings[];
  /** Versions that two postings have. */
  readonly repeated: readonly bigint[];
  /** The last posting if the document is of an earlier version. */
  readonly ahead: Posting | undefined;
  /** The sum of all amounts that the journal has. */
  readonly journalMinor: bigint;
}

/** Takes the postings of an account by ascending version; then compares its document. */
export interface Chain<Posting extends ChainLink> {
  readonly add: (posting: Posting) => void;
  readonly end: (state: ChainEnd) => ChainVerdict<Posting>;
}

/** The document at the end of a chain. */
export interface ChainEnd {
  readonly version: bigint;
  readonly balanceMinor: bigint;
}

const maxKept = 4;

/**
 * An empty chain. Each posting says the balance after it and its amount: if the balance before it
 * is not that after the previous one, another program changed it in between. A posting of type
 * `adopt` that takes exactly those changes into the journal acknowledges them.
 */
export function createChain<Posting extends ChainLink>(): Chain<Posting> {
  let last: Posting | undefined;
  let outside = 0n;
  let sum = 0n;
  let gapCount = 0;
  let gaps: Gap<Posting>[] = [];
  const missing: MissingPostings[] = [];
  const repeated: bigint[] = [];
  const note = (gap: Gap<Posting>) => {
    gapCount += 1;
    outside += gap.amountMinor;
    if (gaps.length === maxKept) gaps.pop();
    gaps.push(gap);
  };
  /** What happened between the last posting and a balance before the given version. */
  const reach = (version: bigint, balanceMinor: bigint, before: Posting | undefined) => {
    const lastVersion = last?.version ?? 0n;
    const amountMinor = balanceMinor - (last?.balanceAfterMinor ?? 0n);
    if (version > lastVersion + 1n) {
      if (missing.length < maxKept) {
        missing.push({ from: lastVersion + 1n, to: version - 1n, amountMinor });
      }
      return;
    }
    if (before?.type === 'adopt' && amountMinor === -outside) {
      [outside, gapCount, gaps] = [0n, 0, []];
    } else if (amountMinor !== 0n) note({ amountMinor, after: last, before });
  };
  return {
    add: (posting) => {
      sum += posting.amountMinor;
      if (last && posting.version <= last.version) {
        if (repeated.length < maxKept) repeated.push(posting.version);
        return;
      }
      reach(posting.version, posting.balanceAfterMinor - posting.amountMinor, posting);
      last = posting;
    },
    end: ({ version, balanceMinor }) => {
      const ahead = last && version < last.version ? last : undefined;
      if (!ahead) reach(version + 1n, balanceMinor, undefined);
      return {
        ...{ outsideMinor: outside, gaps, gapCount, missing, repeated, ahead },
        journalMinor: sum,
      };
    },
  };
}

/**
 * What the balance has beyond the journal, zero if writes cancel out; undefined if nothing was
 * written past bankctl; `incomplete` if postings are missing, so that nothing is known.
 */
export function writtenPast({
  outsideMinor,
  gapCount,
  missing,
  repeated,
  ahead,
}: ChainVerdict<ChainLink>): bigint | 'incomplete' | undefined {
  if (missing.length > 0 || repeated.length > 0 || ahead) return 'incomplete';
  return gapCount > 0 ? outsideMinor : undefined;
}
