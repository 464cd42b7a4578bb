import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db, Document } from 'mongodb';
import {
  type Ask,
  type askAll,
  type Bank,
  emptyBank,
  type Place,
  type Rules,
  type Wanted,
} from './bank.ts';
import { type Bench, folder, type RunOptions, run } from './bench.ts';
import { faultText, injectFault } from './faults.ts';
import type { RowFile } from './files.ts';
import type { AskPlan, Fault, PlacePlan, Plan } from './plan.ts';
import { clean, type Ran, Violation } from './relations.ts';
import { adopt, collectionsOf, readSnapshot, type Snapshot } from './snapshot.ts';
import { configText, rulesOf, type World, worlds } from './worlds.ts';

/** Words with a meaning in a shell, in a regular expression or in another Unicode form. */
const accounts = ['A', 'B', 'Ä 1', '$C.d'];

/** One session under way: what its steps read and change. */
export class Session {
  readonly bench: Bench;
  readonly world: World;
  readonly rules: Rules;
  readonly db: Db;
  readonly directory: string;
  /** The session so far, as lines that a person can copy into a shell. */
  readonly log: string[] = [];
  commands = 0;
  model: Bank = emptyBank;
  /** The file that was applied last, for steps that apply it again. */
  lastFile: AppliedFile | undefined;
  /** The rows of the imports so far. */
  imported: readonly Wanted[] = [];
  #names = 0;

  private constructor(bench: Bench, world: World, db: Db, directory: string) {
    this.bench = bench;
    this.world = world;
    this.rules = rulesOf(world);
    this.db = db;
    this.directory = directory;
  }

  /** A session on an empty bank of the plan's world. */
  static async begin(bench: Bench, plan: Plan): Promise<Session> {
    const index = plan.world % worlds.length;
    const world = worlds[index];
    if (world === undefined) throw new Error('there is no world');
    const name = `model_${index}`;
    const directory = await folder(bench, name);
    const session = new Session(bench, world, bench.client.db(name), directory);
    await empty(session.db);
    await session.#dropStrays();
    await session.write('bankctl.config.yaml', configText(world, name));
    return session;
  }

  /** A name that this session has not used: of an operation, a file or a batch. */
  fresh(kind: string): string {
    this.#names += 1;
    return `${kind}${this.#names}`;
  }

  place({ branch, account }: PlacePlan): Place {
    const { branches } = this.world;
    return {
      branch: branches[branch % branches.length]?.name ?? '',
      account: accounts[account % accounts.length] ?? '',
    };
  }

