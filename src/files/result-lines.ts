import type { Bank } from '../bank/bank.ts';
import type { Outcome } from '../bank/judge.ts';
import type { Posting } from '../bank/operations/entry.ts';
import { formatAmount } from '../core/money.ts';

/** What became of a row, as a line of `--results`. */
export function toResultLine(line: number, outcome: Outcome, bank: Bank): object {
  const { id } = outcome.operation;
  if (!outcome.applied) {
    const { code, message } = outcome.error;
    return { line, id, outcome: 'refused', code, message };
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
