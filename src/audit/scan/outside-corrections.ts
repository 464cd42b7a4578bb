import { formatAmount } from '../../core/money.ts';
import type { Correction } from '../correction.ts';
import type { FollowedAccount, FollowedVerdict } from './chain-findings.ts';

/** Collects what would take back the writes past bankctl, one entry for each account number. */
export interface OutsideCorrections {
  readonly add: (followed: FollowedAccount, verdict: FollowedVerdict) => void;
  readonly all: () => readonly Correction[];
}

/**
 * In a branch of doubles the old program goes on beside bankctl, and its writes are not wrong.
 *
 * @param isWanted whether accounts are to be corrected by what the journal says alone
 */
export function createOutsideCorrections(isWanted: boolean): OutsideCorrections {
  const found = new Map<string, Correction>();
  return {
    add: (followed, { outsideMinor, missing, repeated, ahead }) => {
      const { account, branch, isClosed, balanceMinor, version } = followed;
      const isWhole = missing.length === 0 && repeated.length === 0 && !ahead;
      const { name, currency, storage } = branch;
      if (!isWanted || storage === 'double') return;
      if (outsideMinor === 0n || isClosed || !isWhole) return;
      const why =
        `takes back ${formatAmount(outsideMinor, currency)} ${currency.code} ` +
        `that was written to ${name} past bankctl; nothing says whether it was meant`;
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
