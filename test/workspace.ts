import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { type Db, MongoClient } from 'mongodb';
import { inject, onTestFinished } from 'vitest';
import { type Context, createContext } from '../src/core/context.ts';
import { main } from '../src/main.ts';
import { checkJson } from './result-schemas.ts';

/** What a command line left behind. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly terminal?: boolean;
  /** Whether somebody can be asked: stdin and stderr are terminals. */
  readonly canAsk?: boolean;
  /** Columns of the terminal; 80 if not given. */
  readonly width?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly interrupted?: AbortSignal;
  readonly stdin?: Readable;
  /** Told of everything that is written on stdout, as it is written. */
  readonly written?: (text: string) => void;
  /** The same for stderr. */
  readonly said?: (text: string) => void;
}

/** A directory with a config of its own, and a fresh database on the run's server. */
export interface Workspace {
  readonly directory: string;
  readonly db: Db;
  readonly env: Readonly<Record<string, string>>;
  /** Runs one command line in this process, as a pipe or a terminal would see it. */
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Every document of every collection, as text: two equal texts prove that nothing moved. */
  readonly everything: () => Promise<string>;
}

/** Replaces the config's first line and its branches where a test needs others. */
export interface WorkspaceOptions {
  readonly config?: string;
}

const realContext = createContext();

const branches = `branches:
  branch1: { collection: branch1 }
  branch2: { collection: branch2, currency: EUR, minBalance: "-100.00" }
`;

/** Makes a workspace that is gone when the test is over. */
export async function workspace({ config = branches }: WorkspaceOptions = {}): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-test-'));
  const database = `bankctl_test_${directory.slice(-6)}`;
  await writeFile(join(directory, 'bankctl.config.yaml'), `database: ${database}\n${config}`);
  const client = await MongoClient.connect(inject('uri'), { readConcern: { level: 'majority' } });
  const db = client.db(database);
  onTestFinished(async () => {
    await db.dropDatabase();
    await client.close();
    // A bankctl that a shell left running may still be writing to its cache.
    await rm(directory, { recursive: true, maxRetries: 5 });
  });
  const env = {
    ...{ BANKCTL_URI: inject('uri'), HOME: directory },
    ...{ PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' },
  };
  return {
    directory,
    db,
    env,
    run: (argv, options = {}) => run(argv, directory, { ...env, ...options.env }, options),
    everything: () => everything(db),
  };
}

/** Runs one command line in this process with a context of its own. */
export async function run(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  {
    terminal = false,
    canAsk = false,
    width = 80,
    stdin = Readable.from([]),
    interrupted = new AbortController().signal,
    written,
    said,
  }: RunOptions = {},
): Promise<Ran> {
  const stdout = new Captured(written);
  const stderr = new Said(said);
  const context: Context = {
    ...realContext,
    stdin,
    stdout,
    stderr,
    stdinIsTerminal: canAsk,
    stdoutIsTerminal: terminal,
    stderrIsTerminal: canAsk,
    width,
    env,
    cwd,
    author: 'teller@desk',
    interrupted,
  };
  const status = await main(argv, context);
  const ran = { status, stdout: stdout.text, stderr: stderr.text };
  checkJson(argv, ran);
  return ran;
}

/** Keeps what is written on it. */
export class Captured extends Writable {
  text = '';
  readonly #written: ((text: string) => void) | undefined;

  constructor(written?: (text: string) => void) {
    super();
    this.#written = written;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.#written?.(chunk.toString());
    done();
  }
}

/** A command says this only if it takes a second, as any may on a busy machine. */
const stillWorking = /^(?:Still working|\{"notice":\{"code":"still_working")/;

/** Keeps what is written on stderr, but not that the machine is slow. */
class Said extends Captured {
  override _write(chunk: Buffer, encoding: string, done: () => void): void {
    if (stillWorking.test(chunk.toString())) done();
    else super._write(chunk, encoding, done);
  }
}

async function everything(db: Db): Promise<string> {
  const collections = await db.listCollections().toArray();
  const names = collections.map(({ name }) => name).sort();
  const contents = await Promise.all(
    names.map(async (name) => [name, await db.collection(name).find().sort({ _id: 1 }).toArray()]),
  );
  // An empty collection is what `bankctl init` makes of nothing; it holds no money.
  return JSON.stringify(contents.filter(([, documents]) => documents?.length));
}
