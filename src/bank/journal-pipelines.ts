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

const last = { version: '$postings.version', balance: '$postings.balance_after' };

const changed = { version: '$postings.version', type: '$type' };

/**
 * The newest posting of each account by a time, and its newest change of status, among all postings
 * or those since another time. Documents compare field by field, so the document with the greatest
 * version is the greatest.
 */
export function newestBy(
  at: Date,
  { branch, since }: { readonly branch?: string | undefined; readonly since?: Date } = {},
): Document[] {
  const span = { ...(since && { $gte: since }), $lte: at };
  const isIn = (posting: Document) => (branch === undefined ? {} : posting);
  return [
    { $match: { at: span, ...isIn({ postings: { $elemMatch: { branch } } }) } },
    { $unwind: '$postings' },
    { $match: isIn({ 'postings.branch': branch }) },
    {
      $group: {
        _id: { branch: '$postings.branch', account_number: '$postings.account_number' },
        last: { $max: last },
        changed: { $max: { $cond: [{ $in: ['$type', [...statusTypes]] }, changed, null] } },
      },
    },
  ];
}

/** Number and sum of what `newestBy` found, by branch. */
export const totalsByBranch: Document[] = [
  { $group: { _id: '$_id.branch', accounts: { $sum: 1 }, total: { $sum: '$last.balance' } } },
];

/**
 * The newest posting by a time of accounts of a branch, each within a range of its versions. The
 * time is compared last, or the server might prefer its index to that of the versions.
 */
export function lastWithin(
  branch: string,
  accounts: readonly string[],
  ranges: readonly Document[],
  at: Date,
): Document[] {
  return [
    {
      $match: { $or: ranges.map((range) => ({ postings: { $elemMatch: { branch, ...range } } })) },
    },
    { $unwind: '$postings' },
    { $match: { 'postings.branch': branch, 'postings.account_number': { $in: [...accounts] } } },
    {
      $group: {
        _id: { branch: '$postings.branch', account_number: '$postings.account_number' },
        last: { $max: { $cond: [isBy(at), last, null] } },
      },
    },
    { $match: { last: { $ne: null } } },
  ];
}

/** The newest change of status by a time of accounts of a branch, by account number. */
export function statusBy(
  at: Date,
  { branch, accounts }: { readonly branch: string; readonly accounts: readonly string[] },
): Document[] {
  return [
    { $match: { type: { $in: [...statusTypes] } } },
    ...postingsIn(branch, accounts),
    {
      $group: {
        _id: '$postings.account_number',
        changed: { $max: { $cond: [isBy(at), changed, null] } },
      },
    },
  ];
}

/** Only a date is a time. */
function isBy(at: Date): Document {
  return { $and: [{ $eq: [{ $type: '$at' }, 'date'] }, { $lte: ['$at', at] }] };
}
