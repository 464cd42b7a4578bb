import { formatAmount } from '../../core/money.ts';
import { createDraw } from './random.ts';

/** The models that a plan of increments is run against. */
export const incrementModels = ['shared', 'branch'] as const;
/** One of them. */
export type IncrementModel = (typeof incrementModels)[number];

/** What determines a plan. The same values give the same plan, on every machine. */
export interface PlanOptions {
  readonly seed: number;
  /** How many increments; a run limited by time does only the first of them. */
  readonly operations: number;
  readonly branches: number;
  /** The same account numbers exist in every branch, as they do in reality. */
  readonly accountsPerBranch: number;
  readonly workers: number;
}

/** One increment of the plan. */
export interface PlannedIncrement {
  readonly index: number;
  /** Who does it, 0 to workers - 1. A worker does its increments in order of their index. */
  readonly worker: number;
  /** The branch it is meant for, as an index into `branches`. */
  readonly branch: number;
  /** As an index into `accounts`. */
  readonly account: number;
  /** Positive, below 10^8, and no other increment of the plan has the same. */
  readonly amountMinor: bigint;
}

/** A seeded list of increments. It is computed on demand, so it needs no memory. */
export interface Plan extends PlanOptions {
  readonly branchNames: readonly string[];
  readonly accounts: readonly string[];
  /** What every account holds at the start, minor units. */
  readonly seedBalanceMinor: bigint;
  /** @param index 0 to operations - 1 */
  readonly at: (index: number) => PlannedIncrement;
  /** The index of the one increment that can have that amount, minor units. */
  readonly indexOf: (amountMinor: number) => number;
}

/** The collection of a branch has the branch's name. All accounts are in US dollars. */
export const planCurrency = Object.freeze({ code: 'USD', digits: 2 });

/** Minor units of a plan as a history prints them. */
export function planAmount(minor: bigint): string {
  return formatAmount(minor, planCurrency);
}

const drawsPerOperation = 3;

/**
 * Makes the plan. Its amounts serve as fingerprints: each is one to nine times a power of ten not
 * below the number of operations, plus the operation's index. Any command that carries an amount
 * can therefore be attributed to exactly one operation, without any help from the model under test.
 */
export function makePlan(options: PlanOptions): Plan {
  const draw = createDraw(options.seed);
  const { workers } = options;
  let span = 1000;
  while (span < options.operations) span *= 10;
  return Object.freeze({
    ...options,
    branchNames: names('branch', options.branches),
    accounts: names('ACC-', options.accountsPerBranch),
    seedBalanceMinor: 100_00n,
    at: (index: number) => {
      const position = index * drawsPerOperation;
      return {
        index,
        worker: index % workers,
        branch: draw(position, options.branches),
        account: draw(position + 1, options.accountsPerBranch),
        amountMinor: BigInt((1 + draw(position + 2, 9)) * span + index),
      };
    },
    indexOf: (amountMinor: number) => amountMinor % span,
  });
}

function names(prefix: string, count: number): readonly string[] {
  return Object.freeze(Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`));
}
