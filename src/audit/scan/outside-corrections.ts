import { deserialize, serialize } from 'node:v8';
import { formatAmount } from '../../core/money.ts';
import { createSpool } from '../../system/spool.ts';
import type { Correction } from '../correction.ts';
import type { FollowedAccount, FollowedVerdict } from './chain-findings.ts';

/**
 * Collects what would take back the writes past bankctl, one entry for each account number. There
 * may be as many as accounts, so they wait on disk until the plan is written.
 */
export interface OutsideCorrections {
  /** @throws `not_writable` */
  readonly add: (followed: FollowedAccount, verdict: FollowedVerdict) => void;
  /** In the order in which account numbers were first added. @throws `not_writable` */
  readonly all: () => Iterable<Correction>;
  /** Repeatable. */
  readonly close: () => void;
}

/**
 * In a branch of doubles the old program goes on beside bankctl, and its writes are not wrong.
 *
 * @param isWanted whether accounts are to be corrected by what the journal says alone
 */
export function createOutsideCorrections(isWanted: boolean): OutsideCorrections {
  const found = createSpool();
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
      const stored = found.get(account);
      const before = stored && unpack(stored);
      const correction: Correction = {
        findings: ['outside_write'],
        account,
        why: before ? `${before.why}; ${why}` : why,
        legs: [...(before?.legs ?? []), leg],
      };
      found.set(account, serialize(correction));
    },
    *all() {
      for (const bytes of found.values()) yield unpack(bytes);
    },
    close: found.close,
  };
}

function unpack(bytes: Buffer): Correction {
  const correction: Correction = deserialize(bytes);
  return correction;
}
