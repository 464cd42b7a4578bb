import { builtInConfig, databaseNameProblem } from '../config/config.ts';
import { databaseOf } from '../core/uri.ts';
import { column, figure, gridView } from '../render/view.ts';
import { listNames } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { flag, listOf, nullable, objectOf, oneOf, text, wholeNumber } from './result-schema.ts';

/** A branch's collection after `init`; keys as in the JSON result. */
interface Prepared {
  readonly branch: string;
  readonly collection: string;
  /** Null in a dry run, which does not ask the database. */
  readonly accounts: number | null;
}

/** What `init --sample` opens: enough to type the next command. */
const sampleAmountMinor = 10_000n;

export const init: Command = {
  name: 'init',
  summary: 'write a commented config, and create collections, indexes and validators',
  description:
    'Safe to repeat: an existing config is kept as it is, and so is what exists in the database, ' +
    'except that a branch is forgotten if the config leaves it out and nothing ever was in it. ' +
    '--sample opens an account SAMPLE with 100 in each of the first two branches. ' +
    '--rename changes what the database records about its branches, collections, currencies and ' +
    'journal to match the config, unless a stored document contradicts it; run no other ' +
    'command meanwhile.',
  arguments: [],
  options: [
    { flags: '--sample', summary: 'open two accounts to play with' },
    {
      flags: '--rename',
      summary: 'make the database match a config that was changed on purpose',
    },
    { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
  ],
  examples: [
    'bankctl init',
    'bankctl init --sample',
    'bankctl init --rename',
    'bankctl init --dry-run',
  ],
  results: [
    oneOf(
      objectOf({
        ...{ config: text, written: flag, dry_run: flag },
        branches: listOf(
          objectOf<Prepared>({ branch: text, collection: text, accounts: nullable(wholeNumber) }),
        ),
      }),
    ),
  ],
  makesDatabase: () => true,
  run: async (typed, session) => {
    const { sample, rename, dryRun } = parseInit(typed);
    const { ensureConfigFile } = await import('../config/template.ts');
    const database = uriDatabase(session);
    const { globals, context } = session;
    const config = await ensureConfigFile(globals.config, context, { dryRun, database });
    session.talk(config.written ? 'config_written' : 'config_kept', configLine(config, dryRun));
    if (rename && !config.written) await renameBank(session, dryRun);
    const prepared = dryRun ? await planBranches(session, config) : await prepare(session, sample);
    if (!dryRun && !config.written) await forgetUnused(session);
    return {
      kind: 'single',
      data: { config: config.path, written: config.written, dry_run: dryRun, branches: prepared },
      view: gridView(prepared, [column('branch'), column('collection'), figure('accounts', '-')]),
    };
  },
};

/** What `init` was asked to do. */
interface InitInput {
  readonly sample: boolean;
  readonly rename: boolean;
  readonly dryRun: boolean;
}

/** Every combination of the options is allowed. */
export function parseInit({ options }: Typed): InitInput {
  return {
    sample: options['sample'] === true,
    rename: options['rename'] === true,
    dryRun: options['dryRun'] === true,
  };
}

/** The database that the URI names, for a new config; the file of `--uri-file` is not read. */
function uriDatabase({ globals, context }: Session): string | undefined {
  if (globals.uriFile !== undefined) return undefined;
  const uri = globals.uri ?? context.env['BANKCTL_URI'];
  const named = uri === undefined ? undefined : databaseOf(uri);
  return named !== undefined && databaseNameProblem(named) === undefined ? named : undefined;
}

interface ConfigFile {
  readonly path: string;
  readonly written: boolean;
}

function configLine({ path, written }: ConfigFile, dryRun: boolean): string {
  if (!written) return `Kept the config in ${path}.`;
  return dryRun ? `Would write a config to ${path}.` : `Wrote a config to ${path}.`;
}

async function renameBank(session: Session, dryRun: boolean): Promise<void> {
  const bank = await session.bank({ rename: true });
  const changes = await bank.identity.rename({ dryRun });
  if (changes.length === 0)
    session.talk('identity_agrees', 'The database already agrees with the config.');
  const verb = dryRun ? 'Would change' : 'Changed';
  for (const change of changes) session.talk('identity_changed', `${verb}: ${change} before.`);
}

/** Not with a config that was just written: other branches may be those of another one. */
async function forgetUnused(session: Session): Promise<void> {
  const bank = await session.bank();
  const forgotten = await bank.identity.forgetUnused();
  if (forgotten.length === 0) return;
  const them = forgotten.length === 1 ? 'it' : 'them';
  const what = `Forgot ${listNames(forgotten)}, which the config leaves out`;
  session.talk('forgotten', `${what}: nothing ever was in ${them}.`, {
    branches: forgotten,
  });
}

async function prepare(session: Session, sample: boolean): Promise<readonly Prepared[]> {
  const bank = await session.bank();
  const { bankBalance, prepareBank } = await import('../bank/index.ts');
  await prepareBank(bank);
  await bank.identity.claim();
  if (sample) await openSamples(session);
  const { branches } = await bankBalance(bank);
  return branches.map(({ branch, collection, accounts }) => ({ branch, collection, accounts }));
}

/** The ids are fixed, so a second `init --sample` finds the first one's accounts. */
async function openSamples(session: Session): Promise<void> {
  const [bank, { post }] = await Promise.all([session.bank(), import('../bank/index.ts')]);
  const operations = [...bank.branches].slice(0, 2).map(({ name }) => ({
    type: 'open' as const,
    branch: name,
    account: 'SAMPLE',
    amountMinor: sampleAmountMinor,
    id: `sample-${name}`,
    idGiven: true,
    memo: 'opened by init --sample',
  }));
  for (const outcome of await post(bank, operations, { by: session.context.author })) {
    if (!outcome.applied && outcome.error.code !== 'account_exists') throw outcome.error;
  }
}

/** What a dry run shows: it must not even start a database. */
async function planBranches(
  session: Session,
  { written }: ConfigFile,
): Promise<readonly Prepared[]> {
  const { branches } = written ? builtInConfig : await session.config();
  return branches.map(({ name, collection }) => ({ branch: name, collection, accounts: null }));
}
