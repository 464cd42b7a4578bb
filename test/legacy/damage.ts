import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Db, Double } from 'mongodb';
import { createDraw } from '../../src/stress/plan/random.ts';
import { startPython } from './programs.ts';

/** The collection that the model names when it points at no branch. */
export const strayCollection = 'bank_account';

/** A row of a CSV file, by column. */
export type Row = Readonly<Record<string, string>>;

/** One call that the application meant to make. Cents. */
interface Call {
  readonly id: string;
  readonly branch: string;
  readonly account: string;
  readonly cents: number;
}

/** Which accounts there are, and what is done to them. */
export interface Plan {
  /** Cents at the start, by `branch:account`; the collection's name is the branch's. */
  readonly opening: ReadonlyMap<string, number>;
  readonly calls: readonly Call[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly branches: readonly string[];
  readonly calls: number;
  /** If every call adds as much as every other. */
  readonly isEqual?: boolean;
  /** Whether the stray collection has some of the accounts too. */
  readonly hasStray?: boolean;
}

/** What became of a call, as the driver's command monitoring saw it. */
interface Fate {
  readonly id: string;
  /** Where its update was sent; null if it never was. */
  readonly collection: string | null;
  /** How many documents it matched; null if there was no answer. */
  readonly matched: number | null;
  readonly crash: string | null;
}

/** What the damage was: the log as the application has it, and the truth, which nobody has. */
export interface Damage {
  readonly plan: Plan;
  readonly log: readonly Row[];
  readonly fates: readonly Fate[];
}

/**
 * A seeded plan. Every account number of `BOTH-` is in every branch; those of a branch's own are
 * nowhere else, so that a write for them that goes elsewhere is lost.
 */
export function makePlan({ seed, branches, calls, isEqual, hasStray }: PlanOptions): Plan {
  const draw = createDraw(seed);
  const shared = Array.from({ length: 20 }, (_, n) => `BOTH-${n}`);
  const own = new Map(branches.map((name) => [name, [0, 1, 2, 3, 4].map((n) => `${name}-${n}`)]));
  const opening = new Map<string, number>();
  for (const branch of branches) {
    for (const account of [...shared, ...(own.get(branch) ?? [])]) {
      opening.set(`${branch}:${account}`, draw(opening.size, 100_000));
    }
  }
  if (hasStray) {
    for (const account of shared.slice(0, 12)) opening.set(`${strayCollection}:${account}`, 0);
  }
  const one = (n: number): Call => {
    const at = 1_000_000 + 3 * n;
    const branch = branches[draw(at, branches.length)] ?? '';
    const accounts = [...shared, ...(own.get(branch) ?? [])];
    const account = accounts[draw(at + 1, accounts.length)] ?? '';
    const cents = isEqual ? 2500 : 1 + draw(at + 2, 9_999);
    return { id: `call-${n}`, branch, account, cents };
  };
  return { opening, calls: Array.from({ length: calls }, (_, n) => one(n)) };
}

export interface DamageOptions {
  readonly uri: string;
  readonly directory: string;
  /** Whether a request asks for something else between the switch and the write. */
  readonly hasPause?: boolean;
}

/** Plants the accounts of a plan as MongoEngine stores them. */
export async function plant(db: Db, { opening }: Plan): Promise<void> {
  for (const [key, cents] of opening) {
    const [collection = '', account_number] = key.split(':');
    await db.collection(collection).insertOne({ account_number, balance: new Double(cents / 100) });
  }
}

/** Lets the original code loose on the accounts of a plan. */
export async function damage(db: Db, plan: Plan, options: DamageOptions): Promise<Damage> {
  const { uri, directory, hasPause } = options;
  const path = (name: string) => join(directory, name);
  await writeRows(
    path('calls.csv'),
    plan.calls.map(({ id, branch, account, cents }) => ({
      ...{ id, branch, account, amount: amountText(cents) },
    })),
  );
  const program = await startPython('switching.py', [
    ...['--uri', uri, '--database', db.databaseName, '--plan', path('calls.csv')],
    ...['--log', path('calls-log.csv'), '--truth', path('truth.json')],
    ...(hasPause ? ['--pause'] : []),
  ]);
  await program.ended;
  const fates: readonly Fate[] = JSON.parse(await readFile(path('truth.json'), 'utf8'));
  return { plan, log: await readRows(path('calls-log.csv')), fates };
}

/** Writes a CSV file whose values have no commas or quotes. */
export async function writeRows(path: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => columns.map((column) => row[column] ?? '').join(','));
  await writeFile(path, `${[columns.join(','), ...lines].join('\n')}\n`);
}

async function readRows(path: string): Promise<readonly Row[]> {
  const [head = '', ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, n) => [column, cells[n] ?? '']));
  });
}

/** Cents as `12.34`. */
export function amountText(cents: number): string {
  const digits = `${Math.abs(cents)}`.padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** The openings as rows of `--opening`. */
export function openingRows({ opening }: Plan): readonly Row[] {
  return [...opening].map(([key, cents]) => {
    const [branch = '', account = ''] = key.split(':');
    return { branch, account, balance: amountText(cents) };
  });
}
