import { column, figure, gridView, unknown } from '../render/view.ts';
import { branchBalance } from './balance-schema.ts';
import { leftOutNotes, reportAllProblems, sayLeftOut, warnOfNoBank } from './bank-notices.ts';
import type { Command } from './command.ts';
import { manyOf } from './result-schema.ts';

export const branches: Command = {
  name: 'branches',
  summary: 'list the branches with their accounts and totals',
  arguments: [],
  options: [],
  examples: ['bankctl branches', 'bankctl branches --json'],
  results: [manyOf(branchBalance)],
  run: async (_typed, session) => {
    const { bankBalance } = await import('../bank/index.ts');
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    await sayLeftOut(bank, session);
    const { branches: rows } = await bankBalance(bank);
    const status = reportAllProblems(session, bank, rows);
    const columns = [
      column('branch'),
      column('collection'),
      column('currency'),
      figure('accounts'),
      figure('total', unknown),
    ];
    const view = { ...gridView(rows, columns), notes: leftOutNotes(rows) };
    return { kind: 'single', data: rows, view, status };
  },
};
