import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtInConfig } from '../../src/config/config.ts';
import { accountShape, toAccount } from '../../src/files/account-rows.ts';
import { checkFile } from '../../src/files/file-check.ts';
import { operationShape, toOperation } from '../../src/files/operation-rows.ts';
import { readRows } from '../../src/files/row-reader.ts';
import type { LineProblem } from '../../src/files/rows.ts';
import { memorySource } from './memory-source.ts';

const config = builtInConfig;

/** What is wrong with a file of operations, according to the lines and to the error. */
async function faultsOf(content: string | Uint8Array, name = 'rows', chunk = 1 << 20) {
  const lines: LineProblem[] = [];
  const source = memorySource(Buffer.from(content), chunk, name);
  const rules = {
    shape: operationShape,
    check: (row: Parameters<typeof toOperation>[0]) => ({ id: toOperation(row, config).id }),
    config,
  };
  const options = { format: undefined, lastLineComplete: false };
  const host = {
    interrupted: new AbortController().signal,
    checked: () => undefined,
    faulty: (problems: readonly LineProblem[]) => void lines.push(...problems),
    results: undefined,
  };
  const checked = await checkFile(source, options, rules, host).catch((error) => error);
  return { lines, checked };
}

const head = 'id,branch,account,amount';
const row = (id: string, amount = '1.00') => `${id},branch1,A,${amount}`;

describe('a file that is not rows is refused with what it is, and a remedy', () => {
  const utf16 = Buffer.from(`\uFEFF${head}\n`, 'utf16le');
  test.each<readonly [name: string, bytes: Uint8Array, expected: RegExp, cure: RegExp]>([
    ['a.csv', utf16, /is UTF-16 text/, /iconv -f UTF-16 -t UTF-8 a\.csv/],
    ['a.csv', utf16.subarray(2), /is UTF-16LE text/, /iconv -f UTF-16LE/],
    ['a.csv', Buffer.from(utf16).swap16(), /is UTF-16 text/, /iconv/],
    ['a.csv', Buffer.from(utf16.subarray(2)).swap16(), /is UTF-16BE text/, /iconv/],
    ['a b.gz', gzipSync(`${head}\n`), /is compressed with gzip/, /gunzip < 'a b\.gz'/],
    ['a.xlsx', Buffer.from('PK\x03\x04\x14\0\x06\0'), /is a spreadsheet/, /save it as CSV UTF-8/],
    ['a.csv', Buffer.from('\0\x01binary'), /is not text/, /UTF-8/],
    ['a.csv', Buffer.from(`${head}\rx,branch1,A,1.00\r`), /carriage return alone/, /tr '\\r'/],
    ['a.csv', Buffer.from('<!DOCTYPE html>\n'), /is HTML/, /fetch/],
    ['a.json', Buffer.from(`[\n{"id":"1"}\n]`), /is a JSON array/, /jq -c '\.\[\]' a\.json/],
    ['a.json', Buffer.from(`{\n"id":"1"\n}\n`), /is JSON spread over/, /jq -c \. a\.json/],
  ])('%s', async (name, bytes, expected, cure) => {
    const { checked } = await faultsOf(bytes, name);
    expect(checked).toMatchObject({ code: 'file_format' });
    expect([checked.message, checked.hint]).toEqual([
      expect.stringMatching(expected),
      expect.stringMatching(cure),
    ]);
  });
});

