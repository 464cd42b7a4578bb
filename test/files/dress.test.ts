import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestOf } from '../../src/bank/operations/operation.ts';
import { builtInConfig } from '../../src/config/config.ts';
import type { Dress, Separator } from '../../src/files/dress.ts';
import { shapeOf, toOperation } from '../../src/files/operation-rows.ts';
import { readRows } from '../../src/files/row-reader.ts';
import { LineProblem } from '../../src/files/rows.ts';
import { memorySource } from './memory-source.ts';

const plain: Dress = {
  ...{ separator: undefined, decimal: undefined, columns: new Map(), dropped: [] },
};

/** What a file asks for, row by row, or what is wrong with a line of it. */
async function read(text: string, dress: Partial<Dress> = {}, chunk = 1 << 20) {
  const source = memorySource(Buffer.from(text), chunk, 'rows.csv');
  const read = [];
  let traits: object = {};
  const layout = { dress: { ...plain, ...dress } };
  for await (const batch of readRows(source, layout, shapeOf(undefined))) {
    traits = batch.traits;
    for (const row of batch.rows) {
      if (row instanceof LineProblem) throw row;
      const operation = toOperation(row, builtInConfig);
      read.push({ id: operation.id, ...requestOf(operation) });
    }
  }
  return { read, traits };
}

/** What is said of a file that is refused. */
async function refusal(text: string, dress: Partial<Dress> = {}): Promise<string> {
  const error = await read(text, dress).then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );
  if (!(error instanceof LineProblem)) throw error;
  return `${error.line} ${error.message} > ${error.hint ?? ''}`;
}

const head = 'id,branch,account,amount';

describe('the same rows in another dress ask for the same', () => {
  /** A cell that no program changes on the way. */
  const text = fc.string({
    unit: fc.constantFrom('a', 'B', '"', ',', ';', '\t', '\n', 'é', '1', '.'),
    minLength: 1,
    maxLength: 8,
  });
  const name = text.filter((it) => !/[\n\t]/.test(it) && it.trim() === it);
  const amount = fc
    .tuple(fc.constantFrom('', '-'), fc.integer({ min: 0, max: 1e9 }), fc.integer({ max: 99 }))
    .map(
      ([sign, whole, cents]) => `${sign}${whole}.${String(Math.abs(cents) % 100).padStart(2, '0')}`,
    );
  const row = fc.oneof(
    fc.record({ account: name, amount, memo: fc.option(name, { nil: '' }) }).map((it) => ({
      ...{ branch: 'branch1', from: '', to: '' },
      ...it,
    })),
    fc.record({ from: name, to: name, amount, memo: fc.constant('') }).map((it) => ({
      ...{ branch: '', account: '', memo: it.memo, amount: it.amount },
      ...{ from: `branch1:${it.from}`, to: `branch2:${it.to}` },
    })),
  );
  const fields = ['branch', 'account', 'amount', 'from', 'to', 'memo'] as const;
  /** What an operator and a program may do to a table. */
  const worn = fc.record({
    separator: fc.constantFrom<Separator>(',', ';', '\t'),
    isStated: fc.boolean(),
    decimalComma: fc.boolean(),
    order: fc.shuffledSubarray([...fields, 'extra'], { minLength: 7 }),
    upper: fc.boolean(),
    padding: fc.constantFrom('', ' ', '  '),
    mapped: fc.subarray([...fields]),
    end: fc.constantFrom('\n', '\r\n'),
    bom: fc.boolean(),
    quotesAll: fc.boolean(),
    chunk: fc.integer({ min: 1, max: 40 }),
  });

  test('whatever its separator, columns, decimal sign, quotes and line ends are', async () => {
    const labels = ['Filiale', 'Konto Nr.', 'Betrag, brutto', 'Von', 'An; Ziel', 'Text "x"'];
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), worn, async (rows, how) => {
        const { separator, decimalComma, order, padding, end } = how;
        const label = (field: string) =>
          how.mapped.some((it) => it === field)
            ? (labels[fields.findIndex((name) => name.startsWith(field))] ?? '')
            : field;
        const dressed = (text: string) =>
          how.quotesAll || /[",;\t\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        const headCell = (field: string) => {
          const name = label(field);
          return dressed(padding + (how.upper ? name.toUpperCase() : name) + padding);
        };
        const cell = (it: (typeof rows)[number], field: string) => {
          const value = Object.entries({ ...it, extra: 'x' }).find(([key]) => key === field)?.[1];
          const text = value ?? '';
          return dressed(field === 'amount' && decimalComma ? text.replace('.', ',') : text);
        };
        const lines = [
          order.map(headCell),
          ...rows.map((it) => order.map((field) => cell(it, field))),
        ].map((cells) => cells.join(separator) + end);
        const dress = {
          separator: how.isStated ? separator : undefined,
          decimal: decimalComma ? ('comma' as const) : ('point' as const),
          columns: new Map(how.mapped.map((field) => [field, label(field)])),
          dropped: ['Extra'],
        };
        const { read: got, traits } = await read(
          `${how.bom ? '\uFEFF' : ''}${lines.join('')}`,
          dress,
          how.chunk,
        );
        const { read: expected } = await read(
          [
            fields.join(','),
            ...rows.map((it) =>
              fields.map((field) => `"${it[field].replaceAll('"', '""')}"`).join(','),
            ),
            '',
          ].join('\n'),
        );
        expect(got).toEqual(expected);
        expect(traits).toMatchObject({
          droppedColumns: [expect.stringMatching(/^extra$/i)],
          ...(how.isStated || separator === ',' ? {} : { separatorFound: separator }),
        });
      }),
    );
  });
});

