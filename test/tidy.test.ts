import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Source {
  readonly path: string;
  readonly text: string;
  /** Without comments, so that prose cannot break a rule. */
  readonly code: string;
  readonly imports: readonly string[];
}

function sources(folder: string): readonly Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => read(`${folder}/${path}`));
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const imports = [...code.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(
    ([, name]) => name ?? '',
  );
  return { path, text, code, imports };
}

/** `src/bank/post.ts` importing `./branch.ts` gives `src/bank/branch.ts`. */
function resolved({ path, imports }: Source): readonly string[] {
  return imports.filter((name) => name.startsWith('.')).map((name) => join(path, '..', name));
}

const src = sources('src');
const all = [...src, ...sources('test')];

function folder(path: string): string {
  const [, first = ''] = path.split('/');
  return first.endsWith('.ts') ? 'top' : first;
}

describe('data flows one way', () => {
  /** What each folder of src may import from; every one may use itself and the top's leaves. */
  const arrows: Readonly<Record<string, readonly string[]>> = {
    bank: ['config'],
    config: ['bank', 'database'],
    database: [],
    render: ['commands', 'stress'],
    stress: ['bank', 'config', 'database', 'render'],
    files: ['bank', 'config', 'database'],
    commands: ['bank', 'config', 'database', 'files', 'render', 'stress'],
    top: ['bank', 'config', 'database', 'render', 'commands'],
  };

  test.each(Object.keys(arrows))('%s', (from) => {
    const allowed = new Set([from, 'top', ...(arrows[from] ?? [])]);
    const wrong = src
      .filter(({ path }) => folder(path) === from)
      .flatMap((source) => resolved(source).map((to) => `${source.path} → ${to}`))
      .filter((arrow) => !allowed.has(folder(arrow.split(' → ')[1] ?? '')));
    expect(wrong).toEqual([]);
  });

  test('no command imports another', () => {
    const { commands } = { commands: commandFiles() };
    const wrong = src
      .filter(({ path }) => commands.includes(path))
      .flatMap((source) => resolved(source).map((to) => `${source.path} → ${to}`))
      .filter((arrow) => commands.includes(arrow.split(' → ')[1] ?? ''));
    expect(wrong).toEqual([]);
  });

  function commandFiles(): readonly string[] {
    const [index] = src.filter(({ path }) => path === 'src/commands/index.ts');
    return index ? resolved(index).filter((path) => !path.endsWith('/command.ts')) : [];
  }

  test('the specimen is imported by the stress drivers alone', () => {
    const importers = src.filter((source) =>
      resolved(source).includes('src/stress/shared-model.ts'),
    );
    expect(importers.filter(({ path }) => !path.startsWith('src/stress/'))).toEqual([]);
    expect(importers.length).toBeGreaterThan(0);
  });

  test('render takes types alone from the commands and the stress', () => {
    const wrong = src
      .filter(({ path }) => folder(path) === 'render')
      .flatMap(({ path, code }) =>
        [...code.matchAll(/^import (?!type).*'\.\.\/(?:commands|stress)\/.*$/gm)].map(
          ([line]) => `${path}: ${line}`,
        ),
      );
    expect(wrong).toEqual([]);
  });
});

describe('one home each', () => {
  const homes: readonly [what: string, pattern: RegExp, home: RegExp][] = [
    ['commander', /from 'commander'/, /^src\/program\.ts$/],
    ['chalk', /from 'chalk'/, /^src\/render\/paint\.ts$/],
    ['cli-table3', /from 'cli-table3'/, /^src\/render\/table\.ts$/],
    ['string-width', /from 'string-width'/, /^src\/render\/unicode-width\.ts$/],
    ['mongodb', /import (?!type)[^;]*from 'mongodb'/, /^src\/(bank|database|stress)\//],
    ['mongodb-memory-server', /'mongodb-memory-server'/, /^src\/database\//],
    ['process', /(?<![\w.])process\./, /^src\/context\.ts$/],
    ['the clock', /Date\.now|new Date\(\)|performance\.now/, /^src\/context\.ts$/],
    ['chance', /Math\.random|randomUUID|randomInt/, /^src\/context\.ts$/],
    ['console', /(?<![\w.])console\./, /^$/],
    ['module-level let', /^(export )?let /m, /^$/],
    ['any', /(: |<|as )any\b/, /^$/],
    ['an unchecked as', / as (?:[A-Z]\w*|string|number|bigint|boolean|never|object|any)\b/, /^$/],
    ['non-null', /[\w)\]]!(?=[.;,)\]\s])(?!=)/, /^$/],
  ];

  test.each(homes)('%s', (_what, pattern, home) => {
    const code = ({ code: all }: Source) =>
      all.replace(/^(import|export) .*\bas\b.*$/gm, '').replace(/'[^'\n]*'/g, "''");
    const wrong = src.filter((source) => pattern.test(code(source)) && !home.test(source.path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

test('whoever writes to stderr makes the text safe for a person first', () => {
  const writers = src.filter(({ code }) => /stderr\.write\(/.test(code));
  const wrong = writers.filter(
    (source) => !resolved(source).some((to) => /^src\/(person|text)\.ts$/.test(to)),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
  expect(writers.length).toBeGreaterThan(0);
});

describe('a reader can hold it', () => {
  test('no line is over 100 columns', () => {
    const wrong = all.flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (line.length > 100 ? [`${path}:${index + 1}`] : [])),
    );
    expect(wrong).toEqual([]);
  });

  test('no file is over 400 lines', () => {
    const wrong = src.filter(({ text }) => text.split('\n').length > 400);
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test('every exported thing says what it is', () => {
    const wrong = src.flatMap(({ path, text }) =>
      [
        ...text.matchAll(
          /(^.*\n)export (?:async )?(?:abstract )?(function\*?|class|interface|const|type) (\w+)/gm,
        ),
      ]
        .filter(([, before]) => !/\*\/\s*$|^\/\//.test(before ?? ''))
        .map(([, , , name]) => `${path}: ${name}`),
    );
    // A command says what it is in its summary; a type beside its list, in the list.
    const exempt = /^src\/commands\/\w+\.ts: [a-z]+$|: (Status|\w+Point|ErrorCode|\w+Formats?)$/;
    expect(wrong.filter((name) => !exempt.test(name))).toEqual([]);
  });

  test('no file is named for nothing', () => {
    const wrong = all.filter(({ path }) => /utils?|helpers?|manager|common|misc/i.test(path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test('no test is left out', () => {
    const left = /\b(test|describe|it)\.(only|skip|skipIf|todo|runIf)\b/;
    const wrong = all.filter(({ path, code }) => path !== 'test/tidy.test.ts' && left.test(code));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
