import type { Bank } from '../bank/bank.ts';
import type { Outcome } from '../bank/judge.ts';
import type { Posting } from '../bank/operations/entry.ts';
import { askedOf } from '../bank/operations/operation.ts';
import { formatAmount } from '../core/money.ts';

/** What became of an operation, as one line of `--results`. */
export function toResult(line: number, outcome: Outcome, bank: Bank): object {
  const { id } = outcome.operation;
  if (!outcome.applied) {
    const { code, message } = outcome.error;
    const asked = askedOf(outcome.operation, bank.branches.currencyOf);
    return { line, id, outcome: 'refused', asked, code, message };
  }
  return {
    line,
    id,
    outcome: outcome.replayed ? 'replayed' : 'applied',
    postings: outcome.entry.postings.map((posting) => toPosting(posting, bank)),
  };
}

function toPosting({ branch, account, ...posting }: Posting, bank: Bank): object {
  const { currency } = bank.branches.get(branch);
  return {
    branch,
    account,
    amount: formatAmount(posting.amountMinor, currency),
    balance: formatAmount(posting.balanceAfterMinor, currency),
    version: Number(posting.version),
  };
}