describe('a header', () => {
  test.each<readonly [first: string, dress: Partial<Dress>, expected: RegExp]>([
    ['id,branch,account,amount,ID', {}, /has the column "id" twice, as "id" and as "ID" > Give/],
    [
      `${head},Betrag`,
      { columns: new Map([['amount', 'betrag']]) },
      /as "amount" and as "Betrag" > Leave one of them out, for example with --drop Betrag/,
    ],
    [
      'id,branch,account,Konto',
      { columns: new Map([['amount', 'Betrag']]) },
      /has no column "Betrag" for --columns amount: it has "id", "branch"/,
    ],
    [head, { dropped: ['Saldo'] }, /has no column "Saldo" to --drop/],
    [
      `${head},Saldo,Valuta`,
      {},
      /unknown columns, "Saldo", "Valuta": .* > Leave what .* --drop 'Saldo,Valuta'/,
    ],
    [
      `${head},colour`,
      {},
      /unknown column "colour".* > Leave it .* --drop colour, .* --columns 'memo=colour'/,
    ],
    [
      'id;branch;account;amnt',
      {},
      /unknown column "amnt".*did you mean amount.*--columns 'amount=amnt'/,
    ],
    ['Filiale;Konto;Betrag', {}, /is not a header.*--columns account=NAME,amount=NAME/],
    ['id;branch;account', {}, /lacks the column amount: it has id, branch, account > Add it/],
    ['sep=|\nid|branch|account|amount', {}, /has vertical bars between its columns/],
    [
      'sep=;\nid;branch;account;amount',
      { separator: ',' },
      /names the separator ";", and --separator says ","/,
    ],
    ['pay-1,branch1,A,5', {}, /is not a header/],
    [head, { separator: ';' }, /is not a header/],
  ])('%j %j', async (first, dress, expected) => {
    const line = first.split('\n').length;
    expect(await refusal(`${first}\nx,branch1,A,1.00\n`, dress)).toMatch(
      new RegExp(`^${line} .*${expected.source}`),
    );
  });

  test.each([
    'sep=;\r\nID;Branch;ACCOUNT;amount\r\n',
    '\uFEFFID ;branch;account; Amount\n',
    '"id";"branch";"account";"amount"\n',
  ])('%j leaves no doubt', async (first) => {
    const { read: got, traits } = await read(`${first}x;branch1;A;5\n`);
    expect(got).toMatchObject([{ id: 'x', account: 'A', amount: '500' }]);
    expect(traits).toMatchObject({ separatorFound: ';' });
  });

  test('that comes again in the middle is no row', async () => {
    expect(await refusal(`${head}\nx,branch1,A,1.00\n${head}\n`)).toMatch(/^3 .*"branch"/);
  });

  test('of a column that is left out with a comma in its name', async () => {
    const text = 'branch,account,amount,"a, b",c\nbranch1,A,1.00,x,y\n';
    expect((await read(text, { dropped: ['a, b,c'.slice(0, 4), 'c'] })).read).toHaveLength(1);
  });
});

