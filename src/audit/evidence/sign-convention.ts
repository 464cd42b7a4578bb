import { BankctlError } from '../../core/errors.ts';
import { count } from '../../core/text.ts';
import type { EvidencePlace } from './theorem.ts';

/** Counts accounts whose balance went against the log. */
interface SignCheck {
  readonly add: (places: readonly EvidencePlace[]) => void;
  /** @throws `intended_sign` */
  readonly end: (file: string) => void;
}

/** Fewer accounts than this prove nothing unless each balance is off by twice the log's sum. */
const manyAccounts = 10;

/**
 * A log whose deposits are below zero makes every balance wrong by twice the sum of its rows. With
 * damage besides, balances still went the other way.
 */
export function createSignCheck(): SignCheck {
  const counts = { accounts: 0, against: 0, exactly: 0 };
  return {
    add: (places) => {
      for (const { isHeld, calls, residual } of places) {
        if (!isHeld || !calls) continue;
        const meant = calls.plus.all - calls.minus.all;
        const change = residual + meant;
        if (meant === 0n) continue;
        counts.accounts += 1;
        if (change * meant < 0n) counts.against += 1;
        if (change === -meant) counts.exactly += 1;
      }
    },
    end: (file) => {
      const { accounts, against, exactly } = counts;
      const isMost = (some: number) => some * 10 >= accounts * 9;
      if (accounts < 2 || !isMost(accounts < manyAccounts ? exactly : against)) return;
      throw new BankctlError(
        'intended_sign',
        `${file} has the signs of its amounts the wrong way round: ` +
          `${against} of ${count(accounts, 'balance')} went against it.`,
      );
    },
  };
}
