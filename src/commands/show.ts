import type { ShownApplied, ShownPosting, ShownRefused } from '../bank/operation-lookup.ts';
import { parseOperationId } from '../bank/operations/names.ts';
import { quote } from '../core/text.ts';
import { timeFormat } from '../core/time.ts';
import { formats } from '../render/formats.ts';
import { recordView, type View } from '../render/view.ts';
import { hintAtPlace } from './bank-notices.ts';
import type { Command } from './command.ts';
import { argument } from './command-input.ts';
import { resultZone } from './notice.ts';
import { profileFields } from './posting-schema.ts';
import { profileColumns, profileText } from './profile-text.ts';
import {
  listOf,
  mapOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  text,
  time,
  wholeNumber,
  wordOf,
} from './result-schema.ts';

const shared = {
  ...{ operation: text, type: text, at: time, by: text, memo: nullable(text), request: text },
  refused_before: optional(listOf(mapOf(text))),
};

export const show: Command = {
  name: 'show',
  summary: 'show whether an operation was applied, with its postings, or refused',
  description:
    'Shows what the journal says about one operation: that it was applied, with its postings ' +
    'and whether it was reversed; or that it was refused, when, why, and who asked for it. Only ' +
    'rows of a file (apply) are kept if they are refused: a refused single command leaves no ' +
    'trace. If the journal does not have the id, similar ones are named. The beginning of an id ' +
    'will do if no other id begins with it.',
  arguments: [{ name: 'operation', summary: 'operation id, or its first 4 characters or more' }],
  options: [],
  examples: ['bankctl show till-7-000123', 'bankctl show till-7-000123 --json'],
  results: [
    oneOf(
      objectOf<ShownApplied>({
        ...shared,
        ...{ state: wordOf(['applied']), reverses: nullable(text), reversed_by: nullable(text) },
        was: optional(mapOf(text)),
        postings: listOf(
          objectOf<ShownPosting>({
            ...{ branch: text, account: text, amount: text, balance: text },
            ...{ currency: nullable(text), version: wholeNumber, ...profileFields },
          }),
        ),
      }),
      'applied',
    ),
    oneOf(
      objectOf<ShownRefused>({
        ...shared,
        state: wordOf(['refused']),
        refused: objectOf({ code: text, message: text }),
        asked: mapOf(text),
      }),
      'refused',
    ),
  ],
  run: async (typed, session) => {
    const id = parseOperationId(argument(typed, 0));
    const [bank, { findOperation }] = await Promise.all([
      session.bank(),
      import('../bank/index.ts'),
    ]);
    const data = await findOperation(bank, id).catch(async (error: unknown) => {
      throw await hintAtPlace(session, bank, error);
    });
    if (data.operation !== id) {
      const [asked, found] = [quote(id), quote(data.operation)];
      const only = 'the only one whose id begins with it';
      const message = `No operation has the id ${asked}; this is ${found}, ${only}.`;
      session.say('prefix', message, { asked: id, operation: data.operation });
    }
    const formatAt = timeFormat(await resultZone(session));
    const at = formatAt(new Date(data.at));
    return {
      kind: 'single',
      data,
      view:
        data.state === 'applied'
          ? appliedView(data, at, formats[session.globals.output].forPeople)
          : refusedView(data, at),
    };
  },
};

/** What people read in a note are columns for programs. */
function appliedView(data: ShownApplied, at: string, forPeople: boolean): View {
  const profiles = forPeople ? [] : profileColumns<ShownPosting>((posting) => posting);
  return {
    layout: 'grid',
    columns: [
      { name: 'branch' },
      { name: 'account' },
      { name: 'amount', align: 'right' },
      { name: 'balance', align: 'right' },
      { name: 'currency' },
      { name: 'version', align: 'right' },
      ...profiles.map(({ name }) => ({ name })),
    ],
    rows: data.postings.map((posting) => [
      posting.branch,
      posting.account,
      posting.amount,
      posting.balance,
      posting.currency ?? '',
      String(posting.version),
      ...profiles.map(({ cell }) => cell(posting)),
    ]),
    notes: [
      `${data.type} ${data.operation}, applied ${at} by ${data.by}`,
      ...(data.reverses ? [`reverses ${data.reverses}`] : []),
      ...(data.reversed_by ? [`reversed by ${data.reversed_by}`] : []),
      ...data.postings.map(profileText).filter((it) => it !== ''),
      ...(data.memo ? [`memo: ${data.memo}`] : []),
      ...Object.entries(data.was ?? {}).map(([name, value]) => `${name} was ${quote(value)}`),
      ...(data.refused_before ?? []).map(
        ({ at: before, by, message }) => `refused before, ${before} by ${by}: ${message}`,
      ),
    ],
  };
}

function refusedView(data: ShownRefused, at: string): View {
  const { code, message } = data.refused;
  return recordView({
    operation: data.operation,
    state: data.state,
    ...{ at, by: data.by, type: data.type },
    ...data.asked,
    ...(data.memo && { memo: data.memo }),
    code,
    reason: message,
  });
}
