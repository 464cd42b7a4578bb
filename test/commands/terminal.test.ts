import { Readable } from 'node:stream';
import { parse as parseCsv } from 'csv-parse/sync';
import fc from 'fast-check';
import { Decimal128 } from 'mongodb';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { parse } from '../../src/cli/program.ts';
import { createContext } from '../../src/core/context.ts';
import { formatAmount, groupDigits, parseAmount } from '../../src/core/money.ts';
import { hasUtf8Locale } from '../../src/core/terminal.ts';
import { renderCsv, renderSheet } from '../../src/render/csv.ts';
import { createPaint } from '../../src/render/paint.ts';
import { progressLine, progressText } from '../../src/render/progress.ts';
import { openTable, renderTable } from '../../src/render/table.ts';
import type { View } from '../../src/render/view.ts';
import { Captured, type Workspace, workspace } from '../workspace.ts';

const realContext = createContext();

const id = 'cc8cc4b4-86ff-4027-b9c5-3db26b506a30';
const memo = 'Zu\u0308rich 🏦 rent of 銀行 for November, as agreed with the landlord';

/** A bank whose texts are long and wide, and which somebody damaged. */
async function wideBank(): Promise<Workspace> {
  const bank = await workspace({ config: 'branches:\n  milan-main-street: { collection: m }\n' });
  const at = 'milan-main-street';
  for (const line of [
    ['open', at, 'ACC', '--balance', '1234567.89'],
    ['open', at, '銀行 กำไร', '--id', 'open-2'],
    ['transfer', `${at}:ACC`, `${at}:銀行 กำไร`, '1000000', '--id', id, '--memo', memo],
    ['freeze', at, 'ACC', '--memo', memo],
  ]) {
    expect((await bank.run(line)).status).toBe(0);
  }
  const change = { $inc: { balance: Decimal128.fromString('8') } };
  await bank.db.collection('m').updateOne({ account_number: 'ACC' }, change);
  return bank;
}

/** What the frames of a table are drawn with. */
const frameLine = /^[┌├└│+|]/;

function expectStraight(text: string, width: number): void {
  const lines = text.trimEnd().split('\n');
  // Outside of tables a word is not broken, so that it can be copied.
  const breakable = lines.filter((line) => frameLine.test(line) || /\S\s+\S/.test(line));
  for (const line of breakable) expect(stringWidth(line), line).toBeLessThanOrEqual(width);
  const tables = lines.join('\n').split(/^(?![┌├└│+|]).*\n/m);
  for (const table of tables) {
    const widths = table
      .split('\n')
      .filter((line) => frameLine.test(line))
      .map((it) => stringWidth(it));
    expect(new Set(widths).size, table).toBeLessThanOrEqual(1);
  }
}

