import type { Tally } from '../bank/survey.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { jsonText } from '../core/text.ts';
import { accountColumns } from '../files/account-rows.ts';
import type { ExportedAccount } from '../files/export.ts';
import { operationShape } from '../files/operation-rows.ts';
import { formats } from '../render/formats.ts';
import { type Part, type StreamResult, streamOf } from '../render/result.ts';
import { column } from '../render/view.ts';
import { reportProblems, sayLeftOut, warnOfNoBank } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { amount, manyOf, mapOf, objectOf, optional, text } from './result-schema.ts';

/** What `export` was asked for. */
interface ExportInput {
  /** The branches whose accounts are exported, in the order of the config. */
  readonly branches: readonly string[];
  readonly operations: boolean;
}

/** Not named `export`, which the language keeps for itself. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'write accounts, or all operations, as rows that can be read back',
  description: [
    'Without -o, or with -o table, accounts come as CSV and operations as NDJSON. All rows are',
    'from one moment.',
    '',
    'Accounts are for bankctl import, which gives the same balances, statuses, owners and labels:',
    'a row cannot carry the history, so an imported account begins with one posting. --operations',
    'writes the whole journal for bankctl apply, which gives an empty database the same balances,',
    'statuses, labels, versions and history, with ids and memos; the times and authors are those',
    'of the apply.',
  ].join('\n'),
  arguments: [{ name: 'branch', summary: 'only the accounts of this branch', optional: true }],
  options: [{ flags: '--operations', summary: 'export the whole journal of operations instead' }],
  examples: [
    'bankctl export branch1 > branch1.csv',
    'bankctl export -o ndjson > bank.ndjson',
    'bankctl export --operations > journal.ndjson',
  ],
  results: [
    manyOf(
      objectOf<ExportedAccount>({
        ...{ branch: text, account: text, balance: amount, currency: text, status: text },
        ...{ owner: optional(text), labels: optional(text) },
      }),
    ),
    manyOf(mapOf({ type: ['string', 'boolean'] }), 'with --operations'),
  ],
  run: async (typed, session) => {
    const input = parseExport(typed, await session.config());
    refuseSheet(session);
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    if (typed.args[0] === undefined) await sayLeftOut(bank, session);
    return input.operations ? operations(session) : accounts(input.branches, session);
  },
};

/** @throws `unknown_branch`; `usage` if the operations of one branch are asked for */
export function parseExport(typed: Typed, config: Config): ExportInput {
  const [name] = typed.args;
  const wanted = typed.options['operations'] === true;
  if (name === undefined) {
    return { branches: config.branches.map((branch) => branch.name), operations: wanted };
  }
  if (wanted) {
    throw new BankctlError(
      'usage',
      '--operations exports the whole journal: a transfer has legs in two branches.',
      'Leave out the branch, or --operations.',
    );
  }
  return { branches: [findBranch(config, name).name], operations: false };
}

/** @throws `usage`: what is to be read back must not be changed for a spreadsheet */
function refuseSheet({ globals: { output } }: Session): void {
  if (!output.startsWith('spreadsheet')) return;
  throw new BankctlError(
    'usage',
    'What export writes can be read back, but a spreadsheet changes cells like formulas.',
    'Use -o csv, or look at the accounts with bankctl accounts -o spreadsheet.',
  );
}

async function accounts(branches: readonly string[], session: Session): Promise<StreamResult> {
  const [{ exportAccounts }, { createTally }, bank] = await Promise.all([
    import('../files/export.ts'),
    import('../bank/index.ts'),
    session.bank(),
  ]);
  const tallies = new Map<string, Tally>();
  const tallyOf = (name: string) => {
    const tally = createTally();
    tallies.set(name, tally);
    return tally;
  };
  const stream = streamOf(
    exportAccounts(bank, branches, tallyOf),
    accountColumns.map((name) => ({ name, cell: (account) => account[name] ?? '' })),
  );
  const status = () => {
    const statuses = [...tallies].map(([name, tally]) =>
      reportProblems(session, bank.branches.get(name), { problems: tally.problems() }),
    );
    return statuses.find((one) => one !== Status.done) ?? Status.done;
  };
  const rows = { ...stream, status };
  return formats[session.globals.output].forPeople ? asText(rows, csvText) : rows;
}

async function operations(session: Session): Promise<StreamResult> {
  const { exportOperations } = await import('../files/export.ts');
  const { columns } = operationShape;
  const rows = streamOf(
    exportOperations(await session.bank()),
    columns.map((name) => column(name)),
  );
  return formats[session.globals.output].forPeople ? asText(rows, ndjsonText) : rows;
}

/** A table is not for machines: what is to be read back is written in a format for rows. */
function asText(
  { parts, ...rest }: StreamResult,
  write: (part: Part, first: boolean) => Promise<string>,
): StreamResult {
  async function* texts(): AsyncIterable<Part> {
    let first = true;
    for await (const part of parts) {
      const text = await write(part, first);
      first = false;
      const lines = text.split('\n').slice(0, -1);
      yield {
        items: part.items,
        view: { layout: 'text', columns: [{ name: 'row' }], rows: lines.map((line) => [line]) },
      };
    }
  }
  return { ...rest, parts: texts() };
}

async function csvText({ view }: Part, first: boolean): Promise<string> {
  const { renderCsv } = await import('../render/csv.ts');
  return renderCsv(view, { head: first, exact: true });
}

async function ndjsonText({ items }: Part): Promise<string> {
  return items.map((item) => `${jsonText(item)}\n`).join('');
}
