import { parseOperationId } from '../bank/names.ts';
import type { Command } from './command.ts';
import { argument } from './typed.ts';

export const show: Command = {
  name: 'show',
  summary: 'tell the fate of an operation: applied, or never arrived',
  arguments: [{ name: 'operation', summary: 'operation id' }],
  options: [],
  examples: ['bankctl show till-7-000123', 'bankctl show till-7-000123 --json'],
  run: async (typed, session) => {
    const id = parseOperationId(argument(typed, 0));
    const [bank, { findOperation }] = await Promise.all([
      session.bank(),
      import('../bank/index.ts'),
    ]);
    const data = await findOperation(bank, id);
    return {
      kind: 'single',
      data,
      view: {
        layout: 'grid',
        columns: [
          { name: 'branch' },
          { name: 'account' },
          { name: 'amount', align: 'right' },
          { name: 'balance_after', align: 'right' },
          { name: 'version', align: 'right' },
        ],
        rows: data.postings.map((posting) => [
          posting.branch,
          posting.account_number,
          posting.amount,
          posting.balance_after,
          String(posting.version),
        ]),
        notes: [
          [data.type, data._id, 'of', data.at, 'by', data.by].join(' '),
          ...(data.reverses ? [`reverses ${data.reverses}`] : []),
          ...(data.reversed_by ? [`reversed by ${data.reversed_by}`] : []),
          ...(data.memo ? [`memo: ${data.memo}`] : []),
        ],
      },
    };
  },
};
