import { sayLeftOut, tellAllProblems, warnOfNoBank } from './bank-notices.ts';
import type { Command } from './command.ts';

export const branches: Command = {
  name: 'branches',
  summary: 'list the branches with their accounts and totals',
  arguments: [],
  options: [],
  examples: ['bankctl branches', 'bankctl branches --json'],
  run: async (_typed, session) => {
    const { bankBalance } = await import('../bank/index.ts');
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    sayLeftOut(bank, session);
    const { branches: rows } = await bankBalance(bank);
    const status = tellAllProblems(session, bank, rows);
    return {
      kind: 'single',
      data: rows,
      view: {
        layout: 'grid',
        columns: [
          { name: 'branch' },
          { name: 'collection' },
          { name: 'currency' },
          { name: 'accounts', align: 'right' },
          { name: 'total', align: 'right' },
        ],
        rows: rows.map(({ branch, collection, currency, accounts, total }) => [
          branch,
          collection,
          currency,
          String(accounts),
          total ?? '?',
        ]),
      },
      status,
    };
  },
};
