import type { BranchRules, Rules } from './bank.ts';

/** A branch of a config, as a session knows it. */
export interface Branch extends BranchRules {
  readonly collection: string;
  /** Decimal places of its currency. */
  readonly digits: number;
  readonly storage: 'decimal' | 'double';
}

/** A config. Sessions take turns in a few worlds, so that collections need not be recreated. */
export interface World {
  readonly currency: string;
  readonly journal: string;
  readonly branches: readonly Branch[];
}

const digitsOf: Readonly<Record<string, number>> = { USD: 2, EUR: 2, JPY: 0, KWD: 3 };

function branch(name: string, collection: string, currency = 'USD', minMinor = 0n): Branch {
  return {
    ...{ name, collection, currency, minMinor, maxMinor: 10n ** 24n - 1n },
    ...{ digits: digitsOf[currency] ?? 2, storage: 'decimal' },
  };
}

function branchOfDoubles(name: string, collection: string, currency = 'USD'): Branch {
  const decimals = branch(name, collection, currency);
  return { ...decimals, maxMinor: 10n ** 15n - 1n, storage: 'double' };
}

/** Names that sort in another order than their collections, currencies of 0, 2 and 3 digits. */
export const worlds: readonly World[] = [
  {
    currency: 'USD',
    journal: 'journal',
    branches: [branch('branch1', 'branch1'), branch('branch2', 'branch2')],
  },
  {
    currency: 'USD',
    journal: 'ledger',
    branches: [branch('west', 'z_west'), branch('north', 'a_north', 'USD', -10_000n)],
  },
  {
    currency: 'JPY',
    journal: 'journal',
    branches: [
      branch('Süd', 'accounts.south', 'JPY'),
      branch('ost', 'accounts.east', 'KWD', -1_000n),
      branch('0042', 'accounts.42', 'JPY', -100n),
    ],
  },
  {
    currency: 'USD',
    journal: 'journal',
    branches: [
      branchOfDoubles('old', 'old'),
      branch('new', 'new'),
      branchOfDoubles('k', 'k', 'KWD'),
    ],
  },
];

export function rulesOf(world: World): Rules {
  return new Map(world.branches.map((each) => [each.name, each]));
}

/** The config file of a world. Everything is quoted, so that no name has a meaning in YAML. */
export function configText(world: World, database: string): string {
  const lines = world.branches.map((each) => {
    const min = each.minMinor === 0n ? '' : `, minBalance: "${amountText(each.minMinor, each)}"`;
    return (
      `  ${JSON.stringify(each.name)}: ` +
      `{ collection: ${JSON.stringify(each.collection)}, currency: ${each.currency}, ` +
      `storage: ${each.storage}${min} }`
    );
  });
  return [
    `database: ${database}`,
    `currency: ${world.currency}`,
    `journal: ${world.journal}`,
    'branches:',
    ...lines,
    '',
  ].join('\n');
}

/** Minor units as text with all digits of the currency: `-12.30`. */
export function amountText(minor: bigint, { digits }: Pick<Branch, 'digits'>): string {
  const sign = minor < 0n ? '-' : '';
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The inverse: minor units of a text, which may have fewer or more digits if these are zeros. */
export function minorOf(text: string, { digits }: Pick<Branch, 'digits'>): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  if (/[1-9]/.test(fraction.slice(digits))) return undefined;
  const minor = BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0'));
  return sign === '-' ? -minor : minor;
}
