// Everything that works on an open bank, loaded together by the commands that need the database.
export { anyProfile, findAccounts } from './account-search.ts';
export { accountBalance, accountBalances, bankBalance } from './balances.ts';
export { openBank, prepareBank } from './bank.ts';
export { accountHistory, balanceAtEnd } from './history.ts';
export { accountNumbersFrom, accountNumbersNear, operationIdsFrom } from './known-names.ts';
export { listOperations } from './operation-list.ts';
export { findOperation, notFoundToReverse } from './operation-lookup.ts';
export { accountBalanceAt, accountBalancesAt, bankBalanceAt } from './past-balances.ts';
export { postPlain, WriteUnknown } from './plain-post.ts';
export { post } from './post.ts';
export { createTally } from './survey.ts';
export { watchPostings } from './watch.ts';
