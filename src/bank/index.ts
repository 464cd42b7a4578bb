// All that works on an open bank, loaded together by the commands that need the database.
export { accountBalance, accountBalances, bankBalance } from './balances.ts';
export { openBank } from './bank.ts';
export { accountHistory, findOperation } from './history.ts';
export { isOutage } from './outage.ts';
export { accountBalanceAt, accountBalancesAt, bankBalanceAt } from './past.ts';
export { postPlain, WriteUnknown } from './plain.ts';
export { post } from './post.ts';
export { watchPostings } from './watch.ts';
