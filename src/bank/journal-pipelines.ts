import type { Document } from 'mongodb';
import { statusTypes } from './operations/operation.ts';

/** The postings of accounts of a branch, or of all of them, each as a document of its own. */
export function postingsIn(branch: string, accounts: readonly string[] | undefined): Document[] {
  const posting = { branch, ...(accounts && { account_number: { $in: [...accounts] } }) };
  const each = Object.entries(posting).map(([name, value]) => [`postings.${name}`, value]);
  return [
    { $match: { postings: { $elemMatch: posting } } },
    { $unwind: '$postings' },
    { $match: Object.fromEntries(each) },
  ];
}

/**
 * The newest posting of each account by a time, and its newest change of status. Documents compare
 * field by field, so the document with the greatest version is the greatest.
 */
export function newestBy(
  at: Date,
  { branch, account }: { readonly branch?: string; readonly account?: string } = {},
): Document[] {
  const posting = {
    ...(branch === undefined ? {} : { branch }),
    ...(account === undefined ? {} : { account_number: account }),
  };
  const matches = Object.entries(posting).map(([name, value]) => [`postings.${name}`, value]);
  return [
    {
      $match: {
        at: { $lte: at },
        ...(branch === undefined ? {} : { postings: { $elemMatch: posting } }),
      },
    },
    { $unwind: '$postings' },
    { $match: Object.fromEntries(matches) },
    {
      $group: {
        _id: { branch: '$postings.branch', account_number: '$postings.account_number' },
        last: { $max: { version: '$postings.version', balance: '$postings.balance_after' } },
        changed: {
          $max: {
            $cond: [
              { $in: ['$type', [...statusTypes]] },
              { version: '$postings.version', type: '$type' },
              null,
            ],
          },
        },
      },
    },
  ];
}

/** Number and sum of what `newestBy` found, by branch. */
export const totalsByBranch: Document[] = [
  { $group: { _id: '$_id.branch', accounts: { $sum: 1 }, total: { $sum: '$last.balance' } } },
];
