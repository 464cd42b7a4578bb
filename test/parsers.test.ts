import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePlan } from '../src/audit/plan/plan-parser.ts';
import {
  parseAccountNumber,
  parseMemo,
  parseOperationId,
  parseReference,
  referenceKey,
} from '../src/bank/operations/names.ts';
import { parseWords } from '../src/cli/completion/shell-words.ts';
import { parseMonths, parseRange } from '../src/commands/time-range.ts';
import { builtInConfig } from '../src/config/config.ts';
import { loadConfig } from '../src/config/parser.ts';
import { parseDuration } from '../src/core/duration.ts';
import { BankctlError } from '../src/core/errors.ts';
import { parseAmount } from '../src/core/money.ts';
import { unseenInName } from '../src/core/text.ts';
import { parseSpan } from '../src/core/time.ts';
import { checkUri } from '../src/core/uri.ts';
import { createCsvParser } from '../src/files/csv.ts';
import type { RowLayout } from '../src/files/dress.ts';
import { createNdjsonParser } from '../src/files/ndjson.ts';
import { operationShape, toOperation } from '../src/files/operation-rows.ts';
import { LineProblem, type RowParser, type RowShape } from '../src/files/rows.ts';
import { parseScheduleId } from '../src/stress/explore/schedule.ts';
import { readHistoryEvent } from '../src/stress/history/event.ts';
import { parseLedgerPoints, parseModels, parsePoints } from '../src/stress/setup/options.ts';
import { nastyValues } from './nasty-values.ts';

const config = builtInConfig;
const usd = { code: 'USD', digits: 2 };
const planText = `plan: 1
database: bank
database_id: "0a1b"
made: "2026-01-02T00:00:00.000Z"
by: clerk
repairs:
  - { id: fix-1, findings: [lost_write], account: A, why: lost, changes: [
      { branch: branch1, amount: "5.00", balance: "10.00", version: 1 }] }
`;
const vocabulary = { models: ['shared'], points: ['switched', 'written'] };

/** Every parser of text that people, files or other programs give, with what it reads gladly. */
const parsers: Readonly<Record<string, readonly [(text: string) => unknown, sound: string]>> = {
  amount: [(text) => parseAmount(text, usd), '-1200.50'],
  duration: [(text) => parseDuration(text, '--timeout'), '500ms'],
  time: [(text) => parseSpan(text, '--at', 'Europe/Paris'), '2026-11-24T18:30:00+01:00'],
  month: [(text) => parseMonths({ args: [], options: { month: text } }, 'UTC'), '2026-11'],
  range: [(text) => parseRange({ args: [], options: { since: text } }, 'UTC'), '2026-11-24'],
  account: [parseAccountNumber, 'ACC-1'],
  operation: [parseOperationId, 'pay-2026-11'],
  memo: [parseMemo, 'rent for November'],
  reference: [parseReference, 'branch1:ACC'],
  uri: [(text) => checkUri(text, 'in BANKCTL_URI'), 'mongodb://user:secret@host:27017/bank?w=1'],
  models: [(text) => parseModels(text, ['shared', 'branch']), 'shared,branch'],
  points: [parsePoints, 'switched,written'],
  'ledger points': [parseLedgerPoints, 'all'],
  schedule: [(text) => parseScheduleId(text, vocabulary), 's1:shared:all:w2:0110:k3f9x0a'],
  config: [(text) => loadConfig('bankctl.config.yaml', text), 'branches: { a: { collection: a } }'],
  plan: [(text) => parsePlan('plan.yaml', text, config), planText],
  'line of a shell': [parseWords, `bankctl open branch1 'a b' "c`],
  'event of a history': [readHistoryEvent, '{"type":"ok","f":"init","time":0,"value":{}}'],
  'header of CSV': [rowsOf(createCsvParser, '', ',account,amount\na,branch1,A,1'), 'id,branch'],
  'row of CSV': [rowsOf(createCsvParser, 'id,branch,account,amount\n'), 'a,branch1,A,1'],
  'row of NDJSON': [
    rowsOf(createNdjsonParser, ''),
    '{"id":"a","branch":"branch1","account":"A","amount":"1"}',
  ],
};

