import type { Db } from 'mongodb';
import { findUnguarded } from '../bank/collection-guards.ts';
import { branchSpec, collatedCollection, journalSpec } from '../bank/collections.ts';
import { refuseMismatch } from '../bank/identity.ts';
import { readIdentity } from '../bank/identity-document.ts';
import type { Config } from '../config/config.ts';
import { BankctlError } from '../core/errors.ts';
import { count, quote } from '../core/text.ts';
import { type Check, ok, problem, skipped, warning } from './check.ts';
import { lackedPrivileges } from './role.ts';
import { attempt, type Deployment } from './server-checks.ts';

/** Checks the bank in the database, against the config. */
export async function checkBank(config: Config, deployment: Deployment): Promise<readonly Check[]> {
  const db = deployment.client.db(deployment.database);
  return [
    await attempt('identity', deployment, () => identity(db, config)),
    await attempt('collections', deployment, () => collections(db, config)),
    await attempt('permissions', deployment, () => permissions(db, config)),
  ];
}

async function identity(db: Db, config: Config): Promise<Check> {
  const known = await readIdentity(db);
  if (!known) {
    return warning(
      'identity',
      `The database ${quote(db.databaseName)} holds no bank yet.`,
      'bankctl init creates one there, if the name is right.',
    );
  }
  try {
    refuseMismatch(config, known);
  } catch (error) {
    if (error instanceof BankctlError) return problem('identity', error);
    throw error;
  }
  const names = new Set(config.branches.map(({ name }) => name));
  const others = known.branches.filter(({ name }) => !names.has(name));
  const detail = `The bank ${known.databaseId} has the branches of the config`;
  if (others.length === 0) return ok('identity', `${detail}.`);
  const left = others.slice(0, 5).map(({ name }) => quote(name));
  return ok('identity', `${detail}, and ${left.join(', ')}, which the config leaves out.`);
}

const guarding =
  'bankctl init adds them, or bankctl doctor --fix. A collection with documents of other ' +
  'programs has to be adopted first: see bankctl audit.';

async function collections(db: Db, config: Config): Promise<Check> {
  const specs = [
    ...config.branches.map(branchSpec),
    ...(config.journal === false ? [] : [journalSpec(config.journal)]),
  ];
  const present = new Map(
    (await db.listCollections({}, { nameOnly: false }).toArray()).map((it) => [it.name, it]),
  );
  const lacking: string[] = [];
  for (const spec of specs) {
    const { options } = Object(present.get(spec.collection));
    if (options?.capped === true) {
      const message = `The collection ${spec.collection} is capped.`;
      return problem('collections', new BankctlError('capped_collection', message));
    }
    if (options?.collation) {
      return problem('collections', collatedCollection(spec.collection, options.collation));
    }
    if (!present.has(spec.collection)) {
      lacking.push(`${spec.collection} is missing`);
      continue;
    }
    const { indexes, validator } = await findUnguarded(db, spec);
    if (indexes.length > 0) {
      lacking.push(`${spec.collection} lacks its index on ${indexes.join(' and on ')}`);
    }
    if (validator) lacking.push(`${spec.collection} lacks its validator`);
  }
  if (lacking.length === 0) {
    return ok('collections', 'Every collection has its indexes and its validator.');
  }
  const more = lacking.length > 5 ? `; and ${lacking.length - 5} more` : '';
  return warning('collections', `${lacking.slice(0, 5).join('; ')}${more}.`, guarding);
}

/** Asks for the privileges of the user, which every user may. */
async function permissions(db: Db, config: Config): Promise<Check> {
  const { authInfo } = await db.command({ connectionStatus: 1, showPrivileges: true });
  const [user] = authInfo?.authenticatedUsers ?? [];
  const granted = authInfo?.authenticatedUserPrivileges ?? [];
  if (!user) return skipped('permissions', 'The server was reached without a user name.');
  const name = `${user.user}@${user.db}`;
  const lacked = lackedPrivileges({ ...config, database: db.databaseName }, granted);
  if (lacked.length === 0) return ok('permissions', `${name} may do all that bankctl does.`);
  const shown = lacked
    .slice(0, 4)
    .map(
      ({ resource, actions }) =>
        `${actions.join(', ')} on ${resource.collection || 'the database'}`,
    );
  const more = lacked.length > 4 ? `; and on ${count(lacked.length - 4, 'more collection')}` : '';
  return warning(
    'permissions',
    `${name} lacks ${shown.join('; ')}${more}.`,
    'bankctl doctor --role prints a role with the least that every command needs.',
  );
}