describe('on a terminal', () => {
  const lists: readonly (readonly [argv: readonly string[], whole: readonly string[]])[] = [
    [
      ['history', 'milan-main-street', 'ACC'],
      ['1,234,567.89', '-1,000,000.00', '234,567.89'],
    ],
    [['operations'], ['1,234,567.89', '-1,000,000.00']],
    [['accounts'], ['234,575.89', '1,000,000.00']],
    [['branches'], ['1,234,575.89']],
    [['balance'], ['1,234,575.89']],
    [
      ['balance', 'milan-main-street'],
      ['234,575.89', '1,000,000.00'],
    ],
    [
      ['show', id],
      ['-1,000,000.00', '234,567.89'],
    ],
    [['audit'], ['8.00']],
  ];

  test('every list fits, and no amount is broken', async () => {
    const bank = await wideBank();
    for (const width of [40, 60, 80, 120]) {
      for (const [argv, whole] of lists) {
        const { stdout } = await bank.run([...argv, '--no-color'], { terminal: true, width });
        expectStraight(stdout, width);
        if (argv[0] !== 'audit') expect(stdout).toContain('┌');
        const amounts = stdout.match(/-?\d[\d,]*\.\d\d\b/g);
        for (const amount of whole) expect(amounts, `${argv} ${stdout}`).toContain(amount);
        if (argv[0] !== 'history') continue;
        // An id may be on several lines, but none of it is left out.
        const cells = stdout.split('\n').map((line) => line.split('│')[1]?.trim() ?? '');
        expect(stdout.includes(id) || cells.join('').includes(id), stdout).toBe(true);
      }
    }
  });

  test('in a pipe, amounts are bare and nothing is wrapped', async () => {
    const bank = await wideBank();
    const { stdout } = await bank.run(['history', 'milan-main-street', 'ACC'], { width: 40 });
    const row = stdout.split('\n').find((line) => line.includes(id));
    expect(row).toMatch(/ -1000000\.00 +234567\.89 +2 {2}Zürich .* the landlord$/);
  });

  test('an amount typed as it is shown is refused, with what to type', async () => {
    const bank = await wideBank();
    const before = await bank.everything();
    const { status, stderr } = await bank.run([
      'increment',
      'milan-main-street',
      'ACC',
      '1,234.50',
    ]);
    expect([status, await bank.everything()]).toEqual([2, before]);
    expect(stderr).toBe(
      'bankctl: "1,234.50" is not an amount of money.\n' +
        'Did you mean bankctl increment milan-main-street ACC 1234.50?\n',
    );
  });

  test('a long list goes on in its columns until a figure does not fit', async () => {
    const style = { paint: createPaint(false), terminal: true, width: 30, unicode: false };
    const part = (...rows: (readonly string[])[]): View => ({
      layout: 'grid',
      columns: [{ name: 'memo' }, { name: 'amount', align: 'right' }],
      rows,
    });
    const table = openTable(style);
    const first = await table.add(part(['rent', '1.00']));
    const next = await table.add(part(['rent of May', '2.00']));
    const last = await table.add(part(['x', '9999999.00']));
    expect([...first, '', ...next, '', ...last, ...table.end()].join('\n')).toBe(
      [
        '+------+--------+',
        '| memo | amount |',
        '+------+--------+',
        '| rent |   1.00 |',
        '',
        '| rent |   2.00 |',
        '| of   |        |',
        '| May  |        |',
        '',
        '+------+--------+',
        '+-------------+--------------+',
        '| memo        |       amount |',
        '+-------------+--------------+',
        '| x           | 9,999,999.00 |',
        '+-------------+--------------+',
      ].join('\n'),
    );
  });

  test('any cells at any width make straight tables that keep every figure', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.constantFrom('', id, memo, '2026-11-15T12:00:00.000+01:00', '銀'.repeat(30)),
    );
    const figure = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map(String);
    const rows = fc.array(fc.tuple(cell, figure, cell, cell, figure), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 40, max: 150 }), async (given, width) => {
        const columns: View['columns'] = ['at', 'amount', 'memo', 'operation', 'balance'].map(
          (name) => ({ name, align: /amount|balance/.test(name) ? 'right' : 'left' }),
        );
        const style = { paint: createPaint(false), terminal: true, width, unicode: true };
        const text = await renderTable({ layout: 'grid', columns, rows: given }, style);
        const lines = text.split('\n');
        expect(new Set(lines.map((line) => stringWidth(line))).size, text).toBe(1);
        expect(stringWidth(lines[0] ?? '')).toBeLessThanOrEqual(width);
        for (const row of given) {
          for (const amount of [row[1], row[4]]) expect(text).toContain(groupDigits(amount));
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('a grouped amount is refused as it is shown, and taken as its hint says', () => {
  const usd = { code: 'USD', digits: 2 };
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (minor) => {
      const shown = groupDigits(formatAmount(minor, usd));
      expect(parseAmount(shown.replaceAll(',', ''), usd)).toBe(minor);
      if (!shown.includes(',')) return;
      const bare = formatAmount(minor, usd);
      expect(() => parseAmount(shown, usd)).toThrow(
        expect.objectContaining({ hint: `Type ${bare}.` }),
      );
    }),
  );
});

describe('a terminal is sent only what it can show', () => {
  test.each<[env: Record<string, string>, utf8: boolean]>([
    [{}, false],
    [{ LANG: 'C.UTF-8' }, true],
    [{ LANG: 'en_US.utf8' }, true],
    [{ LANG: 'de_DE.UTF-8@euro' }, true],
    [{ LANG: 'de_DE.ISO-8859-1' }, false],
    [{ LANG: 'C.UTF-8', LC_CTYPE: 'C' }, false],
    [{ LANG: 'C', LC_CTYPE: 'C.UTF-8' }, true],
    [{ LC_ALL: 'POSIX', LC_CTYPE: 'C.UTF-8', LANG: 'C.UTF-8' }, false],
    [{ LC_ALL: '', LANG: 'C.UTF-8' }, true],
  ])('the locale %j is UTF-8: %s', (env, utf8) => {
    expect(hasUtf8Locale(env)).toBe(utf8);
  });

  test('frames are ASCII if the locale is not UTF-8', async () => {
    const bank = await workspace();
    const options = { terminal: true, env: { LC_ALL: 'C' } };
    const { stdout } = await bank.run(['branches', '--no-color'], options);
    expect(stdout).toMatch(/^\+-+\+/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
    expect(stdout).toMatch(/^[\x00-\x7F]*$/);
  });

  test.each<[terminal: boolean, argv: string, env: Record<string, string>, colour: boolean]>([
    [true, '', {}, true],
    [false, '', {}, false],
    [true, '', { TERM: 'dumb' }, false],
    [true, '', { NO_COLOR: '1' }, false],
    [true, '', { NO_COLOR: '' }, true],
    [true, '--no-color', {}, false],
    [false, '', { FORCE_COLOR: '1' }, true],
    [false, '', { FORCE_COLOR: '' }, false],
    [true, '', { FORCE_COLOR: '0' }, false],
    [true, '', { FORCE_COLOR: 'false' }, false],
    [false, '', { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [true, '', { FORCE_COLOR: '0', NO_COLOR: '' }, false],
    [true, '', { FORCE_COLOR: '1', TERM: 'dumb' }, true],
    [true, '--no-color', { FORCE_COLOR: '1' }, false],
  ])('on a terminal: %s, bankctl %s with %j is in colour: %s', (terminal, options, env, colour) => {
    const context = { ...realContext, env, stdoutIsTerminal: terminal };
    const argv = ['branches', options].filter(Boolean);
    expect(parse(argv, context, '1')?.globals.colour).toBe(colour);
  });

  test.each<[stderrIsTerminal: boolean, env: Record<string, string>, shown: string]>([
    [true, { LANG: 'C.UTF-8' }, `Downloading ${'█'.repeat(12)}${'░'.repeat(12)} 1 of 2 MiB`],
    [true, {}, 'Downloading ############------------ 1 of 2 MiB'],
    [true, { TERM: 'dumb' }, ''],
    [false, { LANG: 'C.UTF-8' }, ''],
  ])('progress on a terminal: %s, with %j', (stderrIsTerminal, env, shown) => {
    const stderr = new Captured();
    const text = progressText('Downloading', 2 ** 20, 2 ** 21);
    progressLine({ stderr, stderrIsTerminal, width: 80, env }, false)(text);
    expect(stderr.text).toBe(shown && `\r\u001B[2K${shown}`);
  });
});

describe('CSV of cells that look like formulas', () => {
  const formulas = [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    "'quoted",
    ' =1',
    '＝1',
    'x;=1',
    'a\n=1',
    '"=1',
  ];

  test('-o csv is exact, and read back it gives the same accounts', async () => {
    const bank = await workspace();
    const numbers = ['=1+1', '+x', '-5', '@a', "'b", 'c;=1'];
    for (const number of numbers)
      await bank.run(['open', 'branch1', '--balance', '5', '--', number]);
    const { stdout } = await bank.run(['export', 'branch1', '-o', 'csv']);
    const other = await workspace();
    const options = { stdin: Readable.from([stdout]) };
    const ran = await other.run(['import', 'branch1', '-', '--format', 'csv', '--json'], options);
    expect(JSON.parse(ran.stdout)).toMatchObject({ created: numbers.length });
    expect((await other.run(['export', 'branch1', '-o', 'csv'])).stdout).toBe(stdout);
  });

  test('export refuses to change them for a spreadsheet', async () => {
    const bank = await workspace();
    const { status, stdout, stderr } = await bank.run(['export', '-o', 'spreadsheet']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Use -o csv');
  });

  test('-o spreadsheet begins them with an apostrophe, but not an amount', async () => {
    const bank = await workspace();
    await bank.run(['open', 'branch1', 'ACC', '--balance', '50', '--id', 'o']);
    await bank.run(['increment', 'branch1', 'ACC', '-5', '--memo=-1+cmd', '--id', '=i']);
    const { stdout } = await bank.run(['operations', '-o', 'spreadsheet', '--amount=-5']);
    expect(stdout).toMatch(/^\uFEFF"at","operation",/);
    expect(stdout).toContain(`"'=i","increment"`);
    expect(stdout).toContain(`"branch1:ACC","-5.00","45.00","USD",,,,,"'-1+cmd",`);
  });

  test('times are dates to a spreadsheet, by the clocks of the config', async () => {
    const config = 'timezone: Asia/Tokyo\nbranches: { branch1: { collection: branch1 } }\n';
    const bank = await workspace({ config });
    const memo = '2026-11-24T22:04:00.000Z';
    await bank.run(['open', 'branch1', 'ACC', '--balance', '1250.5', '--id', 'o', '--memo', memo]);
    const at = new Date(memo);
    await bank.db.collection<{ _id: string }>('journal').updateOne({ _id: 'o' }, { $set: { at } });
    const one = await bank.run(['operations', '-o', 'spreadsheet']);
    expect(one.stdout).toContain('\n"2026-11-25 07:04:00","o","open",');
    expect(one.stdout).toContain(`"1250.50","1250.50","USD",,,,,"${memo}",`);
    const two = await bank.run(['operations', '-o', 'spreadsheet-comma']);
    expect(two.stdout).toContain('\n"2026-11-25 07:04:00";"o";"open";');
    expect(two.stdout).toContain(`"1250,50";"1250,50";"USD";;;;;"${memo}";`);
    expect((await bank.run(['export', '-o', 'spreadsheet-comma'])).status).toBe(2);
  });

  test('without the apostrophe every cell is what it was', () => {
    const cell = fc.oneof(fc.constantFrom(...formulas), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const view: View = { layout: 'grid', columns: [{ name: 'a' }, { name: 'b' }], rows };
        const options = { head: false, exact: true };
        const read: string[][] = parseCsv(renderSheet(view, options), { record_delimiter: '\n' });
        const cells = read.flat();
        expect(cells.filter((text) => /^\s*[=+\-@＝＋－＠]/u.test(text))).toEqual([]);
        const bare = read.map((row) => row.map((text) => text.replace(/^'/, '')));
        expect(bare).toEqual(parseCsv(renderCsv(view, options), { record_delimiter: '\n' }));
      }),
    );
  });
});
