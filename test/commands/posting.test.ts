import { expect, test } from 'vitest';
import { parseOpen } from '../../src/commands/open.ts';
import { parseTransfer } from '../../src/commands/transfer.ts';
import { builtInConfig } from '../../src/config/config.ts';

const nothing = { id: undefined, memo: undefined, dryRun: false };

test.each([
  [['branch1', 'ACC'], { balance: '0' }, { amountMinor: 0n }],
  [['branch1', 'ACC'], { balance: '12.50', id: 'x' }, { amountMinor: 1250n, id: 'x' }],
  [['branch1', 'ACC'], { balance: '0', dryRun: true }, { amountMinor: 0n, dryRun: true }],
] as const)('open %j %o', (args, options, expected) => {
  const account = { type: 'open', branch: 'branch1', account: 'ACC' };
  expect(parseOpen({ args, options }, builtInConfig)).toEqual({
    ...nothing,
    ...account,
    ...expected,
  });
});

test.each([
  [['branch1:A', 'branch2:B:C', '25'], {}, { amountMinor: 2500n }],
  [['branch1:A', 'branch2:B:C', '0.01'], { memo: 'm' }, { amountMinor: 1n, memo: 'm' }],
] as const)('transfer %j %o', (args, options, expected) => {
  const accounts = {
    type: 'transfer',
    from: { branch: 'branch1', account: 'A' },
    to: { branch: 'branch2', account: 'B:C' },
  };
  expect(parseTransfer({ args, options }, builtInConfig)).toEqual({
    ...nothing,
    ...accounts,
    ...expected,
  });
});

test.each([
  [parseOpen, ['nowhere', 'ACC'], {}, 'unknown_branch'],
  [parseOpen, ['branch1', ''], {}, 'invalid_account'],
  [parseOpen, ['branch1', 'ACC'], { balance: '1e3' }, 'invalid_amount'],
  [parseOpen, ['branch1', 'ACC'], { balance: '0.001' }, 'amount_precision'],
  [parseOpen, ['branch1', 'ACC'], { id: ' x' }, 'invalid_operation_id'],
  [parseTransfer, ['ACC', 'branch1:B', '1'], {}, 'invalid_account'],
  [parseTransfer, ['branch1:A', 'nowhere:B', '1'], {}, 'unknown_branch'],
  [parseTransfer, ['branch1:A', 'branch1:B', '1'], { memo: '' }, 'invalid_memo'],
] as const)('%o refuses %j %o as %s', (parse, args, options, code) => {
  expect(() => parse({ args, options }, builtInConfig)).toThrow(expect.objectContaining({ code }));
});