  /** What a plan asks for, with the names and ids of this session. */
  ask({ type, minor, create, reverses, other, ...at }: AskPlan): Ask {
    const amount = BigInt(minor);
    switch (type) {
      case 'open':
        return { type, at: this.place(at), minor: amount };
      case 'increment':
        return { type, at: this.place(at), minor: amount, create };
      case 'transfer':
        return { type, from: this.place(at), to: this.place(other), minor: amount };
      case 'reverse': {
        // The model knows ids that bankctl derives by other names.
        const ids = [...this.model.applied.keys()].filter((id) => /^[a-z]+[-\d]+$/.test(id));
        return { type, reverses: ids[reverses % Math.max(ids.length, 1)] ?? 'nothing' };
      }
      case 'label': {
        // Few words and owners, so that the same are set, removed and set again.
        const pick = Math.abs(minor);
        const add = ['', 'vip', 'late'][pick % 3] ?? '';
        const remove = create ? (add === 'vip' ? 'late' : 'vip') : '';
        const owner = ['', 'Ada Lovelace', '-', 'Bob'][pick % 4] ?? '';
        const isAsked = `${owner}${add}${remove}` !== '';
        return { type, at: this.place(at), owner: isAsked ? owner : 'Bob', add, remove };
      }
      default:
        return { type, at: this.place(at) };
    }
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text);
    const shown = text.length > 3_000 ? `${text.slice(0, 1_000)}… (${text.length})\n` : text;
    const whole = shown.endsWith('\n') && !shown.includes("'");
    this.log.push(
      whole ? `cat > '${name}' <<'END'\n${shown}END` : `printf %s ${shellWord(shown)} > '${name}'`,
    );
  }

  async writeFile(file: RowFile): Promise<void> {
    await this.write(file.name, file.text);
  }

  snapshot(): Promise<Snapshot> {
    return readSnapshot(this.db, this.world);
  }

  /** Runs one command line, and checks what must hold for every one. */
  async run(argv: readonly string[], options: Partial<RunOptions> = {}): Promise<Ran> {
    this.commands += 1;
    this.log.push(commandLine(argv, options));
    // A slow machine is not a fault. When looking for a time-out, its limit is given.
    const patient = argv.includes('--timeout') ? argv : [...argv, '--timeout', '5m'];
    const where = { cwd: this.directory, uri: this.bench.server.uri };
    const real = await run(patient, { ...where, ...options });
    const ran = this.bench.doctor?.(real) ?? real;
    this.log.push(`#   → ${ran.status} ${ran.stderr.trim().replaceAll('\n', '\n#     ')}`);
    clean(ran);
    return ran;
  }

  /**
   * Runs one command line while a fault awaits it, and leaves the server as if there had been none.
   */
  async runFaulty(
    argv: readonly string[],
    fault: Fault,
    options: Partial<RunOptions> = {},
  ): Promise<Ran> {
    const { client, proxy } = this.bench;
    const controller = new AbortController();
    this.log.push(`# ${faultText(fault)}:`);
    const interrupt = () => controller.abort('SIGINT');
    const end = await injectFault(fault, { client, proxy, interrupt });
    try {
      return await this.run([...argv, '--timeout', '500ms'], {
        uri: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`,
        interrupted: controller.signal,
        ...options,
      });
    } finally {
      await end();
      // A transaction left open by the cut would hold its accounts for a minute.
      await client.db('admin').command({ killAllSessions: [] });
    }
  }

  /** Takes over what the database has, after a step whose outcome the model leaves open. */
  async adopt(): Promise<Snapshot> {
    const snapshot = await this.snapshot();
    this.model = adopt(this.model, snapshot);
    return snapshot;
  }

  /** There is nothing that a snapshot does not look at. */
  async checkCollections(): Promise<void> {
    const strays = await this.#dropStrays();
    if (strays.length > 0) throw new Violation('no other collection', `there was ${strays}`);
  }

  async #dropStrays(): Promise<readonly string[]> {
    const found = await this.db.listCollections({}, { nameOnly: true }).toArray();
    const own = collectionsOf(this.world);
    const strays = found
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('system.') && !own.includes(name));
    for (const name of strays) await this.db.dropCollection(name);
    return strays;
  }

  /** Does something to the database and, whatever happens, puts all documents back. */
  async aside<T>(work: (before: Snapshot) => Promise<T>): Promise<T> {
    const before = await this.snapshot();
    const documents = await allDocuments(this.db);
    try {
      return await work(before);
    } finally {
      if ((await this.snapshot()).text !== before.text) await restore(this.db, documents);
    }
  }
}

export interface AppliedFile {
  readonly requests: Parameters<typeof askAll>[2];
  readonly options: {
    readonly csv: boolean;
    readonly atomic: boolean;
    readonly stop: boolean;
    readonly batch: string | undefined;
    /** Characters that each line has at least. */
    readonly length: number;
  };
  /** An atomic file that was refused: whether its refusals are remembered is left open. */
  readonly vague: boolean;
}

/** All documents of all collections as the server keeps them, number types included. */
export async function allDocuments(db: Db): Promise<ReadonlyMap<string, readonly Document[]>> {
  const contents = new Map<string, readonly Document[]>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    if (name.startsWith('system.')) continue;
    contents.set(name, await db.collection(name).find({}, { promoteValues: false }).toArray());
  }
  return contents;
}

/** Makes a database hold these documents and no others. Collections and indexes stay. */
export async function restore(
  db: Db,
  documents: ReadonlyMap<string, readonly Document[]>,
): Promise<void> {
  await empty(db);
  for (const [name, all] of documents) {
    if (all.length === 0) continue;
    await db.collection(name).insertMany([...all], { bypassDocumentValidation: true });
  }
}

/** Removes all documents of a database, which is faster than dropping and recreating it. */
export async function empty(db: Db): Promise<void> {
  const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(
    ({ name }) => name,
  );
  await Promise.all(
    names
      .filter((name) => !name.startsWith('system.'))
      .map((name) => db.collection(name).deleteMany({})),
  );
}

function commandLine(argv: readonly string[], { stdin }: Partial<RunOptions>): string {
  const redirect = stdin === undefined ? '' : ` < ${stdin}`;
  return ['bankctl', ...argv].map(shellWord).join(' ') + redirect;
}

function shellWord(word: string): string {
  return /^[\w.:=,@/+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The outcome of a session. */
export interface Outcome {
  readonly failure: { readonly relation: string; readonly detail: string } | undefined;
  readonly log: readonly string[];
  readonly commands: number;
}

export type Play = (session: Session, step: Plan['steps'][number]) => Promise<void>;

/** Plays one session to its end, or to the first relation that does not hold. */
export async function play(bench: Bench, plan: Plan, playStep: Play): Promise<Outcome> {
  const session = await Session.begin(bench, plan);
  let failure: Outcome['failure'];
  try {
    for (const step of plan.steps) await playStep(session, step);
    await session.checkCollections();
  } catch (error) {
    if (error instanceof Violation) failure = { relation: error.relation, detail: error.message };
    else {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failure = { relation: 'harness', detail };
    }
  }
  return { failure, log: session.log, commands: session.commands };
}
