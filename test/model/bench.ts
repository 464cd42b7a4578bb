import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { MongoClient } from 'mongodb';
import { createContext } from '../../src/core/context.ts';
import { main } from '../../src/main.ts';
import { type CuttingProxy, startProxy } from './proxy.ts';
import type { Ran, ResultLine } from './relations.ts';
import { type FaultyServer, startFaultyServer } from './server.ts';

/** What all sessions share: one server, one proxy in front of it, and one directory. */
export interface Bench {
  readonly server: FaultyServer;
  readonly client: MongoClient;
  readonly proxy: CuttingProxy;
  readonly directory: string;
  /** Turns what a command left behind into what it should not have left: for canaries. */
  readonly doctor?: (ran: Ran) => Ran;
  readonly close: () => Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const server = await startFaultyServer();
  const client = await MongoClient.connect(server.uri, { appName: 'model', maxPoolSize: 6 });
  const proxy = await startProxy(server.port);
  // Owned by the user alone, as the directory of a config must be.
  const directory = mkdtempSync(join(server.directory, 'session-'));
  return {
    server,
    client,
    proxy,
    directory,
    close: async () => {
      await proxy.close();
      await client.close();
      rmSync(directory, { recursive: true, force: true });
      await server.stop();
    },
  };
}

export interface RunOptions {
  readonly cwd: string;
  readonly uri: string;
  readonly interrupted?: AbortSignal;
  /** The file of `--results`, whose lines are read afterwards. */
  readonly results?: string | undefined;
  /** A file for the standard input. */
  readonly stdin?: string;
  /** In a process of its own, with the built program. */
  readonly outside?: boolean;
}

const realContext = createContext();

/** A command that takes longer than this is taken to hang. */
const endlessMs = 600_000;

/** Runs one command line to its end. */
export async function run(argv: readonly string[], options: RunOptions): Promise<Ran> {
  const { results } = options;
  const path = results === undefined ? undefined : join(options.cwd, results);
  if (path !== undefined) await writeFile(path, '');
  const ran = await (options.outside === true
    ? runOutside(argv, options)
    : runInside(argv, options));
  return { ...ran, results: path === undefined ? [] : resultLines(path) };
}

function resultLines(path: string): readonly ResultLine[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line): ResultLine => JSON.parse(line));
}

async function runInside(
  argv: readonly string[],
  options: RunOptions,
): Promise<Omit<Ran, 'results'>> {
  const [stdout, stderr] = [new Captured(), new Captured()];
  const working = main(argv, {
    ...realContext,
    stdin: options.stdin === undefined ? Readable.from([]) : createReadStream(options.stdin),
    stdout,
    stderr,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    width: 80,
    env: environment(options),
    cwd: options.cwd,
    author: 'teller@desk',
    interrupted: options.interrupted ?? new AbortController().signal,
  });
  let timer: NodeJS.Timeout | undefined;
  const endless = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${argv.join(' ')} does not end`)), endlessMs);
  });
  try {
    const status = await Promise.race([working, endless]);
    return { argv, status, stdout: stdout.text, stderr: stderr.text };
  } finally {
    clearTimeout(timer);
  }
}

function environment({ cwd, uri }: RunOptions): Readonly<Record<string, string>> {
  return { BANKCTL_URI: uri, HOME: cwd, PATH: process.env['PATH'] ?? '' };
}

async function runOutside(
  argv: readonly string[],
  options: RunOptions,
): Promise<Omit<Ran, 'results'>> {
  const program = join(process.cwd(), 'bin', 'bankctl.js');
  const redirect = options.stdin === undefined ? '</dev/null' : `<'${options.stdin}'`;
  const child = spawn(
    'sh',
    ['-c', `exec "$0" "$@" ${redirect}`, process.execPath, program, ...argv],
    {
      cwd: options.cwd,
      env: environment(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 255));
  });
  return {
    argv,
    status,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}

class Captured extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A directory of the bench, made if it is missing. */
export async function folder(bench: Bench, name: string): Promise<string> {
  const path = join(bench.directory, name);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}
