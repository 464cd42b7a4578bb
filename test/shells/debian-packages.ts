import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Programs that the tests need, and Debian's packages with what they need in turn. */
const packages = {
  bash: ['bash'],
  zsh: ['zsh', 'zsh-common'],
  fish: ['fish', 'fish-common', 'libpcre2-32-0'],
  mandoc: ['mandoc'],
} as const;

export type Program = keyof typeof packages;

/** How to start a program. */
export interface Installed {
  readonly path: string;
  /** The directory that stands for `/` if it is not installed here; otherwise empty. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
}

const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'debian');

/**
 * A program, as it is installed here, or else unpacked from Debian's packages into a cache, which
 * takes no root.
 *
 * @throws Error that says what to install: no test is left out for lack of a shell
 */
export async function installed(program: Program): Promise<Installed> {
  const own = await onPath(program);
  if (own !== undefined) return { path: own, root: '', env: {} };
  const root = join(cache, program);
  const found = async () => {
    const paths = ['bin', 'usr/bin'].map((directory) => join(root, directory, program));
    const there = await Promise.all(paths.map(exists));
    return paths.find((_, index) => there[index]);
  };
  if ((await found()) === undefined) await unpack(program, root);
  const path = await found();
  if (path === undefined) throw missing(program, `${root} does not have it`);
  return { path, root, env: { LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') } };
}

async function onPath(program: string): Promise<string | undefined> {
  const directories = (process.env['PATH'] ?? '').split(':').filter((one) => one !== '');
  const paths = directories.map((directory) => join(directory, program));
  const there = await Promise.all(paths.map(exists));
  return paths.find((_, index) => there[index]);
}

/** Unpacked beside its place and then renamed, so that two runs at once do no harm. */
async function unpack(program: Program, root: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'draft-'));
  try {
    await download(packages[program], draft);
    const files = (await readdir(draft)).filter((name) => name.endsWith('.deb'));
    for (const file of files) await run('dpkg', ['-x', join(draft, file), join(draft, 'root')]);
    // fish looks for both of its directories in one place.
    await symlink('../etc', join(draft, 'root', 'usr', 'etc')).catch(() => undefined);
    await rename(join(draft, 'root'), root).catch(async (error: unknown) => {
      if (!(await exists(root))) throw error;
    });
  } catch (error) {
    throw missing(program, error instanceof Error ? error.message : String(error));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** A fresh machine may have no lists of packages yet; root can fetch them. */
async function download(names: readonly string[], cwd: string): Promise<void> {
  const fetch = () => run('apt-get', ['download', ...names], { cwd });
  try {
    await fetch();
  } catch {
    await run('apt-get', ['update']);
    await fetch();
  }
}

function missing(program: Program, reason: string): Error {
  const names = packages[program].join(' ');
  const cure = `Install it: apt-get update && apt-get install ${names}.`;
  return new Error(
    `The tests need ${program}, and Debian's packages did not do: ${reason} ${cure}`,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
