import type { Currency } from '../core/money.ts';

/** One branch of the bank, as the config file states it. */
export interface BranchConfig {
  readonly name: string;
  /** The one collection that this branch owns. */
  readonly collection: string;
  /** A name for people. */
  readonly title: string | undefined;
  readonly currency: Currency;
  /** The lowest balance an account may have, in minor units; 0 unless the file says otherwise. */
  readonly minBalanceMinor: bigint;
  /**
   * How its balances are stored; `double` lets programs that know no decimals go on beside bankctl.
   */
  readonly storage: 'decimal' | 'double';
}

/** The collection in which a database says what belongs to which branch; never a branch's. */
export const identityCollection = 'bankctl';

/** The static configuration: read once, validated, frozen. */
export interface Config {
  /** The file it came from; undefined for the built-in one. */
  readonly source: string | undefined;
  readonly database: string;
  /** Whether the file says which database; otherwise the URI may. */
  readonly databaseGiven?: boolean;
  /** The journal's collection, or false if the bank keeps none. */
  readonly journal: string | false;
  /** The zone of reports, an IANA name: what a bare date means, and how people see times. */
  readonly timezone: string;
  /** A deployment to use instead of the local database; never holds a password. */
  readonly uri: string | undefined;
  readonly branches: readonly BranchConfig[];
}

const usd: Currency = Object.freeze({ code: 'USD', digits: 2 });

/** What applies if no config file is found: database `bank`, two branches in US dollars. */
export const builtInConfig: Config = Object.freeze({
  source: undefined,
  database: 'bank',
  journal: 'journal',
  timezone: 'UTC',
  uri: undefined,
  branches: Object.freeze(
    ['branch1', 'branch2'].map((name) =>
      Object.freeze({
        name,
        collection: name,
        title: undefined,
        currency: usd,
        minBalanceMinor: 0n,
        storage: 'decimal' as const,
      }),
    ),
  ),
});

/** Why a bank cannot be kept in a database of that name; undefined if it can. */
export function databaseNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > 63) return 'is longer than 63 characters';
  if (/[/\\. "$*<>:|?\0]/.test(name)) return 'has a character that MongoDB does not allow';
  return ['admin', 'local', 'config'].includes(name)
    ? "is one of MongoDB's own databases"
    : undefined;
}
