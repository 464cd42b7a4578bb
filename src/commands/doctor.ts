import { errorTable, Status } from '../core/errors.ts';
import { type Check, checkNames } from '../doctor/check.ts';
import type { SingleResult } from '../render/result.ts';
import { column, gridView } from '../render/view.ts';
import type { Command, Session, Typed } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import {
  anyObject,
  flag,
  listOf,
  nullable,
  objectOf,
  oneOf,
  text,
  wordOf,
} from './result-schema.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'check everything that bankctl depends on, and say how to cure it',
  description: [
    'Checks the config, the local database, the connection, the server, its replica set,',
    'majority, clock and disk, and what the database says about the bank: its identity,',
    'collections, indexes, validators, and the permissions of the user. Writes nothing, and makes',
    'no new database.',
    '',
    '--fix does what is safe to do: it adds missing collections, indexes and validators, as',
    'bankctl init does. --role prints a role with the least that a user needs for every command',
    'but stress, as a createRole command to be run on the database of the bank.',
    '',
    'The status is that of the first problem, or 0 if there are only warnings.',
  ].join('\n'),
  arguments: [],
  options: [
    { flags: '--fix', summary: 'add missing collections, indexes and validators' },
    { flags: '--role', summary: 'print the least role that bankctl needs, and check nothing' },
  ],
  examples: ['bankctl doctor', 'bankctl doctor --fix', 'bankctl doctor --role > role.json'],
  results: [
    oneOf(
      objectOf({
        ok: flag,
        checks: listOf(
          objectOf<Check>({
            check: wordOf(checkNames),
            state: wordOf(['ok', 'warning', 'problem', 'skipped']),
            ...{ detail: text, cure: nullable(text), code: nullable(text) },
          }),
        ),
      }),
    ),
    oneOf(
      objectOf({ createRole: text, privileges: listOf(anyObject), roles: listOf(anyObject) }),
      'with --role',
    ),
  ],
  run: async (typed, session) => {
    const { fix, role } = parseDoctor(typed);
    if (role) return leastRole(session);
    const { examine } = await import('../doctor/doctor.ts');
    const host = { ...session, mongod: mongodHost(session), timeoutMs: session.globals.timeoutMs };
    const before = await examine(host);
    if (!fix || !isFixable(before)) return checksResult(before);
    const bank = await session.bank();
    const { prepareBank } = await import('../bank/index.ts');
    await prepareBank(bank);
    session.talk('collections_mended', 'Added what the collections lacked.');
    return checksResult(await examine(host));
  },
};

/** Every combination of the options is allowed. */
export function parseDoctor({ options }: Typed) {
  return { fix: options['fix'] === true, role: options['role'] === true };
}

async function leastRole(session: Session): Promise<SingleResult> {
  const { roleDocument } = await import('../doctor/role.ts');
  const data = roleDocument(await session.config());
  const lines = JSON.stringify(data, null, 2).split('\n');
  return {
    kind: 'single',
    data,
    view: { layout: 'text', columns: [{ name: 'role' }], rows: lines.map((line) => [line]) },
  };
}

/** Collections are made only where nothing else is wrong. */
function isFixable(checks: readonly Check[]): boolean {
  const lacking = checks.some(({ check, state }) => check === 'collections' && state === 'warning');
  return lacking && checks.every(({ state }) => state !== 'problem');
}

function checksResult(checks: readonly Check[]): SingleResult {
  const [first] = checks.filter(({ state }) => state === 'problem');
  const cures = checks.flatMap(({ check, cure }) => (cure === null ? [] : [`${check}: ${cure}`]));
  const view = gridView(checks, [column('check'), column('state'), column('detail')]);
  return {
    kind: 'single',
    data: { ok: first === undefined, checks },
    view: { ...view, notes: cures },
    status: first ? statusOf(first.code) : Status.done,
  };
}

function statusOf(code: string | null): Status {
  const [, row] = Object.entries(errorTable).find(([name]) => name === code) ?? [];
  return row?.status ?? Status.refused;
}
