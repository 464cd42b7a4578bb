import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { Bank } from '../bank/bank.ts';
import type { GlobalOptions } from '../commands/command.ts';
import type { Meaning } from '../commands/placeholders.ts';
import type { Config } from '../config/config.ts';
import { findConfig } from '../config/search.ts';
import type { Context } from '../core/context.ts';
import type { LiveValues, Wanted } from './completion/complete.ts';
import type { Candidate } from './completion/expected.ts';
import { OpenSession } from './session.ts';

/** Nobody waits longer for the rest of a word. */
const maxMs = 1_000;

/** Nobody reads a longer list. */
const maxValues = 50;

/**
 * Branches of the config, accounts and operations of the bank, at most 50, in at most a second.
 * None if anything goes wrong, or if the local database would have to be started for it.
 *
 * @param context only for what it tells: nothing is said on its streams
 */
export async function liveValues(
  meaning: Meaning,
  wanted: Wanted,
  context: Context,
): Promise<LiveValues> {
  const lookUp = sources[meaning];
  if (!lookUp) return none;
  const interrupted = AbortSignal.any([context.interrupted, AbortSignal.timeout(maxMs)]);
  const place = new Place(wanted, { ...context, stderr: nowhere(), interrupted });
  const late = new Promise<LiveValues>((settle) => {
    interrupted.addEventListener('abort', () => settle(none), { once: true });
  });
  try {
    return await Promise.race([lookUp(wanted, place), late]);
  } catch {
    return none;
  } finally {
    await place.close();
  }
}

const none: LiveValues = { candidates: [] };

const sources: Partial<Record<Meaning, (wanted: Wanted, place: Place) => Promise<LiveValues>>> = {
  branch: async (_, place) => ({ candidates: await branchNames(place, '') }),
  account: (wanted, place) =>
    wanted.branch === undefined
      ? references(wanted, place)
      : accounts(wanted.branch, wanted.begun, place),
  reference: references,
  operation: async ({ begun }, place) => {
    const [bank, { operationIdsFrom }] = await place.bank();
    return asCandidates(await operationIdsFrom(bank, begun, maxValues));
  },
};

async function branchNames(place: Place, after: string): Promise<readonly Candidate[]> {
  const { branches } = await place.config();
  return branches
    .slice(0, maxValues)
    .map(({ name, title }) => ({ value: name + after, summary: title ?? '' }));
}

/** Branches with a colon; after that, the accounts of one. */
async function references({ begun }: Wanted, place: Place): Promise<LiveValues> {
  const colon = begun.indexOf(':');
  if (colon < 0) return { candidates: await branchNames(place, ':'), goesOn: true };
  const branch = begun.slice(0, colon);
  const { candidates } = await accounts(branch, begun.slice(colon + 1), place);
  return { candidates: candidates.map(({ value }) => ({ value: `${branch}:${value}` })) };
}

async function accounts(branch: string, begun: string, place: Place): Promise<LiveValues> {
  const [bank, { accountNumbersFrom }] = await place.bank();
  return asCandidates(await accountNumbersFrom(bank, branch, begun, maxValues));
}

function asCandidates(values: readonly string[]): LiveValues {
  return { candidates: values.map((value) => ({ value })) };
}

/** The config and the bank of a command line that is not complete yet. */
class Place {
  readonly #globals: GlobalOptions;
  readonly #context: Context;
  #opened: OpenSession | undefined;

  constructor({ given }: Pick<Wanted, 'given'>, context: Context) {
    this.#context = context;
    const path = (flag: string) => given.get(flag)?.replace(/^~(?=\/)/, context.env['HOME'] ?? '~');
    this.#globals = {
      config: path('--config'),
      uri: given.get('--uri'),
      uriFile: path('--uri-file'),
      ...{ output: 'json', colour: false, pager: false, quiet: true, verbose: false },
      timeoutMs: maxMs,
    };
  }

  async config(): Promise<Config> {
    await this.#requireFile(this.#globals.config);
    return findConfig(this.#globals.config, this.#context);
  }

  /** The bank, if there is one to be reached, and what looks into it. */
  async bank(): Promise<readonly [Bank, typeof import('../bank/index.ts')]> {
    await this.#requireFile(this.#globals.config);
    await this.#requireFile(this.#globals.uriFile);
    this.#opened = new OpenSession(this.#globals, this.#context);
    if ((await this.#opened.session.uri()) === undefined) await this.#nameLocal();
    return Promise.all([this.#opened.session.bank(), import('../bank/index.ts')]);
  }

  /** What is written into a pipe or at the terminal can be read only once, and not for this. */
  async #requireFile(path: string | undefined): Promise<void> {
    if (path === undefined || (await stat(resolve(this.#context.cwd, path))).isFile()) return;
    throw new Error(`${path} is no file`);
  }

  /** Names the local database as one elsewhere is named, since that is never started. */
  async #nameLocal(): Promise<void> {
    const { localStatus } = await import('../database/local/local-database.ts');
    const { running, uri } = await localStatus(this.#context);
    if (!running) throw new Error('the local database is not running');
    this.#opened = new OpenSession({ ...this.#globals, uri }, this.#context);
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }
}

/** For an error text in the middle of a command line, there is no good moment. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
