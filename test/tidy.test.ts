import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
    .filter((path) => /\.[jt]s$/.test(path))
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

type Arrow = readonly [from: string, to: string];

/** Who imports whom. */
const arrows: readonly Arrow[] = src.flatMap((source) =>
  resolved(source).map((to): Arrow => [source.path, to]),
);

/** The sets of names that can be reached from each other. */
function circles(arrows: readonly Arrow[]): readonly (readonly string[])[] {
  const next = new Map<string, Arrow[]>();
  for (const arrow of arrows) next.set(arrow[0], [...(next.get(arrow[0]) ?? []), arrow]);
  const reached = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const left = [from];
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      for (const [, to] of next.get(at) ?? []) {
        if (!seen.has(to)) left.push(to);
        seen.add(to);
      }
    }
    return seen;
  };
  const all = new Map([...next.keys()].map((name) => [name, reached(name)]));
  const rings = [...all]
    .filter(([name, seen]) => seen.has(name))
    .map(([name, seen]) => [...seen].filter((other) => all.get(other)?.has(name)).toSorted());
  return [...new Map(rings.map((ring) => [ring.join(), ring])).values()];
}

describe('data flows one way', () => {
  /** The rooms of src, from the top down: each imports from itself and from those below it. */
  const rooms = [
    'main.ts',
    'cli',
    'commands',
    'render',
    ['audit', 'doctor'],
    ['files', 'stress'],
    'bank',
    'database',
    'config',
    'system',
    'core',
  ].map((room) => [room].flat());
  const levelOf = (room: string) => rooms.findIndex((level) => level.includes(room));
  const roomOf = (path: string) => path.split('/')[1] ?? '';

  test('each file is in a room', () => {
    expect(src.filter(({ path }) => levelOf(roomOf(path)) < 0).map(({ path }) => path)).toEqual([]);
  });

  test.each(rooms.flat())('%s', (room) => {
    const wrong = arrows
      .filter(([from, to]) => roomOf(from) === room && roomOf(to) !== room)
      .filter(([, to]) => levelOf(roomOf(to)) <= levelOf(room));
    expect(wrong.map((arrow) => arrow.join(' → '))).toEqual([]);
  });

  test('no files import each other in a circle', () => {
    expect(circles(arrows)).toEqual([]);
  });

  test('no folders import each other in a circle', () => {
    const between = arrows.map(([from, to]): Arrow => [dirname(from), dirname(to)]);
    expect(circles(between.filter(([from, to]) => from !== to))).toEqual([]);
  });

  test('circles are found', () => {
    const found = circles([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'b'],
      ['c', 'd'],
    ]);
    expect(found).toEqual([['b', 'c']]);
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
    const imported = index ? resolved(index) : [];
    return imported.filter((path) => /^src\/commands\/(?!command\.ts)/.test(path));
  }

  test('the specimen is imported by the stress drivers alone', () => {
    const importers = src.filter((source) =>
      resolved(source).includes('src/stress/subjects/shared-model.ts'),
    );
    expect(importers.filter(({ path }) => !path.startsWith('src/stress/'))).toEqual([]);
    expect(importers.length).toBeGreaterThan(0);
  });

  test('every export is used by another file', () => {
    const words = [...all, ...['bench', 'scripts', 'soak'].flatMap(sources)].map(
      ({ path, code }) => ({
        path,
        names: new Set(code.match(/\w+/g)),
      }),
    );
    const unused = src.flatMap(({ path, code }) =>
      [...code.matchAll(/^export (?:async |abstract )*(?:function\*?|class|\w+) (\w+)/gm)]
        .map(([, name = '']) => name)
        .filter((name) => !words.some((other) => other.path !== path && other.names.has(name)))
        .map((name) => `${path}: ${name}`),
    );
    expect(unused).toEqual([]);
  });
});

describe('one home each', () => {
  const homes: readonly [what: string, pattern: RegExp, home: RegExp][] = [
    ['commander', /from 'commander'/, /^src\/cli\/program\.ts$/],
    ['chalk', /from 'chalk'/, /^src\/render\/paint\.ts$/],
    ['cli-table3', /from 'cli-table3'/, /^src\/render\/frame\.ts$/],
    ['string-width', /from 'string-width'/, /^src\/render\/unicode-width\.ts$/],
    ['mongodb', /import (?!type)[^;]*from 'mongodb'/, /^src\/(bank|database|stress)\//],
    ['mongodb-memory-server', /'mongodb-memory-server'/, /^src\/database\//],
    ['process', /(?<![\w.])process\./, /^src\/core\/context\.ts$/],
    ['the clock', /Date\.now|new Date\(\)|performance\.now/, /^src\/core\/context\.ts$/],
    ['chance', /Math\.random|randomUUID|randomInt/, /^src\/core\/context\.ts$/],
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
    (source) => !resolved(source).some((to) => /^src\/core\/(redaction|text)\.ts$/.test(to)),
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
