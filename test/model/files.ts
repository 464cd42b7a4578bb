import type { Ask, Place, Request, Wanted } from './bank.ts';
import { placeKey } from './bank.ts';
import { amountText, type World } from './worlds.ts';

/** A file as a session passes it to bankctl. */
export interface RowFile {
  readonly name: string;
  readonly text: string;
  /** Line number of each row, in order, as messages and results name it. */
  readonly lines: readonly number[];
}

type Fields = Readonly<Record<string, string>>;

const operationColumns = [
  ...['type', 'id', 'branch', 'account', 'amount', 'from', 'to', 'reverses', 'memo', 'create'],
  ...['owner', 'add', 'remove'],
];

/** The rows of `apply`. */
export function operationFile(
  name: string,
  requests: readonly Request[],
  { csv, ids, length }: { readonly csv: boolean; readonly ids: boolean; readonly length: number },
  world: World,
): RowFile {
  const rows = requests.map(
    ({ id, ask, memo }): Fields => ({
      type: ask.type,
      ...(ids ? { id } : {}),
      ...fieldsOf(ask, world),
      ...(memo === '' ? {} : { memo }),
    }),
  );
  return file(name, rows, csv ? operationColumns : undefined, length);
}

/** The rows of `import`. */
export function accountFile(
  name: string,
  rows: readonly Wanted[],
  csv: boolean,
  world: World,
): RowFile {
  const fields = rows.map(({ branch, account, minor, status }): Fields => {
    const found = world.branches.find((each) => each.name === branch);
    const currency = found?.currency ?? '';
    return { branch, account, balance: amountIn(minor, branch, world), currency, status };
  });
  return file(
    name,
    fields,
    csv ? ['branch', 'account', 'balance', 'currency', 'status'] : undefined,
  );
}

/** A request, in the columns of a file. */
export function fieldsOf(ask: Ask, world: World): Fields {
  switch (ask.type) {
    case 'open':
      return { ...ask.at, amount: amountIn(ask.minor, ask.at.branch, world) };
    case 'increment': {
      const amount = amountIn(ask.minor, ask.at.branch, world);
      return { ...ask.at, amount, ...(ask.create ? { create: 'true' } : {}) };
    }
    case 'transfer': {
      const amount = amountIn(ask.minor, ask.from.branch, world);
      return { from: placeKey(ask.from), to: placeKey(ask.to), amount };
    }
    case 'reverse':
      return { reverses: ask.reverses };
    case 'label':
      return { ...ask.at, ...editOf(ask) };
    default:
      return { ...ask.at };
  }
}

/** A request, as words on a command line. */
export function wordsOf(ask: Ask, world: World): readonly string[] {
  const at = ({ branch, account }: Place) => [branch, account];
  switch (ask.type) {
    case 'open': {
      const amount = amountIn(ask.minor, ask.at.branch, world);
      // Joined by `=`: `--balance -5` would be two flags.
      return ['open', ...at(ask.at), `--balance=${amount}`];
    }
    case 'increment': {
      const amount = amountIn(ask.minor, ask.at.branch, world);
      return ['increment', ...at(ask.at), amount, ...(ask.create ? ['--create'] : [])];
    }
    case 'transfer': {
      const amount = amountIn(ask.minor, ask.from.branch, world);
      return ['transfer', placeKey(ask.from), placeKey(ask.to), amount];
    }
    case 'reverse':
      return ['reverse', ask.reverses];
    case 'label': {
      const options = Object.entries(editOf(ask)).map(([name, value]) => `--${name}=${value}`);
      return ['label', ...at(ask.at), ...options];
    }
    default:
      return [ask.type, ...at(ask.at)];
  }
}

function editOf({ owner, add, remove }: Extract<Ask, { readonly type: 'label' }>): Fields {
  return {
    ...(owner === '' ? {} : { owner }),
    ...(add === '' ? {} : { add }),
    ...(remove === '' ? {} : { remove }),
  };
}

export function amountIn(minor: bigint, branch: string, world: World): string {
  return amountText(minor, world.branches.find(({ name }) => name === branch) ?? { digits: 2 });
}

function file(
  name: string,
  rows: readonly Fields[],
  columns: readonly string[] | undefined,
  length = 0,
): RowFile {
  if (columns === undefined) {
    const text = rows.map((row) => `${ndjson(row).padEnd(length)}\n`).join('');
    return { name: `${name}.ndjson`, text, lines: rows.map((_, index) => index + 1) };
  }
  const used = columns.filter((column) => rows.some((row) => row[column] !== undefined));
  const text = [used, ...rows.map((row) => used.map((column) => row[column] ?? ''))]
    .map((cells) => `${cells.map(cell).join(',')}\n`)
    .join('');
  return { name: `${name}.csv`, text, lines: rows.map((_, index) => index + 2) };
}

/** Flags are not text in JSON. */
function ndjson(row: Fields): string {
  return JSON.stringify(
    row['create'] === undefined ? row : { ...row, create: row['create'] === 'true' },
  );
}

/** RFC 4180. */
function cell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
