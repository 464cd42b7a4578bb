// Loads the driver: only what needs a database imports this.
export { connect } from '../database/connect.ts';
export { databaseError } from '../database/database-error.ts';

import type { Session } from '../commands/command.ts';
import { mongodHost } from '../commands/mongod-host.ts';
import type { Config } from '../config/config.ts';
import { databaseNameProblem } from '../config/database-name.ts';
import { BankctlError } from '../core/errors.ts';
import { hasPassword } from '../core/redaction.ts';
import { quote } from '../core/text.ts';
import { checkUri, databaseOf, hostsOf } from '../core/uri.ts';
import { ignoredNotice } from '../core/uri-options.ts';
import { ensureLocal } from '../database/local/local.ts';
import { uriFromFile } from '../system/uri-file.ts';

/** Where the bank is. */
export interface Deployment {
  readonly uri: string;
  readonly database: string;
}

/**
 * Where the database is: as the command line and the environment say, else the config, else the
 * local one.
 *
 * @param make whether to make a local one if there is none
 * @throws `invalid_uri`; `config_mismatch` when the URI names another database than the config
 */
export async function findDeployment(
  config: Config,
  session: Session,
  make: boolean,
): Promise<Deployment> {
  const given = await givenUri(session);
  if (given === undefined && config.uri === undefined) {
    const { uri, started, paths } = await ensureLocal(mongodHost(session), { make });
    session.progress(undefined);
    if (started) session.talk(`Started the local database in ${paths.dataDir}.`);
    return { uri, database: config.database };
  }
  const uri = given ?? checkUri(config.uri ?? '', 'in the config');
  const database = namedDatabase(uri, config);
  const notice = ignoredNotice(uri);
  if (notice !== undefined) session.talk(notice);
  if (given === undefined && isFound(session)) {
    session.talk(`Using the database at ${hostsOf(uri)}, as ${config.source} says.`);
  }
  return { uri, database };
}

/** Nobody named the config: it was found from the working directory upward. */
function isFound({ globals, context }: Session): boolean {
  return globals.config === undefined && context.env['BANKCTL_CONFIG'] === undefined;
}

/** The database of the URI, unless the config file says another one. */
function namedDatabase(uri: string, config: Config): string {
  const named = databaseOf(uri);
  if (named === undefined || named === config.database) return config.database;
  const authHint =
    named === 'admin'
      ? 'If admin is where the user is looked up, write /?authSource=admin instead of /admin.'
      : undefined;
  if (config.databaseGiven) {
    throw new BankctlError(
      'config_mismatch',
      `The URI names the database ${quote(named)}, but ${config.source} says ` +
        `${quote(config.database)}.`,
      authHint ?? 'Name the same database in both, or in one of them only.',
    );
  }
  const problem = databaseNameProblem(named);
  if (problem === undefined) return named;
  throw new BankctlError(
    'invalid_uri',
    `The URI names the database ${quote(named)}, which ${problem}.`,
    authHint ?? 'Name the database of the bank behind the hosts, or in the config.',
  );
}

/**
 * The deployment that the user named. What is typed on the command line holds before the
 * environment.
 *
 * @throws `invalid_uri`
 */
async function givenUri({ globals, context, talk }: Session): Promise<string | undefined> {
  if (globals.uriFile !== undefined) return uriFromFile(globals.uriFile, context.interrupted);
  if (globals.uri !== undefined) {
    if (hasPassword(globals.uri)) {
      talk('A password on the command line is seen by others: use BANKCTL_URI or --uri-file.');
    }
    return checkUri(globals.uri, 'given with --uri');
  }
  const uri = context.env['BANKCTL_URI'];
  return uri === undefined ? undefined : checkUri(uri, 'in BANKCTL_URI');
}
