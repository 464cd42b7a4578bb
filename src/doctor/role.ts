import type { Document } from 'mongodb';
import { type Config, identityCollection } from '../config/config.ts';

/** The right to do some things with a collection; with all of a database if it is empty. */
interface Privilege {
  readonly resource: { readonly db: string; readonly collection: string };
  readonly actions: readonly string[];
}

/** What `init` needs besides, once. */
const making = ['collMod', 'createCollection', 'createIndex', 'dropIndex'];

/**
 * The least that a user needs for every command but `stress`. bankctl never deletes an account, so
 * the role may not either.
 *
 * Source: MongoDB manual, "Privilege Actions".
 */
export function leastPrivileges({ database: db, journal, branches }: Config): readonly Privilege[] {
  const on = (collection: string, ...actions: readonly string[]): Privilege => ({
    resource: { db, collection },
    actions: [...actions].sort(),
  });
  return [
    on('', 'changeStream', 'find', 'listCollections'),
    on(identityCollection, 'createCollection', 'find', 'insert', 'update'),
    ...branches.map(({ collection }) =>
      on(collection, 'find', 'insert', 'listIndexes', 'update', ...making),
    ),
    // A refused row that is asked for again is removed before it is decided anew.
    ...(journal === false
      ? []
      : [on(journal, 'find', 'insert', 'listIndexes', 'remove', ...making)]),
  ];
}

/** The command that makes a role of them, for a client that runs it on the bank's database. */
export function roleDocument(config: Config): Document {
  return { createRole: 'bankctl', privileges: leastPrivileges(config), roles: [] };
}

/** What a user lacks of the least privileges, given those that the server says it has. */
export function lackedPrivileges(
  config: Config,
  granted: readonly Document[],
): readonly Privilege[] {
  return leastPrivileges(config).flatMap(({ resource, actions }) => {
    const has = new Set(
      granted
        .filter((privilege) => covers(Object(privilege['resource']), resource))
        .flatMap((privilege): readonly unknown[] => privilege['actions'] ?? []),
    );
    const lacked = has.has('anyAction') ? [] : actions.filter((action) => !has.has(action));
    return lacked.length === 0 ? [] : [{ resource, actions: lacked }];
  });
}

/** An empty name stands for all of them. */
function covers({ db, collection, anyResource }: Document, wanted: Privilege['resource']): boolean {
  if (anyResource === true) return true;
  if (db !== '' && db !== wanted.db) return false;
  return collection === '' || (collection === wanted.collection && typeof db === 'string');
}
