import type { MongoClient } from 'mongodb';
import type { Config } from '../config/config.ts';
import type { Context } from '../core/context.ts';
import { BankctlError } from '../core/errors.ts';
import { databaseError } from '../database/database-error.ts';
import { localStatus } from '../database/local/local-database.ts';
import { isDatabaseMade, localPaths } from '../database/local/local-paths.ts';
import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import { knownMongod } from '../database/mongod/mongod-search.ts';
import { checkBank } from './bank-checks.ts';
import { type Check, checkNames, ok, problem, skipped, warning } from './check.ts';
import { checkServer, isUninitiated } from './server-checks.ts';

/** What the checks need from their caller. */
interface DoctorHost {
  readonly context: Pick<Context, 'env' | 'nowMs' | 'interrupted'>;
  readonly mongod: BinaryHost;
  readonly timeoutMs: number;
  readonly config: () => Promise<Config>;
  /** Where the database is; undefined if it is the local one. */
  readonly uri: () => Promise<string | undefined>;
  /** Connects without opening the bank, which may contradict the config. */
  readonly connect: () => Promise<{
    readonly client: MongoClient;
    readonly uri: string;
    readonly database: string;
  }>;
}

/** Looks at everything, in order; what depends on something that failed is skipped. */
export async function examine(host: DoctorHost): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const known = await tryTo(host.config);
  checks.push(
    known instanceof BankctlError ? problem('config', known) : ok('config', describeConfig(known)),
  );
  const named = await tryTo(host.uri);
  // A config that cannot be read names no database, so it may be the local one.
  const isUnknown = known instanceof BankctlError && named instanceof BankctlError;
  checks.push(...(await checkLocal(host, isUnknown ? undefined : named)));
  const place = known instanceof BankctlError ? known : await tryTo(host.connect);
  checks.push(
    place instanceof BankctlError
      ? problem('connection', place)
      : ok('connection', `The database ${place.database} answers.`),
  );
  if (known instanceof BankctlError) {
    checks[checks.length - 1] = skipped('connection', 'Without a config it is not known where.');
  } else if (!(place instanceof BankctlError)) {
    const { client, uri, database } = place;
    const { timeoutMs } = host;
    const deployment = {
      ...{ client, database, timeoutMs, nowMs: host.context.nowMs },
      dataDir: named === undefined ? localPaths(host.context.env).dataDir : undefined,
      explain: (error: unknown) => explained(error, uri, timeoutMs),
    };
    try {
      checks.push(...(await checkServer(deployment)));
      if (!isUninitiated(checks)) checks.push(...(await checkBank(known, deployment)));
    } catch (error) {
      checks.push(problem('server', deployment.explain(error)));
    }
  }
  // The last of a name: what ended the checks takes the place of an earlier "ok".
  return checkNames.map(
    (name) =>
      checks.findLast(({ check }) => check === name) ??
      skipped(name, 'The database could not be asked.'),
  );
}

function explained(error: unknown, uri: string, timeoutMs: number): BankctlError {
  const failure = error instanceof BankctlError ? error : databaseError(error, { uri, timeoutMs });
  if (failure instanceof BankctlError) return failure;
  throw failure;
}

/** Errors that a user can cause are results here. */
async function tryTo<T>(look: () => Promise<T>): Promise<T | BankctlError> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof BankctlError && error.code !== 'interrupted') return error;
    throw error;
  }
}

function describeConfig({ source, database, branches, journal }: Config): string {
  const many = branches.length === 1 ? 'one branch' : `${branches.length} branches`;
  const what = `${many} in the database ${database}`;
  const without = journal === false ? ', without a journal' : '';
  return source === undefined
    ? `No config file was found, so the built-in one applies: ${what}.`
    : `${source}: ${what}${without}.`;
}

/** The local database and its mongod, which matter only if no URI names another. */
async function checkLocal(
  { context, mongod }: DoctorHost,
  named: string | undefined | BankctlError,
): Promise<readonly Check[]> {
  if (named !== undefined) {
    const elsewhere = 'A URI names a database elsewhere.';
    return [skipped('local_database', elsewhere), skipped('mongod', elsewhere)];
  }
  return [
    asCheck('local_database', await tryTo(() => localDatabase(context))),
    asCheck('mongod', await tryTo(() => program(mongod))),
  ];
}

function asCheck(name: 'local_database' | 'mongod', found: Check | BankctlError): Check {
  return found instanceof BankctlError ? problem(name, found) : found;
}

async function localDatabase(context: DoctorHost['context']): Promise<Check> {
  const { running, pid, version, dataDir } = await localStatus(context);
  if (running) {
    return ok('local_database', `mongod ${version} runs as process ${pid}, in ${dataDir}.`);
  }
  if (isDatabaseMade(localPaths(context.env))) {
    return ok('local_database', `It is in ${dataDir}, and starts when it is needed.`);
  }
  return warning(
    'local_database',
    `There is none yet in ${dataDir}.`,
    'bankctl init creates one; BANKCTL_URI or --uri names a database elsewhere.',
  );
}

async function program(host: BinaryHost): Promise<Check> {
  const path = await knownMongod(host);
  return path === undefined
    ? warning(
        'mongod',
        'There is none on this machine that bankctl knows.',
        'The first command that needs one fetches it; or set BANKCTL_MONGOD to its path.',
      )
    : ok('mongod', path);
}
