import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { errorSchema } from '../src/commands/error-schema.ts';
import { nastyValues } from './nasty-values.ts';
import { faults } from './result-schemas.ts';
import { type Ran, run, type Workspace, workspace } from './workspace.ts';

/** The same one deals the same values to the same places. */
const seed = Number(process.env['BANKCTL_TEST_SEED']);

/** What of `describe` a command line is made of. */
interface Tree {
  readonly options: readonly Flag[];
  readonly commands: readonly Described[];
  readonly statuses: readonly { readonly status: number }[];
}

interface Described {
  readonly name: string;
  readonly arguments: readonly Slot[];
  readonly options: readonly Flag[];
}

interface Slot {
  readonly name: string;
  readonly required: boolean;
  readonly stands_for: string;
  readonly choices: readonly string[] | null;
}

interface Flag {
  readonly name: string;
  /** Null for a switch. */
  readonly value: string | null;
}

/** A place of a command line, and the line with a value there. */
interface Place {
  readonly name: string;
  readonly line: (value: string) => readonly string[];
  /** How many values it gets in one run; other ones with another seed. */
  readonly values: number;
}

/** What an argument is when another place has the nasty value. */
function goodValue({ name, stands_for, choices }: Slot): string {
  const byName: Readonly<Record<string, string>> = { amount: '1', to: 'branch1:OTHER' };
  const byMeaning: Readonly<Record<string, string>> = {
    ...{ branch: 'branch1', account: 'ACC', reference: 'branch1:ACC', operation: 'open-ACC' },
    file: 'rows.csv',
  };
  return byName[name] ?? choices?.at(-1) ?? byMeaning[stands_for] ?? 'A';
}

/** Words that keep a command short, whatever else it gets. */
const tamed: Readonly<Record<string, readonly string[]>> = {
  stress: ['--ops', '2', '--workers', '1', '--branches', '1', '--model', 'branch'],
};

/** Every argument and option of every command, and the global options. */
function placesOf({ commands, options }: Tree): readonly Place[] {
  const wordsOf = ({ name, arguments: slots }: Described) => [
    ...[name, ...slots.filter(({ required }) => required).map(goodValue)],
    ...(tamed[name] ?? []),
  ];
  const ofOption = (words: readonly string[], { name, value }: Flag): Place => ({
    name: `${words[0]} ${name}`,
    line: (nasty) =>
      value !== null && nasty.length % 2 === 0
        ? [...words, name, nasty]
        : [...words, `${name}=${nasty}`],
    values: value === null ? 1 : 6,
  });
  const ofCommand = (command: Described): readonly Place[] => {
    const { arguments: slots } = command;
    const inArguments = slots.map((slot, at) => ({
      name: `${command.name} <${slot.name}>`,
      line: (nasty: string) => {
        const others = slots.filter(({ required }, index) => required || index <= at);
        const words = others.map(goodValue);
        return [command.name, ...words.with(at, nasty), ...(tamed[command.name] ?? [])];
      },
      values: 8,
    }));
    return [...inArguments, ...command.options.map((flag) => ofOption(wordsOf(command), flag))];
  };
  return [
    ...commands.flatMap(ofCommand),
    ...options.map((flag) => ofOption(['balance', '--timeout', '1s'], flag)),
  ];
}

/** Shuffled decks of all values, one after another, by the seed of the run. */
function dealt(total: number): readonly string[] {
  const all = nastyValues.length;
  const deck = fc.shuffledSubarray([...nastyValues], { minLength: all, maxLength: all });
  return fc.sample(deck, { seed, numRuns: Math.ceil(total / all) }).flat();
}

/** A command line as a program would have it, with a very long value by where it is written. */
function spelled(argv: readonly string[], value: string): string {
  const reference = `nastyValues[${nastyValues.indexOf(value)}]`;
  const words = argv.map((word) =>
    word.length > 500 ? word.replace(value, () => reference) : word,
  );
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(words).replace(/[^ -~]/g, escaped);
}

async function bankWithAccounts(): Promise<Workspace> {
  const bank = await workspace();
  await bank.run(['open', 'branch1', 'ACC', '--balance', '10', '--id', 'open-ACC']);
  await bank.run(['open', 'branch1', 'OTHER', '--balance', '10']);
  await bank.run(['open', 'branch2', 'ACC']);
  return bank;
}

/** The hash of all collections. */
async function hashOf({ db }: Workspace): Promise<string> {
  const { md5 } = await db.command({ dbHash: 1 });
  return md5;
}

/** How a command ended that had a nasty value in one place. */
interface End extends Ran {
  /** The name of the place. */
  readonly name: string;
  readonly asJson: boolean;
  /** Whether it had to be interrupted. */
  readonly interrupted: boolean;
  /** Whether anything in the database is otherwise than before. */
  readonly moved: boolean;
}

/** What takes many writes may take some and refuse others; it says so on stdout. */
function tookSome({ name, stdout }: End): boolean {
  return stdout !== '' && /^(?:apply|import|repair|adopt) |^reverse --batch$/.test(name);
}