/** Reads text as the lines of a file of operations. */
function rowsOf(
  create: (shape: RowShape, layout: RowLayout) => RowParser,
  before: string,
  after = '',
) {
  return (text: string) => {
    const parser = create(operationShape, {});
    return `${before}${text}${after}`.split('\n').flatMap((line, index) => {
      const row = parser.parse(index + 1, line, false);
      return row === undefined ? [] : [toOperation(row, config)];
    });
  };
}

/** What is nasty, alone, twice, or anywhere in a text that would be right. */
function textsAround(sound: string): fc.Arbitrary<string> {
  const nasty = fc.constantFrom(...nastyValues.filter((text) => text.length < 1_000));
  const place = fc.nat(sound.length);
  const inside = fc
    .tuple(nasty, place, place)
    .map(([text, from, to]) => sound.slice(0, from) + text + sound.slice(to));
  return fc.oneof(
    nasty,
    inside,
    fc.tuple(nasty, nasty).map(([a, b]) => a + b),
    fc.string(),
  );
}

/** What was made of a text: a value, or the sentence that refuses it. */
function outcome(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof BankctlError || error instanceof LineProblem) return error;
    throw error;
  }
}

describe.each(Object.entries(parsers))('the parser of %s', (_name, [parse, sound]) => {
  test('reads what is right', () => {
    expect(outcome(parse, sound)).not.toBeInstanceOf(Error);
  });

  test('reads any other text, or refuses it and says what to type', () => {
    fc.assert(
      fc.property(textsAround(sound), (text) => {
        const read = outcome(parse, text);
        if (!(read instanceof Error)) return;
        expect(read.message).toMatch(/^\S/);
        if (read instanceof BankctlError) expect(read.hint).toMatch(/\S/);
      }),
      { numRuns: 300 },
    );
  });

  test.each(nastyValues.filter((text) => text.length >= 1_000).map((text) => [text.length, text]))(
    'takes no time over %i characters',
    (_length, text) => {
      expect(outcome(parse, `${text}`)).toBeDefined();
    },
  );
});

describe('what is printed is read back', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .map((text) => text.trim().normalize('NFC'))
    .filter((text) => text !== '' && unseenInName(text) === undefined);

  test('a reference', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]\w{0,9}$/), name, (branch, account) => {
        expect(parseReference(referenceKey({ branch, account }))).toEqual({ branch, account });
      }),
    );
  });

  test('a name, however its characters are composed', () => {
    fc.assert(
      fc.property(name, (text) => {
        for (const parse of [parseAccountNumber, parseOperationId, parseMemo]) {
          expect(parse(text.normalize('NFD'))).toBe(text);
        }
      }),
    );
  });

  test('a length of time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400_000 }), (ms) => {
        expect(parseDuration(`${ms}ms`, '--timeout')).toBe(ms);
      }),
    );
  });

  test('a month, which ends where the next one begins', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Paris', 'Pacific/Apia', 'America/Sao_Paulo');
    const at = fc.integer({ min: 1950 * 12, max: 2100 * 12 });
    fc.assert(
      fc.property(at, zone, (months, of) => {
        const [month, next] = [months, months + 1].map((n) => {
          const text = `${Math.floor(n / 12)}-${`${(n % 12) + 1}`.padStart(2, '0')}`;
          return parseMonths({ args: [], options: { month: text } }, of);
        });
        expect(month?.until?.to).toEqual(next?.since?.from);
      }),
    );
  });

  test('a row, in whatever order its columns are', () => {
    const cells = { id: 'a', branch: 'branch1', account: 'A', amount: '1', memo: 'x, "y"' };
    const ofRow = rowsOf(createCsvParser, '');
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const columns = fc.shuffledSubarray(Object.entries(cells), { minLength: 5 });
    const row = (of: readonly (readonly [string, string])[]) => {
      const [header, line] = [of.map(([key]) => key), of.map(([, text]) => quoted(text))];
      return ofRow(`${header.join()}\n${line.join()}`);
    };
    fc.assert(
      fc.property(columns, (shuffled) => {
        expect(row(shuffled)).toEqual(row(Object.entries(cells)));
      }),
    );
    expect(row(Object.entries(cells))).toHaveLength(1);
  });
});
