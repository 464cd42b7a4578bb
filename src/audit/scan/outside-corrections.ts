import { formatAmount } from '../../core/money.ts';
import type { Correction } from '../correction.ts';
import type { ChainVerdict } from './chain.ts';
import type { FollowedAccount } from './chain-findings.ts';

/** Collects what would take back the writes past bankctl, one entry for each account number. */
export interface OutsideCorrections {
  readonly add: (followed: FollowedAccount, verdict: ChainVerdict) => void;
  readonly all: () => readonly Correction[];
}

/** @param isWanted whether there is to be any */
export function createOutsideCorrections(isWanted: boolean): OutsideCorrections {
  const found = new Map<string, Correction>();
  return {
    add: (followed, { outsideMinor, missing, repeated, ahead }) => {
      const { account, branch, isClosed, balanceMinor, version } = followed;
      const isWhole = missing.length === 0 && repeated.length === 0 && !ahead;
      if (outsideMinor === 0n || isClosed || !isWhole || !isWanted) return;
      const { name, currency } = branch;
      const why =
        `takes back ${formatAmount(outsideMinor, currency)} ${currency.code} ` +
        `that was written to ${name} past bankctl`;
      const leg = {
        ...{ branch: name, account, amountMinor: -outsideMinor },
        ...{ balanceMinor, version, outsideMinor },
      };
      const before = found.get(account);
      found.set(account, {
        findings: ['outside_write'],
        account,
        why: before ? `${before.why}; ${why}` : why,
        legs: [...(before?.legs ?? []), leg],
      });
    },
    all: () => [...found.values()],
  };
}
