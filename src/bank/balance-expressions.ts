import { Decimal128, type Document } from 'mongodb';
import { toDecimal } from './decimal.ts';
import { maxBalanceMinor, type Storage, toleranceOf } from './stored-balance.ts';

/** An aggregation expression. */
type Expression = Document | string;

const nan = Decimal128.fromString('NaN');

const typeOf = { $type: '$balance' };

/** The types by which a branch may store its balances. */
function typesOf({ storage }: Storage): readonly string[] {
  return storage === 'decimal' ? ['decimal'] : ['double', 'decimal', 'int', 'long'];
}

/** True for a document whose balance has a type of the branch, whatever its value. */
export function isTyped(branch: Storage): Document {
  return { $in: [typeOf, typesOf(branch)] };
}

/** True for a document whose balance `fromStored` reads; a test keeps the two in step. */
export function isBalance(branch: Storage): Document {
  const { currency, storage } = branch;
  const amount = storage === 'decimal' ? '$balance' : rounded(branch);
  const isWithin = {
    $and: [
      { $ne: ['$balance', nan] },
      { $lte: [{ $abs: amount }, toDecimal(maxBalanceMinor(branch), currency)] },
    ],
  };
  // Neither a balance of another type nor a huge one can be converted, so the order matters.
  return { $cond: [isTyped(branch), { $cond: [isWithin, isExact(branch), false] }, false] };
}

/** What a balance counts in a sum: exact if `isBalance`, else of no use. */
export function amountOf(branch: Storage): Expression {
  return branch.storage === 'decimal'
    ? '$balance'
    : { $cond: [isTyped(branch), rounded(branch), 0] };
}

/** The server reads a double as a decimal of 15 digits, which are all that a balance may have. */
function rounded({ currency }: Storage): Document {
  return { $round: [{ $toDecimal: '$balance' }, currency.digits] };
}

function isExact(branch: Storage): Document {
  const { currency, storage } = branch;
  if (storage === 'decimal') {
    return { $eq: ['$balance', { $round: ['$balance', currency.digits] }] };
  }
  const lost = { $abs: { $subtract: ['$balance', { $toDouble: rounded(branch) }] } };
  const text = toleranceOf(currency);
  const isDecimal = { $eq: [typeOf, 'decimal'] };
  return { $lte: [lost, { $cond: [isDecimal, Decimal128.fromString(text), Number(text)] }] };
}
