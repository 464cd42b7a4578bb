import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { arch, pid, platform, version } from 'node:process';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { cachePath, type Env, given } from './environment.ts';
import { foreignFault, privacyFault, realEyes } from './ownership.ts';

/** What Node.js gives a CommonJS module. */
interface NodeRequire {
  (path: string): unknown;
  readonly cache: Readonly<Record<string, { readonly exports: unknown } | undefined>>;
}

/** The files of a program, run from code that was compiled before, as far as it was kept. */
interface CompiledProgram {
  /** What a file exports, which is run when it is first asked for. */
  readonly load: (name: string) => unknown;
  /** Keeps what had to be compiled, after a command line that went well. Never fails. */
  readonly keep: () => void;
}

/** Compiled code as it was kept. */
interface Kept {
  readonly code: Buffer;
  /** The tag of V8's flags, which are part of what V8 compares. */
  readonly flags: number;
  /** The first words of the command lines whose functions are in it. */
  readonly words: readonly string[];
}

/** A file that was run. */
interface Loaded {
  /** Where it is kept. */
  readonly place: string;
  readonly script: Script;
  readonly sourceSum: number;
  readonly flags: number;
  readonly words: readonly string[];
  readonly isKept: boolean;
}

const head = '(function (exports, require, module, __filename, __dirname) {';

/**
 * The CommonJS files of a folder, with what V8 made of them: to compile the functions that a
 * command calls takes longer than to run them. Node.js 22 has a cache of its own, which keeps fewer
 * of them, and Node.js 20 has none.
 *
 * The first command of a word, such as `increment`, adds its functions to what is kept. V8 takes no
 * code of another version or with other flags, but runs whatever else it is given, so what is kept
 * has sums of itself and of the source.
 *
 * `NODE_DISABLE_COMPILE_CACHE` turns it off, and a `NODE_COMPILE_CACHE` of the user's own takes its
 * place: Node.js then loads the files itself, as it does if there is no safe place to keep them.
 *
 * @param folder where the files are, an absolute path
 * @param require Node.js's own, for what is not one of them
 * @param word the first of the command line
 * Source: Node.js, `vm.Script`, `cachedData`.
 */
export function compiledProgram(
  folder: string,
  require: NodeRequire,
  env: Env,
  word = '',
): CompiledProgram {
  const directory = cacheDirectory(env);
  if (directory === undefined) {
    return { load: (name) => require(join(folder, name)), keep: () => undefined };
  }
  // An option could be a URI with a password.
  const command = /^[a-z_]+$/.test(word) ? word : '';
  const prefix = join(directory, `${version}-${arch}-${sumText(crc32(folder))}-`);
  const modules = new Map<string, { exports: unknown }>();
  const loaded: Loaded[] = [];
  const load = (name: string): unknown => {
    const path = join(folder, name);
    const known = modules.get(path) ?? require.cache[path];
    if (known !== undefined) return known.exports;
    const file = compile(path, prefix + name);
    loaded.push(file);
    const module = { exports: {} };
    modules.set(path, module);
    const run: unknown = file.script.runInThisContext();
    if (typeof run === 'function') run(module.exports, requireBeside, module, path, folder);
    return module.exports;
  };
  const requireBeside = (name: string): unknown =>
    name.startsWith('./') ? load(name.slice(2)) : require(name);
  const keep = (): void => {
    const changed = loaded.filter(({ isKept, words }) => !isKept || !words.includes(command));
    try {
      // A command may have changed the flags as it ran.
      const flags = loaded[0]?.flags;
      if (changed.length === 0 || cachedDataVersionTag() !== flags) return;
      removeForgotten(prefix, folder);
      for (const { place, script, sourceSum, words } of changed) {
        const all = [...new Set([...words, command])];
        const about = `${sumText(sourceSum)} ${flags} ${all.join(',')}\n`;
        write(place, withSum(about, script.createCachedData()));
      }
    } catch {
      // The next start is only slower.
    }
  };
  return { load, keep };
}

/**
 * A file as a function that is not called yet, from what was kept at a place if possible. Its text
 * is put together in a buffer, since each string of that size makes V8 collect garbage.
 */
function compile(path: string, place: string): Loaded {
  const source = Buffer.concat([Buffer.from(head), readFileSync(path), Buffer.from('\n})')]);
  const sourceSum = crc32(source);
  const kept = readKept(place, sourceSum);
  // The build leaves nothing but ASCII in it.
  const script = new Script(source.toString('latin1'), {
    filename: path,
    columnOffset: -head.length,
    ...(kept && { cachedData: kept.code }),
  });
  const isKept = kept !== undefined && script.cachedDataRejected !== true;
  const { flags, words } = isKept ? kept : { flags: cachedDataVersionTag(), words: [] };
  return { place, script, sourceSum, flags, words, isKept };
}

/** What is kept under a name: a sum of all the rest, what it is about, and the code. */
function withSum(about: string, code: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(about), code]);
  return Buffer.concat([Buffer.from(`${sumText(crc32(rest))} `), rest]);
}

/** undefined if nothing is kept, or not of this source, or if it is damaged. */
function readKept(path: string, sourceSum: number): Kept | undefined {
  try {
    if (foreignFault(path, ['file']) !== undefined) return undefined;
    const bytes = readFileSync(path);
    const end = bytes.indexOf('\n');
    const [sum = '', of, flags, words = ''] = bytes.toString('latin1', 0, end).split(' ');
    if (of !== sumText(sourceSum) || sum !== sumText(crc32(bytes.subarray(sum.length + 1)))) {
      return undefined;
    }
    return { code: bytes.subarray(end + 1), flags: Number(flags), words: words.split(',') };
  } catch {
    return undefined;
  }
}

function sumText(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}

/** Whole or not at all, since others read it at any moment. */
function write(path: string, bytes: Buffer): void {
  const draft = `${path}.${pid}`;
  try {
    writeFileSync(draft, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Removes what was kept of files that the program no longer has, and drafts left by a crash. */
function removeForgotten(prefix: string, folder: string): void {
  for (const name of readdirSync(dirname(prefix))) {
    const place = join(dirname(prefix), name);
    if (!place.startsWith(prefix) || existsSync(join(folder, place.slice(prefix.length)))) continue;
    rmSync(place, { force: true });
  }
}

/**
 * Where compiled code is kept: `compiled` in bankctl's own cache. Whoever can write there can make
 * this user run any code, so it is used only if it is this user's alone and others can replace no
 * step to it.
 *
 * @returns undefined if it is not, or if there is no place for it
 */
export function cacheDirectory(env: Env): string | undefined {
  const isDecided = ['NODE_DISABLE_COMPILE_CACHE', 'NODE_COMPILE_CACHE'].some(
    (name) => given(env, name) !== undefined,
  );
  if (isDecided) return undefined;
  try {
    const cache = cachePath(env, platform);
    if (cache === undefined) return undefined;
    const directory = join(cache, 'compiled');
    if (privacyFault(directory) !== undefined) return undefined;
    if (realEyes.look(directory) !== undefined) return directory;
    makeMissing(directory);
    // Looked at again, since somebody else may have made it in between.
    const isThere = realEyes.look(directory) !== undefined;
    return isThere && privacyFault(directory) === undefined ? directory : undefined;
  } catch {
    // A start without a cache is only slower.
    return undefined;
  }
}

/** The directory, and the two above it if need be: `bankctl`, and the cache of all programs. */
function makeMissing(directory: string): void {
  const paths = [dirname(dirname(directory)), dirname(directory), directory];
  for (const path of paths) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch {
      // It exists, or the next one fails too.
    }
  }
}
