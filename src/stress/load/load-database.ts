import type { MongoClient } from 'mongodb';
import type { Context } from '../../context.ts';
import { BankctlError } from '../../errors.ts';

/**
 * A fresh name for a throwaway database, different for every run.
 *
 * @param suffix what the database is for
 */
export function throwawayName(host: Pick<Context, 'freshId'>, suffix: string): string {
  return `bankctl_stress_${host.freshId().replaceAll('-', '').slice(0, 12)}_${suffix}`;
}

/**
 * Refuses a connection string that names a database: stress writes only into one of its own
 * making. `admin` is let through, since it is where users are looked up.
 *
 * @throws `not_ours`
 */
export function refuseNamedDatabase(client: MongoClient): void {
  const { dbName } = client.options;
  if (dbName === 'test' || dbName === 'admin') return;
  throw new BankctlError(
    'not_ours',
    `The URI names the database ${dbName}, which stress did not make.`,
  );
}

/**
 * Makes sure that a database does not exist yet, so that whatever is in it later is ours.
 *
 * @throws `not_ours`
 */
export async function claimDatabase(client: MongoClient, name: string): Promise<void> {
  const existing = await client.db(name).listCollections({}, { nameOnly: true }).toArray();
  if (existing.length === 0) return;
  throw new BankctlError('not_ours', `The database ${name} is there already.`);
}
