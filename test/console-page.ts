import { cp, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { parseWords } from '../src/cli/completion/shell-words.ts';
import type { Workspace } from './workspace.ts';

/** As a person at a terminal sees it, without colour. */
const terminal = { NO_COLOR: '1', LANG: 'C.UTF-8', TERM: 'xterm', PAGER: 'cat' };

/** How the commands of a page are run. */
export interface PageOptions {
  /** Through a pipe, in which no column depends on the width of a path. */
  readonly piped?: boolean;
}

/** A session, or a comment that sets the clock: `<!-- clock 2024-11-04T08:00Z -->`. */
const part = /<!-- clock (?<time>\S+) -->|```console\n(?<session>.*?)```/gs;

/**
 * A page whose every `console` block is run again, command by command, in the workspace.
 *
 * The time of a posting is the server's. To keep the page as it is, each command's postings are
 * moved to the time of the last `clock` comment, a minute later per command.
 *
 * @returns the page, with what the commands print now
 */
export async function replayed(
  page: string,
  bank: Workspace,
  options: PageOptions = {},
): Promise<string> {
  const clock = createClock(bank);
  let done = '';
  let at = 0;
  for (const { 0: text, index, groups = {} } of page.matchAll(part)) {
    done += page.slice(at, index);
    at = index + text.length;
    if (groups['time'] === undefined) {
      const lines = (groups['session'] ?? '').split('\n').filter((line) => line.startsWith('$ '));
      done += '```console\n';
      let last = 0;
      for (const [at, line] of lines.entries()) {
        const { said, status } = await say(line.slice(2), bank, last, options);
        // Only what a page means to show may fail.
        if (status !== 0 && lines[at + 1] !== '$ echo $?') {
          throw new Error(`${line} ended with ${status}:\n${said}`);
        }
        last = status;
        done += `${line}\n${said}`;
        await clock.settle();
      }
      done += '```';
    } else {
      clock.set(new Date(groups['time']));
      done += text;
    }
  }
  return done + page.slice(at);
}

/** Takes over an example's files, with the database of the workspace. */
export async function takeExample(name: string, bank: Workspace): Promise<void> {
  const example = join(import.meta.dirname, '..', 'examples', name);
  await cp(example, bank.directory, { recursive: true });
  const config = join(bank.directory, 'bankctl.config.yaml');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(/^database: .*$/m, `database: ${bank.db.databaseName}`));
}

/** How one command line ends, with what it prints in the order in which it does. */
async function say(line: string, bank: Workspace, last: number, options: PageOptions) {
  const [command = '', ...rest] = parseWords(line).map(({ value }) => value);
  const clean = (text: string) => withoutChance(text, bank);
  if (line === 'echo $?') return { said: `${last}\n`, status: 0 };
  if (command === 'cat') {
    const text = await readFile(join(bank.directory, rest[0] ?? ''), 'utf8');
    return { said: clean(text), status: 0 };
  }
  if (command !== 'bankctl') throw new Error(`A page cannot run ${line}.`);
  const to = rest.indexOf('>');
  const isShown = to === -1;
  let said = '';
  const note = (text: string) => {
    said += text;
  };
  const { status, stdout } = await bank.run(isShown ? rest : rest.slice(0, to), {
    terminal: isShown && options.piped !== true,
    env: terminal,
    said: note,
    ...(isShown ? { written: note } : {}),
  });
  if (!isShown) await writeFile(join(bank.directory, rest[to + 1] ?? ''), stdout);
  return { said: clean(said), status };
}

/** Without what differs from run to run and from machine to machine. */
function withoutChance(text: string, { db, directory }: Workspace): string {
  return text
    .replaceAll(db.databaseName, 'bank')
    .replaceAll(directory, '~/bank')
    .replace(/\/\S*m\.sock/g, '/run/mongod.sock')
    .replace(/(?<=127\.0\.0\.1:)\d{2,5}/g, '27017')
    .replace(
      /^disk .*free where.*$/m,
      'disk            ok       96.4 GiB are free where the data is.',
    )
    .replace(/^disk: Make room there.\n/m, '')
    .replace(`belongs to ${userInfo().username} `, 'belongs to teller ')
    .replace(/(?<=MongoDB )\d+\.\d+\.\d+/g, '6.0.5')
    .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f-]{22}/g, '3ac70ef4-aa62-47e4-885e-800e7012ebb9');
}

/** Moves what was just posted to a time that stays. */
function createClock({ db }: Workspace) {
  const startedAt = new Date();
  let now = startedAt;
  return {
    set: (time: Date) => {
      now = time;
    },
    settle: async () => {
      const journal = db.collection('journal');
      const fresh = { at: { $gte: startedAt } };
      const posted = await journal.find(fresh).sort({ at: 1, _id: 1 }).toArray();
      for (const [index, { _id }] of posted.entries()) {
        const at = new Date(now.getTime() + index * 1000);
        await journal.updateOne({ _id }, { $set: { at } }, { bypassDocumentValidation: true });
      }
      for (const { name } of await db.listCollections().toArray()) {
        for (const field of ['opened_at', 'posted_at']) {
          await db
            .collection(name)
            .updateMany({ [field]: { $gte: startedAt } }, { $set: { [field]: now } });
        }
      }
      now = new Date(now.getTime() + 60_000);
    },
  };
}
