import type { EvidencePlace } from '../../src/audit/evidence/theorem.ts';

/** A call, and what became of it: where it landed, or undefined if it was lost. */
export interface Fate {
  readonly branch: string;
  readonly amount: bigint;
  readonly landed: string | undefined;
  /** Whether the log says how many documents were changed. */
  readonly isReported: boolean;
}

/** What an audit sees of calls with these fates. */
export function seen(
  fates: readonly Fate[],
  branches: readonly string[],
  held: readonly string[],
): readonly EvidencePlace[] {
  return branches.map((name) => {
    const own = fates.filter(({ branch }) => branch === name);
    const landed = sum(fates.filter((fate) => fate.landed === name));
    const ofSign = (sign: bigint) => {
      const some = own.filter(({ amount }) => amount * sign > 0n);
      const size = (part: readonly Fate[]) => sum(part) * sign;
      return {
        all: size(some),
        missed: size(some.filter((fate) => fate.isReported && fate.landed === undefined)),
        matched: size(some.filter((fate) => fate.isReported && fate.landed !== undefined)),
      };
    };
    return {
      name,
      isHeld: held.includes(name),
      residual: landed - sum(own),
      calls: { plus: ofSign(1n), minus: ofSign(-1n) },
      unknown: { plus: 0n, minus: 0n },
    };
  });
}

/** The net amount of one branch's money that is in another, less that of the way back. */
export function movedIn(fates: readonly Fate[], from: string, to: string): bigint {
  const way = (branch: string, landed: string) =>
    sum(fates.filter((fate) => fate.branch === branch && fate.landed === landed));
  return way(from, to) - way(to, from);
}

/** What a branch's calls lost. */
export function lostIn(fates: readonly Fate[], branch: string): bigint {
  return sum(fates.filter((fate) => fate.branch === branch && fate.landed === undefined));
}

function sum(fates: readonly Pick<Fate, 'amount'>[]): bigint {
  return fates.reduce((total, { amount }) => total + amount, 0n);
}
