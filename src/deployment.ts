// Loads the driver: only what needs a database imports this.
export { connect, databaseError } from './database/connect.ts';

import type { Session } from './commands/command.ts';
import type { Config } from './config/config.ts';
import { ensureLocal } from './database/local.ts';
import { checkUri, hasPassword, uriFromFile } from './database/uri.ts';
import { BankctlError } from './errors.ts';
import { mongodHost } from './mongod-host.ts';

/**
 * Where the database is: as the command line and the environment say, else the local one.
 *
 * @param make whether to make a local one where there is none
 */
export async function findDeployment(
  config: Config,
  session: Session,
  make: boolean,
): Promise<string> {
  if (session.globals.uri !== undefined && hasPassword(session.globals.uri)) {
    session.talk(
      'A password on the command line is seen by others: use BANKCTL_URI or --uri-file.',
    );
  }
  const given = (await givenUri(session)) ?? config.uri;
  if (given !== undefined) return checkUri(given);
  const { uri, started, paths } = await ensureLocal(mongodHost(session), { make });
  session.progress(undefined);
  if (started) session.talk(`Started the local database in ${paths.dataDir}.`);
  return uri;
}

/**
 * The deployment that the user named. What is typed on the command line holds before the
 * environment.
 *
 * @throws `invalid_uri`
 */
async function givenUri({ globals, context }: Session): Promise<string | undefined> {
  if (globals.uriFile !== undefined) return uriFromFile(globals.uriFile, context.interrupted);
  const uri = globals.uri ?? context.env['BANKCTL_URI'];
  if (uri === '') throw new BankctlError('invalid_uri', 'The URI of the database is empty.');
  return uri === undefined ? undefined : checkUri(uri);
}
