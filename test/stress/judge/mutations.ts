import type { Line } from './serial-bank.ts';

/** A history with one thing changed. */
export interface Mutant {
  readonly what: string;
  readonly lines: readonly Line[];
  /** Why it may still be a proof; undefined if it must not pass. */
  readonly allowed: string | undefined;
}

type Path = readonly (string | number)[];

/** Fields that docs/history.md calls extras, or that only ask for more to be proved. */
const extras: ReadonlySet<string | number> = new Set([
  'seed',
  'error',
  'schedule',
  'replayed',
  'gave_up',
  'said',
  'kinds',
  'faults',
]);

/** All histories that differ from this one by one change. */
export function* mutants(lines: readonly Line[]): Iterable<Mutant> {
  for (const [index, line] of lines.entries()) {
    yield* lineMutants(lines, index);
    for (const path of paths(line)) yield* fieldMutants(lines, index, path);
  }
  yield* classMutants(lines);
}

function* lineMutants(lines: readonly Line[], index: number): Iterable<Mutant> {
  const line = lines[index] ?? {};
  const name = `line ${index + 1} (${line['process'] ?? ''} ${line['type']} ${line['f']})`;
  const isAside = line['process'] === 'nemesis' && ['down', 'rejoin'].includes(String(line['f']));
  const aside = isAside ? 'an operation without an answer shows the bite as well' : undefined;
  yield { what: `${name} left out`, lines: lines.toSpliced(index, 1), allowed: aside };
  yield {
    what: `${name} twice`,
    lines: lines.toSpliced(index, 0, line),
    allowed: aside,
  };
  const next = lines[index + 1];
  if (!next) return;
  yield {
    what: `${name} after the next`,
    lines: lines.toSpliced(index, 2, next, line),
    allowed: next['time'] === line['time'] ? 'at the same time there is no order' : undefined,
  };
  const isFrame = [line, next].some(({ process }) => process === undefined);
  yield {
    what: `${name} later than the next`,
    lines: lines.toSpliced(
      index,
      2,
      { ...next, time: line['time'] },
      { ...line, time: next['time'] },
    ),
    allowed:
      isFrame || line['process'] === next['process'] ? aside : 'another run may have gone so',
  };
}

