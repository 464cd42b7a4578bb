import type { ListedOperation, OperationQuery } from '../bank/operation-list.ts';

type Posting = ListedOperation['postings'][number];

/**
 * The operation with the posting first that was looked for: the first that matches, or the order of
 * the journal if none was described.
 */
export function matchedFirst(
  query: Pick<OperationQuery, 'branch' | 'account' | 'amount' | 'min' | 'max'>,
): (operation: ListedOperation) => ListedOperation {
  return (operation) => {
    const { postings } = operation;
    const at = postings.findIndex((posting) => matches(posting, query));
    const found = postings[at];
    if (at <= 0 || found === undefined) return operation;
    return { ...operation, postings: [found, ...postings.filter((other) => other !== found)] };
  };
}

function matches(
  posting: Posting,
  { branch, account, amount, min, max }: Parameters<typeof matchedFirst>[0],
): boolean {
  if (branch !== undefined && posting.branch !== branch) return false;
  if (account !== undefined && posting.account !== account) return false;
  const moved = scaled(posting.amount);
  const size = moved < 0n ? -moved : moved;
  const isSigned = amount !== undefined && /^[+-]/.test(amount);
  if (amount !== undefined && (isSigned ? moved : size) !== scaled(amount)) return false;
  if (min !== undefined && size < scaled(min)) return false;
  return max === undefined || size <= scaled(max);
}

/** More decimals than any currency, or amount that can be asked for, has. */
const scale = 9;

/** An amount as a whole number, which is the same for 250 and 250.00. */
function scaled(amount: string): bigint {
  const [whole = '', decimals = ''] = amount.replace(/^[+-]/, '').split('.');
  const size = BigInt(whole + decimals.padEnd(scale, '0'));
  return amount.startsWith('-') ? -size : size;
}