describe('an amount', () => {
  test.each<readonly [cell: string, expected: string | RegExp]>([
    ['1234,56', '123456'],
    ['-0,5', '-50'],
    ['7', '700'],
    ['1.234,56', '123456'],
    ['1.23,56', /^2 has the amount "1\.23,56", and with --decimal comma .* > Write 1234,56 or 1/],
    ['1234.56', /^2 has the amount "1234\.56"/],
    ['1,234,567', /^2 has the amount "1,234,567"/],
    ['1,230', /^2 .*"1,230" may be 1230,00 USD, or 1,23 > Write 1230,00 or 1,23\.$/],
    ['0,001', /^2 .*"0,001" has 3 decimals.* > Round it/],
    [
      '1,234',
      /^2 .*"1,234" has 3 decimals, but USD has 2 > Write 1234,00 if that is meant, or else/,
    ],
    [',5', /^2 .*",5" is not an amount of money > Write digits, with a comma before the cents: 50/],
    ['12,', /^2 .*"12," is not an amount of money > Write digits, with a comma before .*-12,34\.$/],
    ['5,00 EUR', /^2 .*"5,00 EUR" is not an amount.* > Leave out the currency/],
  ])('%s with a declared comma', async (cell, expected) => {
    const text = `id;branch;account;amount\nx;branch1;A;${cell}\n`;
    const dress = { decimal: 'comma' } as const;
    if (typeof expected === 'string') {
      expect((await read(text, dress)).read).toMatchObject([{ amount: expected }]);
    } else expect(await refusal(text, dress)).toMatch(expected);
  });

  test.each<readonly [row: string, expected: RegExp | string]>([
    [
      'x,branch1,A,1,5',
      /^2 has 1,5 without quotation marks: it may be one amount, or two cells > /,
    ],
    ['x,branch1,A,-12,50', /^2 has -12,50 without .* Write the amount in quotation marks; if none/],
    ['"x",branch1,A,1,5', /^2 has 1,5 without/],
    ['x,branch1,A,1,234.50,', /^2 has 6 of the 5 cells/],
    ['x,branch1,A,"1,5",7', '150'],
    ['x,branch1,A,"1",5', '100'],
    ['x,branch1,A,1,"5"', '100'],
    ['x,branch1,A,1,rent', '100'],
  ])('%s with a declared comma and commas between columns', async (row, expected) => {
    const text = `${head},memo\n${row}\n`;
    const dress = { decimal: 'comma' } as const;
    if (typeof expected === 'string') {
      expect((await read(text, dress)).read).toMatchObject([{ amount: expected }]);
    } else expect(await refusal(text, dress)).toMatch(expected);
    if (row.endsWith(',')) expect(await refusal(text)).toMatch(expected);
  });

  test('with a comma that nobody declared says how to declare it', async () => {
    const text = 'id;branch;account;amount\nx;branch1;A;5,00\n';
    expect(await refusal(text)).toMatch(/"5,00" is not an amount.* say so: --decimal comma/);
  });
});

describe('a row without a type', () => {
  const all = 'id,branch,account,amount,from,to,reverses';
  test.each<readonly [row: string, expected: string | RegExp]>([
    ['x,,,5,branch1:A,branch2:B,', 'transfer'],
    ['x,branch1,A,5,,,', 'increment'],
    [
      'x,branch1,A,5,branch1:A,branch1:B,',
      /has branch, but the operation transfer takes.* > Without/,
    ],
    ['x,,,5,branch1:A,,', /has no value for "branch".* > Without a type it is an increment/],
    ['x,,,,,,y', /has no value for "branch".*--type/],
  ])('%s', async (row, expected) => {
    const text = `${all}\n${row}\n`;
    if (typeof expected === 'string') {
      expect((await read(text)).read).toMatchObject([{ type: expected }]);
    } else expect(await refusal(text)).toMatch(expected);
  });

  test('has that of the file, and may not have another', () => {
    const row = (fields: Readonly<Record<string, string>>) =>
      toOperation({ line: 2, length: 1, fields }, builtInConfig, 'reverse');
    expect(row({ reverses: 'y' })).toMatchObject({ type: 'reverse', reverses: 'y' });
    expect(row({ reverses: 'y', type: 'reverse' })).toMatchObject({ type: 'reverse' });
    expect(() => row({ reverses: 'y', type: 'open' })).toThrow(/"open", and --type says reverse/);
    expect(shapeOf('reverse').needed([])).toEqual(['reverses']);
  });
});