function* paths(value: unknown, path: Path = []): Iterable<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    yield* paths(Reflect.get(value, key), [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

function* fieldMutants(lines: readonly Line[], index: number, path: Path): Iterable<Mutant> {
  const line = lines[index] ?? {};
  const name = `line ${index + 1} (${line['type']} ${line['f']}) ${path.join('.')}`;
  const old = path.reduce<unknown>((value, key) => Reflect.get(Object(value), key), line);
  const changes: readonly (readonly [string, unknown])[] = [
    ['left out', undefined],
    ['null', null],
    ...retyped(old).map((value) => ['of another type', value] as const),
    ...changed(old).map((value) => [`now ${value}`, value] as const),
  ];
  for (const [what, value] of changes) {
    yield {
      what: `${name} ${what}`,
      lines: lines.with(index, changedLine(line, path, value)),
      allowed: fieldIsAllowed(lines, index, path, value),
    };
  }
}

function retyped(old: unknown): readonly unknown[] {
  if (typeof old === 'number') return [String(old)];
  if (typeof old === 'string') return [Number.isNaN(Number(old)) ? [old] : Number(old)];
  if (typeof old === 'boolean') return [String(old)];
  return [JSON.stringify(old), 7];
}

function changed(old: unknown): readonly unknown[] {
  if (typeof old === 'number') return [old + 1, old - 1];
  if (typeof old === 'boolean') return [!old];
  if (typeof old !== 'string') return [];
  if (/^-?\d+\.\d\d$/.test(old)) {
    const more = (Number(old) + 0.01).toFixed(2);
    return Number(old) === 0 ? [more] : [more, old.startsWith('-') ? old.slice(1) : `-${old}`];
  }
  const others: Readonly<Record<string, readonly string[]>> = {
    ok: ['fail', 'info', 'invoke'],
    fail: ['ok', 'info'],
    info: ['ok', 'fail'],
    invoke: ['ok'],
    ledger: ['branch', 'shared'],
    branch: ['ledger', 'shared'],
    shared: ['ledger', 'branch'],
  };
  return others[old] ?? [`${old}x`];
}

function changedLine(line: Line, path: Path, value: unknown): Line {
  const copy: Line = structuredClone(line);
  const last = path.at(-1);
  const parent = path.slice(0, -1).reduce<object>((at, key) => Reflect.get(at, key), copy);
  if (last === undefined) return copy;
  if (value !== undefined) Reflect.set(parent, last, value);
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else Reflect.deleteProperty(parent, last);
  return copy;
}

/** The precise list of changes of a field that leave a proof a proof. */
function fieldIsAllowed(
  lines: readonly Line[],
  index: number,
  path: Path,
  value: unknown,
): string | undefined {
  const line = lines[index] ?? {};
  const [field] = path;
  const key = path.join('.');
  if (field !== undefined && extras.has(field)) return 'an extra field';
  if (key === 'value.reverses') return value === undefined ? 'an extra field' : undefined;
  if (field === 'time') return 'the order is the same, or the judge says that it is not';
  if (
    key === 'model' &&
    line['model'] === 'ledger' &&
    (value === undefined || value === 'ledger')
  ) {
    return 'a history without a model is one of the ledger';
  }
  if (line['process'] === 'nemesis' && path.length === 2) return 'another server all the same';
  if (key === 'type') return typeIsAllowed(lines, index, String(value));
  const plainEnd = 'collection' in line;
  if (plainEnd && field === 'collection' && line['matched'] !== 1) return 'nothing was written';
  if (plainEnd && field === 'matched' && line['type'] !== 'ok') return 'nothing was written';
  return undefined;
}

/** A weaker answer is also true, if nobody relies on the stronger one. */
function typeIsAllowed(lines: readonly Line[], index: number, type: string): string | undefined {
  const line = lines[index] ?? {};
  const { process, f } = line;
  if (process === 'nemesis') return undefined;
  const old = line['type'];
  const id = idOf(line);
  const isLast = !lines.slice(index + 1).some((later) => later['process'] === process);
  const isReading = f === 'read' || f === 'snapshot';
  if (isReading && (type === 'fail' || (type === 'info' && isLast))) return 'one reading less';
  if (isReading) return undefined;
  const isApplied = appliedIds(lines).has(id);
  const isPlain = 'collection' in line;
  if (isPlain) return old === 'ok' && line['matched'] === 0 ? 'nothing was written' : undefined;
  if (type === 'info' && isLast) return 'the journal settles it';
  const others = lines.some(
    (other, place) =>
      place !== index && idOf(other) === id && ['ok', 'info'].includes(String(other['type'])),
  );
  if (type === 'fail' && (!isApplied || others)) return 'another attempt, or none, applied it';
  return undefined;
}

function* classMutants(lines: readonly Line[]): Iterable<Mutant> {
  const gone = (
    what: string,
    isGone: (line: Line, index: number) => boolean,
    allowed?: string,
  ) => ({
    what: `no ${what}`,
    lines: lines.filter((line, index) => !isGone(line, index)),
    allowed,
  });
  for (const f of new Set(lines.map((line) => line['f']))) {
    const isAside = f === 'rejoin' || f === 'down';
    yield gone(`${f}`, (line) => line['f'] === f, isAside ? 'no fault of its own' : undefined);
  }
  for (const type of new Set(lines.map((line) => line['type']))) {
    yield gone(`${type}`, (line) => line['type'] === type);
  }
  yield gone('nemesis', (line) => line['process'] === 'nemesis', noNemesis(lines));
  const applied = appliedIds(lines);
  for (const id of new Set(lines.map(idOf).filter((id) => id !== undefined))) {
    const wrote = lines.some((line) => idOf(line) === id && line['matched'] === 1);
    const allowed = applied.has(id) || wrote ? undefined : 'it did nothing';
    yield gone(`${id}`, (line) => idOf(line) === id, allowed);
  }
}

function noNemesis(lines: readonly Line[]): string | undefined {
  return lines.some((line) => line['process'] === 'nemesis') ? undefined : 'there was none';
}

function idOf(line: Line): unknown {
  return Reflect.get(Object(line['value']), 'id');
}

function appliedIds(lines: readonly Line[]): ReadonlySet<unknown> {
  const ids: unknown = Reflect.get(Object(lines.at(-1)?.['value']), 'ids');
  return new Set(Array.isArray(ids) ? ids : []);
}