/** Whatever is neither visible nor the end of a line. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** What is wrong with the end of a command, if anything. */
function problemsOf(end: End, { statuses }: Tree): readonly string[] {
  const { status, stdout, stderr, asJson, interrupted, moved } = end;
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  const hasFailed = [1, 2, 3].includes(status);
  const isRefused = hasFailed && stdout === '';
  const unseen = [...`${stdout}${stderr}`.matchAll(invisible)].filter(([text]) => text !== '\n');
  const checks: readonly (readonly [boolean, string])[] = [
    [!statuses.some((known) => known.status === status), `ended with ${status}`],
    [/\n\s+at .+:\d/.test(stderr), 'printed a stack trace'],
    [/bug in bankctl|"code":"internal"/.test(stderr), 'called itself a bug'],
    [unseen.length > 0, `printed ${JSON.stringify(unseen[0]?.[0])}`],
    [isRefused && asJson && jsonFault(last) !== '', `is no JSON error: ${jsonFault(last)}`],
    [isRefused && stderr.trim() === '', 'said nothing'],
    [stderr.length > 10_000, `said ${stderr.length} characters`],
    [interrupted, 'had to be interrupted'],
    [hasFailed && moved && !tookSome(end), 'wrote something'],
  ];
  return checks.flatMap(([applies, problem]) => (applies ? [problem] : []));
}

function jsonFault(line: string): string {
  try {
    return faults(errorSchema, JSON.parse(line));
  } catch {
    return `no JSON: ${line.slice(0, 200)}`;
  }
}

/** Each value somewhere, each place some: all values in all places would take minutes. */
test('every place of every command withstands nasty values', async () => {
  const bank = await bankWithAccounts();
  const tree: Tree = JSON.parse((await bank.run(['describe'])).stdout);
  // Two directories down, so that ../../etc is still in the workspace.
  const cwd = join(bank.directory, 'two', 'down');
  await mkdir(cwd, { recursive: true });
  // Nothing may be written elsewhere, whichever of the two working directories a path goes by.
  const home = process.cwd();
  process.chdir(cwd);
  onTestFinished(() => process.chdir(home));
  await writeFile(join(cwd, 'rows.csv'), 'id,branch,account,amount\nrow-1,branch1,ACC,1\n');
  const places = placesOf(tree).flatMap((place) =>
    Array.from({ length: place.values }, () => place),
  );
  const values = dealt(places.length);
  expect(new Set(values).size).toBeGreaterThanOrEqual(80);
  expect(new Set(values).size).toBe(nastyValues.length);

  const wrong: unknown[] = [];
  let before = await hashOf(bank);
  for (const [at, { name, line }] of places.entries()) {
    const asJson = at % 2 === 0;
    const value = values[at] ?? '';
    const argv = [...(asJson ? ['-o', 'json'] : []), ...line(value)];
    const patience = AbortSignal.timeout(20_000);
    const ran = await run(argv, cwd, bank.env, { interrupted: patience }).catch(
      (error: unknown) => ({
        ...{ status: -1, stdout: '', stderr: String(error) },
      }),
    );
    const interrupted = patience.aborted;
    const after = await hashOf(bank);
    const moved = before !== after;
    const problems = problemsOf({ ...ran, name, asJson, interrupted, moved }, tree);
    if (problems.length > 0) {
      wrong.push([name, spelled(argv, value), problems, ran.stderr.slice(0, 300)]);
    }
    before = after;
  }
  expect(wrong, `with BANKCTL_TEST_SEED=${seed}`).toEqual([]);
}, 300_000);

test('a doctored end of a command is objected to, and so is a write', async () => {
  const bank = await bankWithAccounts();
  const tree: Tree = JSON.parse((await bank.run(['describe'])).stdout);
  const refused: End = {
    ...(await bank.run(['balance', 'nowhere', '--json'])),
    ...{ name: 'balance <branch>', asJson: true, interrupted: false, moved: false },
  };
  expect(problemsOf(refused, tree)).toEqual([]);
  const doctored: readonly Partial<End>[] = [
    { status: 7 },
    { stderr: 'bankctl: x\n    at main (main.ts:1:1)\n' },
    { stderr: `${refused.stderr.replace('unknown_branch', 'internal')}` },
    { stderr: '{"error":{"code":"usage"}}\n' },
    { stderr: refused.stderr.replace('nowhere', '\u001B[2J') },
    { stderr: refused.stderr.replace('nowhere', 'x'.repeat(20_000)) },
    { stderr: '' },
    { status: 130, interrupted: true },
    { moved: true },
    { moved: true, stdout: 'labelled\n', name: 'label --owner' },
    { moved: true, stdout: 'reversed\n', name: 'reverse <operation>' },
    { moved: true, name: 'apply <file>' },
  ];
  for (const change of doctored) {
    expect(problemsOf({ ...refused, ...change }, tree)).not.toEqual([]);
  }
  expect(spelled(['--owner=\u202E"'], '\u202E"')).toBe('["--owner=\\u202e\\""]');
  const long = nastyValues.at(-1) ?? '';
  const index = nastyValues.length - 1;
  expect(spelled(['show', `-x=${long}`], long)).toBe(`["show","-x=nastyValues[${index}]"]`);
  for (const name of ['apply <file>', 'reverse --batch']) {
    const partly = { ...refused, name, moved: true, stdout: 'applied 1, refused 1\n' };
    expect(problemsOf(partly, tree)).toEqual([]);
  }
  const before = await hashOf(bank);
  await bank.db.collection('branch1').updateOne({ account_number: 'ACC' }, { $inc: { seen: 1 } });
  expect(await hashOf(bank)).not.toBe(before);
});
