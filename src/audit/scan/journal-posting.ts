import type { Document } from 'mongodb';
import type { ChainLink } from '../../bank/chain.ts';
import { balanceFromDecimal } from '../../bank/decimal.ts';
import { timeOf, versionOf } from '../../bank/stored-values.ts';
import type { Currency } from '../../core/money.ts';

/** A posting of an account, with its operation. Amounts in minor units. */
export interface ChainPosting extends ChainLink {
  readonly operation: string;
  readonly at: Date;
}

/** What every posting of an operation shares. */
interface Head {
  readonly operation: string;
  readonly type: string;
  readonly at: Date;
}

/** The fields of a journal document that its postings share; undefined if one is not valid. */
export function readHead({ _id, type, at }: Document): Head | undefined {
  const time = timeOf(at);
  if (typeof _id !== 'string' || typeof type !== 'string' || !time) return undefined;
  return { operation: _id, type, at: time };
}

/** One posting of a branch; undefined if one of its fields is not valid. */
export function readPosting(
  { operation, type, at }: Head,
  posting: Document,
  currency: Currency,
): (ChainPosting & { readonly account: string }) | undefined {
  const account: unknown = posting['account_number'];
  const amountMinor = balanceFromDecimal(posting['amount'], currency);
  const balanceAfterMinor = balanceFromDecimal(posting['balance_after'], currency);
  const version = versionOf(posting['version']);
  if (typeof account !== 'string' || version === undefined) return undefined;
  if (amountMinor === undefined || balanceAfterMinor === undefined) return undefined;
  return { operation, type, at, account, amountMinor, balanceAfterMinor, version };
}