describe('CSV is parsed by its grammar', () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', '"', ',', '\n', ';', ' ', 'é'),
    maxLength: 6,
  });

  test('whatever is in its cells and however the bytes arrive', async () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, fc.stringMatching(/^[a-z]{1,3}$/)), { maxLength: 6 }),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        async (cells, end, chunk) => {
          const texts = cells.map(([memo, id]) => `${quoted(memo)},${quoted(id)},x${end}`);
          const bytes = Buffer.from(`memo,id,account${end}${texts.join('')}`);
          const shape = { ...operationShape, needed: () => [] };
          const read = [];
          for await (const { rows } of readRows(
            memorySource(bytes, chunk),
            { format: 'csv' },
            shape,
          )) {
            read.push(...rows);
          }
          let line = 2;
          const expected = cells.map(([memo, id]) => {
            const fields = { ...(memo === '' ? {} : { memo }), id, account: 'x' };
            const first = line;
            line += memo.split('\n').length;
            return { line: first, fields };
          });
          expect(
            read.map((it) => ({ line: it.line, fields: 'fields' in it && it.fields })),
          ).toEqual(expected);
        },
      ),
    );
  });

  test('though a carriage return arrives without its line feed', async () => {
    const { checked } = await faultsOf(`${head}\r\n${row('a')}\r\n`, 'a.csv', head.length + 1);
    expect(checked).toMatchObject({ rows: 1 });
  });

  test.each<readonly [rows: string, expected: Readonly<Record<number, RegExp>>]>([
    [`${row('a')}\n"b\nc",branch1\n${row('d', '1e3')}\n`, { 3: /has 2 of/, 5: /"1e3" is not/ }],
    [`${row('a')}\n"b,branch1,A,1.00\n${row('c')}\n`, { 3: /is not closed/ }],
    [`"b,branch1,A,1.00\n${`${row('c')}\n`.repeat(5_000)}`, { 2: /is not closed/ }],
    [`b"c,branch1,A,1.00\n${row('d')}\n${row('e')},f\n`, { 2: /is quoted wrongly/, 4: /has 5 of/ }],
    [`${row('a')}\n,,,,\n \n${row('b')}, \n`, { 5: /has 5 of the 4 cells/ }],
    [`${row('a')}\n${row('b')}\n${row('a')}\n`, { 4: /has the id "a" of line 2/ }],
    [`2.02611E+13,branch1,A,1.00\n`, { 2: /a long number that a spreadsheet has rounded/ }],
    [`a,branch1,A\u0001,1.00\n`, { 2: /cannot be printed/ }],
    [row('a', '100'), { 2: /may be cut off in the middle: its amount is "100"/ }],
    [row('a', '100.0'), { 2: /may be cut off/ }],
    [row('a', '100.00'), {}],
    [`${row('a', '100')}\r`, {}],
    [`a,branch1,A,"100"`, {}],
  ])('%j', async (rows, expected) => {
    for (const chunk of [7, 1 << 20]) {
      const { lines, checked } = await faultsOf(`${head}\n${rows}`, 'a.csv', chunk);
      const numbers = Object.keys(expected).map(Number);
      expect(lines.map(({ line }) => line)).toEqual(numbers);
      for (const { line, message } of lines) expect(message).toMatch(expected[line] ?? /never/);
      const [first] = numbers;
      if (first !== undefined) expect(checked.message).toContain(`a.csv, line ${first} `);
      else expect(checked).toMatchObject({ rows: expect.any(Number) });
    }
  });

  test.each([
    ['id;branch;account;amount', /has semicolons between its columns/],
    ['sep=;', /has semicolons/],
    ['id\tbranch', /has tabs/],
    ['{"id":"a"}', /is JSON, not the header of a CSV/],
    ['id,branch,account,amount,id', /has the column "id" twice/],
    [row('a'), /is not a header/],
  ])('head %s', async (first, expected) => {
    const { checked } = await faultsOf(`${first}\n${row('b')}\n`, 'a.csv');
    expect(checked.message).toMatch(expected);
  });
});

test.each([
  ['1e3', /all its digits/],
  ['(5.00)', /with - before/],
  ['5.00-', /with - before/],
  ['\u22125.00', /with - before/],
  ['1,000.00', /between thousands/],
  ['1.000,00', /a point before the cents/],
  ['5,00', /a point before the cents/],
  ['1\u00A0000.00', /between thousands/],
  ['$5.00', /currency/],
  ['5.00 EUR', /currency/],
])('the amount %s is refused, with how to write it', async (amount, hint) => {
  const { lines } = await faultsOf(
    JSON.stringify({ id: 'a', branch: 'branch1', account: 'A', amount }),
  );
  expect(lines).toMatchObject([{ line: 1, hint: expect.stringMatching(hint) }]);
});

test('a balance gets the same message', () => {
  const target = { config, branch: 'branch1', anyBranch: false };
  const fields = { account: 'A', balance: '5,00' };
  expect(accountShape.columns).toContain('balance');
  expect(() => toAccount({ line: 2, length: 1, fields }, target)).toThrow(
    /"5,00" is not an amount/,
  );
});

test('every id that occurs twice is found, whatever the ids are', async () => {
  const ids = fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(ids, async (all) => {
      const { lines } = await faultsOf(`${head}\n${all.map((id) => `${row(id)}\n`).join('')}`);
      const expected = all.flatMap((id, at) => (all.indexOf(id) < at ? [at + 2] : []));
      expect(lines.map(({ line }) => line)).toEqual(expected);
    }),
  );
});
