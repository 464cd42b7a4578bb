import type { AccountReference } from '../../bank/operations/names.ts';
import { createDraw } from './random.ts';

/** What determines a plan. The same values give the same plan, on every machine. */
export interface LedgerPlanOptions {
  readonly seed: number;
  readonly workers: number;
  /** How many operations; a run limited by time does only the first of them. */
  readonly operations: number;
  readonly branches: number;
}

/** How the servers under the ledger are ended. */
export const faultKinds = ['kill', 'failover'] as const;
/** One of them. */
export type FaultKind = (typeof faultKinds)[number];

/** Kinds of operation, each of which has to succeed at least once for a run to mean anything. */
export const ledgerKinds = [
  'increment',
  'transfer',
  'reverse',
  'retry',
  'read',
  'snapshot',
] as const;
/** One of them. */
type LedgerKind = (typeof ledgerKinds)[number];

/** One step of a worker. */
export type LedgerStep = Write | Again | { readonly kind: 'snapshot' } | Read;

interface Read {
  readonly kind: 'read';
  readonly account: AccountReference;
}

interface Write extends Manner {
  readonly kind: 'increment' | 'transfer';
  /** What is incremented, or where the money comes from. */
  readonly account: AccountReference;
  /** Where a transfer goes. */
  readonly to: AccountReference;
  /** Minor units; above zero for a transfer. */
  readonly amountMinor: bigint;
}

/** A reversal of, or the same request as, one of the worker's own earlier operations. */
interface Again extends Manner {
  readonly kind: 'reverse' | 'retry';
  /** How far back, as a share from 0 to 1 of what the worker remembers. */
  readonly back: number;
}

interface Manner {
  /** The id is looked up in the journal first, like one that came from outside. */
  readonly idGiven: boolean;
  /** How long the worker waits for the answer, milliseconds; undefined for as long as it takes. */
  readonly patienceMs: number | undefined;
}

/** A seeded list of steps. It is computed on demand, so it needs no memory. */
export interface LedgerPlan extends LedgerPlanOptions {
  readonly branchNames: readonly string[];
  readonly accounts: readonly AccountReference[];
  /** What every account holds at the start, minor units. */
  readonly seedBalanceMinor: bigint;
  /** @param index 0 to operations - 1; worker W does those with index mod workers = W, in order */
  readonly at: (index: number) => LedgerStep;
}

/** The same account numbers exist in every branch, as they do in reality. */
const accountNumbers = ['ACC-1', 'ACC-2', 'ACC-3', 'ACC-4'] as const;

/** Out of 100 operations; the rest are snapshots. */
const shares = [
  ['transfer', 34],
  ['increment', 20],
  ['reverse', 9],
  ['retry', 11],
  ['read', 14],
] as const;

const drawsPerStep = 7;

/** Out of 100 writes, how many are not awaited to the end. */
const impatient = 4;
const longestPatienceMs = 40;

/**
 * Makes the plan of a day at the bank: transfers and increments between a few accounts, so that the
 * workers meet and some are refused for lack of money; reversals; repeated requests, including
 * those whose answer never came; reads of an account and of the whole bank.
 *
 * Source: Jepsen's bank test, with versions and ids added.
 */
export function makeLedgerPlan(options: LedgerPlanOptions): LedgerPlan {
  const draw = createDraw(options.seed);
  const branchNames = Array.from({ length: options.branches }, (_, index) => `branch${index + 1}`);
  const accounts = branchNames.flatMap((branch) =>
    accountNumbers.map((account) => ({ branch, account })),
  );
  const accountAt = (place: number): AccountReference =>
    accounts[place % accounts.length] ?? { branch: '', account: '' };
  return Object.freeze({
    ...options,
    branchNames,
    accounts,
    seedBalanceMinor: 100_00n,
    at: (index: number): LedgerStep => {
      const position = index * drawsPerStep;
      // Each worker begins with one of each kind, so that even a short run has them all.
      const kind = ledgerKinds[Math.floor(index / options.workers)] ?? kindAt(draw(position, 100));
      if (kind === 'snapshot') return { kind };
      const source = draw(position + 1, accounts.length);
      const account = accountAt(source);
      if (kind === 'read') return { kind, account };
      const manner: Manner = {
        idGiven: draw(position + 2, 2) === 1,
        patienceMs:
          draw(position + 3, 100) < impatient ? draw(position + 4, longestPatienceMs) : undefined,
      };
      if (kind === 'reverse' || kind === 'retry') {
        return { ...manner, kind, back: draw(position + 5, 1000) / 1000 };
      }
      const amount = 1 + draw(position + 5, 40_00);
      return {
        ...manner,
        kind,
        account,
        to: accountAt(source + 1 + draw(position + 6, accounts.length - 1)),
        // More comes in than goes out, so that there is money to move for a long time.
        amountMinor: BigInt(kind === 'increment' && amount > 25_00 ? 25_00 - amount : amount),
      };
    },
  } satisfies LedgerPlan);
}

function kindAt(drawn: number): LedgerKind {
  let bound = 0;
  for (const [kind, share] of shares) {
    bound += share;
    if (drawn < bound) return kind;
  }
  return 'snapshot';
}
