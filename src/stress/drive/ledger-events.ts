import type { Entry, Posting } from '../../bank/operations/entry.ts';
import { referenceKey } from '../../bank/operations/names.ts';
import type { Operation } from '../../bank/operations/operation.ts';
import { planAmount } from '../plan/increments.ts';

/** What a history calls an operation, and what it says about its request. */
export interface LedgerRequest {
  readonly f: 'increment' | 'transfer' | 'read' | 'snapshot';
  readonly value: Readonly<Record<string, unknown>>;
}

/** A request together with the operation that carries it out. */
export interface LedgerWrite extends LedgerRequest {
  readonly operation: Operation;
}

/**
 * The reversal of an operation. A history records it as what it does, an increment or a transfer in
 * its own right, and says why in `reverses`, so that a judge needs no model of reversals.
 */
export function reversalOf(
  { f, value }: LedgerRequest,
  id: string,
  reverses: string,
): LedgerRequest {
  if (f === 'transfer') {
    const { from, to, amount } = value;
    return { f, value: { id, from: to, to: from, amount, reverses } };
  }
  const amount = String(value['amount']);
  const opposite = amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
  return { f, value: { id, account: value['account'], amount: opposite, reverses } };
}

/** The effect of an applied operation: the accounts that it was really posted to. */
export function postedValue({ f, value }: LedgerRequest, { postings }: Entry) {
  if (f === 'increment') {
    const [posting] = postings;
    return { ...value, ...(posting ? { account: referenceKey(posting), ...state(posting) } : {}) };
  }
  const leg = (name: 'from' | 'to', posting: Posting | undefined) => {
    if (!posting) return {};
    const { balance, version } = state(posting);
    return {
      [name]: referenceKey(posting),
      [`${name}_balance`]: balance,
      [`${name}_version`]: version,
    };
  };
  const from = postings.find(({ amountMinor }) => amountMinor < 0n);
  const to = postings.find(({ amountMinor }) => amountMinor > 0n);
  return { ...value, ...leg('from', from), ...leg('to', to) };
}

function state({ balanceAfterMinor, version }: Posting) {
  return { balance: planAmount(balanceAfterMinor), version: Number(version) };
}
