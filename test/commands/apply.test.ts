import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { appendFile, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../workspace.ts';

const json = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A bank with accounts A and B of 100.00 in branch1, and a file to apply. */
async function bankWith(content: string | Uint8Array, name = 'rows.ndjson'): Promise<Workspace> {
  const bank = await workspace();
  for (const account of ['A', 'B']) {
    await bank.run(['open', 'branch1', account, '--balance', '100', '--id', `open-${account}`]);
  }
  await writeFile(join(bank.directory, name), content);
  return bank;
}

async function balances(bank: Workspace): Promise<Record<string, string>> {
  const { stdout } = await bank.run(['balance', 'branch1', '--json']);
  const accounts: { account: string; balance: string }[] = JSON.parse(stdout);
  return Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]));
}

const plus = (account: string, amount: string, id?: string) => ({
  branch: 'branch1',
  account,
  amount,
  ...(id === undefined ? {} : { id }),
});

describe('what a file can ask for', () => {
  const csv = [
    'type,id,branch,account,amount,from,to,reverses,memo,create',
    'open,1,branch1,C,5,,,,,',
    ',2,branch1,A,1.50,,,,"said ""yes"", then left",',
    'increment,3,branch1,NEW,2,,,,,true',
    'transfer,4,,,10,branch1:A,branch1:B,,,',
    'reverse,5,,,,,,4,,',
    'freeze,6,branch1,B,,,,,,',
    'unfreeze,7,branch1,B,,,,,,',
    'increment,8,branch1,C,-5,,,,,',
    'close,9,branch1,C,,,,,,',
  ].join('\r\n');

  test('every type, in CSV and in NDJSON, on one line each', async () => {
    const [head = '', ...lines] = csv.split('\r\n');
    const names = head.split(',');
    const rows = lines.map((line) => {
      const cells = line.replace('"said ""yes"", then left"', 'MEMO').split(',');
      const fields = names.map((name, index) => [name, cells[index] ?? '']);
      return Object.fromEntries(
        fields
          .filter(([, cell]) => cell !== '')
          .map(([name, cell]) => [
            name,
            name === 'create' ? true : cell === 'MEMO' ? 'said "yes", then left' : cell,
          ]),
      );
    });
    const [one, other] = [await bankWith(csv, 'a.csv'), await bankWith(json(rows), 'a.ndjson')];
    for (const [bank, file] of [
      [one, 'a.csv'],
      [other, 'a.ndjson'],
    ] as const) {
      const ran = await bank.run(['apply', file, '--json', '-q']);
      expect(ran).toMatchObject({ status: 0, stderr: '' });
      expect(JSON.parse(ran.stdout)).toEqual({
        ...{ applied: 9, replayed: 0, refused: 0, batches: 1, reversed: 0 },
        ...{ totals: { USD: '13.50' }, applied_totals: { USD: '13.50' }, refused_totals: {} },
      });
      expect(await balances(bank)).toEqual({ A: '101.50', B: '100.00', C: '0.00', NEW: '2.00' });
    }
    const memo = await one.db.collection<{ _id: string }>('journal').findOne({ _id: '2' });
    expect(memo).toMatchObject({ memo: 'said "yes", then left' });
  });

  test('--results has a line for each row, and --on-refusal decides what follows', async () => {
    const rows = [plus('A', '1', 'a'), plus('A', '-500', 'b'), plus('A', '2', 'c')];
    for (const [mode, total, lines] of [
      ['continue', '103.00', 3],
      ['stop', '101.00', 2],
    ] as const) {
      const bank = await bankWith(json(rows));
      const line = ['apply', 'rows.ndjson', '--on-refusal', mode, '--results', 'out', '--json'];
      const ran = await bank.run(line);
      expect(ran.status).toBe(1);
      expect(ran.stderr).toContain('Line 2 was refused: The account branch1:A has 101.00 USD');
      expect(await balances(bank)).toMatchObject({ A: total });
      const out = await readFile(join(bank.directory, 'out'), 'utf8');
      const results = out
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text));
      expect(results).toHaveLength(lines);
      expect(results[0]).toEqual({
        line: 1,
        id: 'a',
        outcome: 'applied',
        postings: [
          { branch: 'branch1', account: 'A', amount: '1.00', balance: '101.00', version: 2 },
        ],
      });
      expect(results[1]).toMatchObject({ line: 2, id: 'b', outcome: 'refused' });
      expect(results[1]).toMatchObject({ code: 'below_minimum' });
    }
  });

  test('--atomic is all or nothing', async () => {
    const bank = await bankWith(json([plus('A', '1', 'a'), plus('A', '-500', 'b')]));
    const before = await bank.everything();
    const ran = await bank.run(['apply', 'rows.ndjson', '--atomic', '--json', '-q']);
    expect([ran.status, JSON.parse(ran.stdout)]).toMatchObject([
      1,
      { applied: 0, replayed: 0, refused: 2, batches: 0 },
    ]);
    expect(await bank.everything()).toBe(before);
  });

  test('--dry-run promises what happens next, over more than one batch', async () => {
    const rows = [
      { type: 'open', id: 'o', branch: 'branch1', account: 'N' },
      ...Array.from({ length: 10_050 }, (_, index) => plus('N', '0.01', `n${index}`)),
      { ...plus('N', '-100.51', 'too much') },
      { type: 'reverse', id: 'r', reverses: 'n0' },
    ];
    const bank = await bankWith(json(rows));
    const before = await bank.everything();
    const dry = await bank.run(['apply', 'rows.ndjson', '--dry-run', '--json', '-q']);
    expect(await bank.everything()).toBe(before);
    const real = await bank.run(['apply', 'rows.ndjson', '--json', '-q']);
    expect(JSON.parse(dry.stdout)).toEqual({ ...JSON.parse(real.stdout), dry_run: true });
    expect(JSON.parse(real.stdout)).toMatchObject({ applied: 10_052, refused: 1, batches: 2 });
  });
});

describe('a file that is not as expected', () => {
  const row = JSON.stringify(plus('A', '1', 'a'));
  const head = 'id,branch,account,amount';
  const good = 'a,branch1,A,1';
  const problems: readonly [file: string, content: string | Uint8Array, expected: RegExp][] = [
    [
      'r.ndjson',
      `${row}\n{"branch":"branch1","acount":"A"}\n`,
      /line 2 has an unknown field "acou/,
    ],
    ['r.ndjson', `${row}\n${row.replace('"1"', '1')}\n`, /line 2 .*in quotes so that no digit/],
    ['r.ndjson', `${row}\n${row.replace('"A"', 'null')}\n`, /line 2 has null as account/],
    ['r.ndjson', `${row.replace('{', '{"amount":"2",')}\n`, /line 1 has the field "amount" twice/],
    ['r.ndjson', `${row.replace('{', '{"\\u0069d":"2",')}\n`, /line 1 has the field "id" twice/],
    ['r.ndjson', `${row}\n\n${row.slice(0, 20)}`, /line 3 stops in the middle/],
    ['r.ndjson', `${row}\n${row.slice(0, 20)}\n`, /line 2 is not JSON/],
    ['r.ndjson', `[${row}]\n`, /r\.ndjson is a JSON array/],
    ['r.json', `[\n  ${row},\n  ${row}\n] trailing\n`, /r\.json is a JSON array/],
    ['r.ndjson', JSON.stringify(plus('A', '1', 'a'), null, 2), /is JSON spread over several lines/],
    ['r.ndjson', `${row.replace('"1"', 'NaN')}\n`, /line 1 is not JSON/],
    ['r.ndjson', `${row.replace('"1"', '0.1')}\n`, /line 1 has a number as amount/],
    ['r.ndjson', `${row.replace('"1"', '90071992547409931')}\n`, /line 1 has a number as amount/],
    ['r.ndjson', `"text"\n`, /line 1 is not an operation/],
    [
      'r.ndjson',
      `{"branch":"branch1","account":"A","id":"x"}\n`,
      /line 1 has no value for "amount"/,
    ],
    ['r.ndjson', `{"type":"opn","branch":"branch1"}\n`, /line 1 has the type "opn".*mean open\?/],
    ['r.ndjson', `${row.replace('}', ',"from":"branch1:B"}')}\n`, /line 1 has from, but/],
    ['r.ndjson', `${row.replace('branch1', 'brnch1')}\n`, /line 1 .*no branch "brnch1"/],
    ['r.ndjson', `${row.replace('"1"', '"1.001"')}\n`, /line 1 .*"1.001" has 3 decimals/],
    ['r.ndjson', `${row.replace('"1"', '"1e3"')}\n`, /line 1 .*"1e3" is not an amount/],
    [
      'r.ndjson',
      `${row}\n${row.replace('"A"', `"${'x'.repeat(9e6)}"`)}\n`,
      /line 2 is longer than/,
    ],
    ['r.ndjson', Buffer.from(`${row}\n{"id":"\xff"}\n`, 'latin1'), /line 2 is not UTF-8.*byte 8/],
    ['r.ndjson', `${row}\n${JSON.stringify(plus('A', '1'))}\n`, /line 2 has no id/],
    ['r.csv', `${head},colour\n${good},red\n`, /line 1 has an unknown column "colour"/],
    ['r.csv', `id,branch,account\na,branch1,A\n`, /line 1 lacks the column amount/],
    ['r.csv', `${head},id\n${good},a\n`, /line 1 has the column "id" twice/],
    ['r.csv', `${good}\n${good}\n`, /line 1 is not a header/],
    ['r.csv', `${head.replaceAll(',', '|')}\n`, /line 1 has vertical bars between its columns/],
    ['r.csv', `${head}\n${good}\nb,branch1,A\n`, /line 3 has 3 of the 4 cells/],
    ['r.csv', `${head}\n${good}\nb,branch1,A`, /line 3 stops in the middle/],
    ['r.csv', `${head}\n${good}\nb,branch1,"A,1\n`, /line 3 .*not closed/],
    ['r.csv', `${head}\n${good}\nb,branch1,A"B",1\n`, /line 3 is quoted wrongly/],
    ['r.csv', `${head}\n${good}\nb,branch1,A,\n`, /line 3 has no value for "amount"/],
    ['r.csv', `${head},create\n${good},yes\n`, /line 2 has "yes" as create/],
    ['r.csv', '', /r\.csv is empty/],
    ['r.csv', '\n\n', /r\.csv is empty/],
  ];

  test('is refused with its line and what was expected, before anything is posted', async () => {
    const bank = await bankWith('');
    const before = await bank.everything();
    for (const [file, content, expected] of problems) {
      await writeFile(join(bank.directory, file), content);
      const ran = await bank.run(['apply', file, '--json', '-q']);
      const { error } = JSON.parse(ran.stderr);
      expect(error.message).toMatch(expected);
      expect([ran.status, ran.stdout]).toEqual([2, '']);
      expect(error.hint).toMatch(/\S/);
      if (error.code !== 'file_empty')
        expect(error.message).toMatch(/Nothing was applied by this run\.$/);
    }
    expect(await bank.everything()).toBe(before);
  });

  test('from a pipe too, before anything is posted', async () => {
    const bank = await bankWith('');
    const before = await bank.everything();
    const lines = `${JSON.stringify(plus('A', '1'))}\n${JSON.stringify(plus('B', '2'))}\n{"x"}\n`;
    const ran = await bank.run(['apply', '-', '--batch', 'b'], { stdin: Readable.from([lines]) });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/stdin, line 3 is not JSON.*Nothing was applied/s);
    const stdin = Readable.from([json([plus('A', '1', 'i'), plus('A', '1')])]);
    const second = await bank.run(['apply', '-', '--json', '-q'], { stdin });
    expect(JSON.parse(second.stderr).error).toMatchObject({ code: 'row_without_id' });
    expect(await bank.everything()).toBe(before);
  });

  test.each([
    ['nowhere.csv', /nowhere\.csv cannot be read: there is no such file/],
    ['folder', /folder cannot be read: it is a directory/],
    ['-', /stdin is empty/],
  ])('%s', async (file, expected) => {
    const bank = await bankWith('');
    await mkdir(join(bank.directory, 'folder'));
    const ran = await bank.run(['apply', file]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(expected)]);
  });

  test('results that cannot be written, or are the file itself, are refused at once', async () => {
    const bank = await bankWith(json([plus('A', '1', 'a')]));
    const before = await bank.everything();
    const results = (path: string) => bank.run(['apply', 'rows.ndjson', '--results', path]);
    expect((await results('rows.ndjson')).stderr).toContain('is the file that is read');
    expect((await results('no/where')).stderr).toContain('no/where cannot be written');
    expect(await bank.everything()).toBe(before);
    expect(await readFile(join(bank.directory, 'rows.ndjson'), 'utf8')).not.toBe('');
  });

  test('a byte-order mark and CRLF are no problem', async () => {
    const bank = await bankWith(`\uFEFF${head}\r\n${good}\r\n\r\nb,branch1,B,2\r`, 'r.csv');
    expect(await bank.run(['apply', 'r.csv'])).toMatchObject({ status: 0 });
    expect(await balances(bank)).toEqual({ A: '101.00', B: '102.00' });
  });

  test('a file may be deleted while it is read', async () => {
    const rows = Array.from({ length: 10_500 }, (_, index) => plus('A', '0.01', `a${index}`));
    const bank = await bankWith(json(rows));
    const running = bank.run(['apply', 'rows.ndjson']);
    while ((await bank.db.collection('journal').countDocuments({})) < 5_000) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await unlink(join(bank.directory, 'rows.ndjson'));
    expect(await running).toMatchObject({ status: 0 });
    expect(await balances(bank)).toMatchObject({ A: '205.00' });
  });
});

describe('what happens to a file as a whole', () => {
  const outOf = async (bank: Workspace, ...argv: readonly string[]) => {
    const ran = await bank.run(['apply', ...argv, '--json']);
    return { ...ran, counts: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
  };

  test('--atomic is one transaction however long the rows are, and names the culprit', async () => {
    const memo = 'm'.repeat(500);
    const rows = Array.from({ length: 9_001 }, (_, index) => ({
      ...plus('A', index === 9_000 ? '-999.00' : '0.01', `a${index}`),
      memo,
    }));
    const bank = await bankWith(json(rows));
    const before = await bank.everything();
    const ran = await outOf(bank, 'rows.ndjson', '--atomic');
    expect(ran.counts).toMatchObject({ applied: 0, replayed: 0, refused: 9_001, batches: 0 });
    expect(ran.stderr).toMatch(/^\{"notice".*Line 9001 was refused: The account branch1:A has 190/);
    expect(ran.stderr).toContain('So 9000 other rows of the file were not applied either');
    expect(await bank.everything()).toBe(before);
  });

  test('--atomic takes what one transaction holds, and refuses more up front', async () => {
    const memo = '\u{1F600}'.repeat(500);
    const opening = (at: number) => ({ ...plus(`N${at}`, '0.01', `n${at}`), create: true });
    // Just below 8 MiB.
    const memoOf = (at: number) => (at < 3_500 ? memo : 'm'.repeat(30));
    const rows = Array.from({ length: 10_000 }, (_, at) => ({ ...opening(at), memo: memoOf(at) }));
    const bank = await bankWith(json(rows));
    const before = await bank.everything();
    const add = (more: object) => appendFile(join(bank.directory, 'rows.ndjson'), json([more]));
    await add(plus('A', '1', 'more'));
    const tooMany = await outOf(bank, 'rows.ndjson', '--atomic');
    expect(tooMany.stderr).toContain(
      'rows.ndjson has 10001 rows, and --atomic takes at most 10000',
    );
    const long = Array.from({ length: 4_200 }, (_, at) => ({ ...opening(at), memo }));
    await writeFile(join(bank.directory, 'rows.ndjson'), json(long));
    const tooLong = await outOf(bank, 'rows.ndjson', '--atomic');
    expect(tooLong.stderr).toMatch(/has \d+ bytes, and --atomic takes at most 8388608 bytes/);
    expect(await bank.everything()).toBe(before);
    await writeFile(join(bank.directory, 'rows.ndjson'), json(rows));
    const ran = await outOf(bank, 'rows.ndjson', '--atomic', '--timeout', '60s');
    expect([ran.stderr, ran.counts]).toMatchObject(['', { applied: 10_000, batches: 1 }]);
  });

  test('one id on two lines refuses it, naming both', async () => {
    const bank = await bankWith(
      json([plus('A', '1', 'x'), plus('B', '1', 'y'), plus('A', '1', 'x')]),
    );
    const before = await bank.everything();
    const ran = await outOf(bank, 'rows.ndjson');
    expect(ran.stderr).toMatch(/rows\.ndjson, line 3 has the id \\"x\\" of line 1/);
    expect([ran.status, await bank.everything()]).toEqual([2, before]);
  });

  test('the same rows under another name are refused, until they are meant', async () => {
    const bank = await bankWith(json([plus('A', '1'), plus('A', '1')]));
    await outOf(bank, 'rows.ndjson', '--batch', 'pay');
    await writeFile(
      join(bank.directory, 'same.csv'),
      'branch,account,amount\nbranch1,A,1\nbranch1,A,1\n',
    );
    await writeFile(
      join(bank.directory, 'spelled.csv'),
      'amount,account,branch,type,create\n+1.00,A,branch1,increment,false\n1.0,A,branch1,,\n',
    );
    const before = await bank.everything();
    for (const file of ['rows.ndjson', 'same.csv', 'spelled.csv']) {
      for (const more of [[], ['--dry-run']]) {
        const ran = await outOf(bank, file, '--batch', 'pay2', ...more);
        expect(JSON.parse(ran.stderr).error).toMatchObject({
          code: 'file_repeated',
          message: expect.stringContaining(
            `The rows of ${file} were given before, with --batch "pay"`,
          ),
        });
      }
    }
    expect(await bank.everything()).toBe(before);
    const meant = await outOf(bank, 'rows.ndjson', '--batch', 'pay2', '--again');
    expect(meant.counts).toMatchObject({ applied: 2 });
    for (const name of ['pay', 'pay2']) {
      const repeated = await outOf(bank, 'same.csv', '--batch', name);
      expect(repeated.counts).toMatchObject({ applied: 0, replayed: 2 });
    }
    expect(await balances(bank)).toMatchObject({ A: '104.00' });
  });

  test('rows that are given with a config of another bank are not remembered', async () => {
    const bank = await bankWith(json([plus('A', '1')]));
    await bank.db.dropCollection('bankctl');
    const path = join(bank.directory, 'bankctl.config.yaml');
    const config = await readFile(path, 'utf8');
    await writeFile(
      path,
      config.replace(/collection: branch(.)/g, (_, nth) => `collection: branch${3 - nth}`),
    );
    const before = await bank.everything();
    const ran = await outOf(bank, 'rows.ndjson', '--batch', 'pay');
    expect([ran.status, await bank.everything()]).toEqual([2, before]);
  });

  test('sorted anew, they are the same rows; one more or less, they are others', async () => {
    const bank = await bankWith(json([plus('A', '1'), plus('B', '2'), plus('B', '2')]));
    const given = async (name: string, rows: readonly object[]) => {
      await writeFile(join(bank.directory, 'rows.ndjson'), json(rows));
      const { status } = await outOf(bank, 'rows.ndjson', '--batch', name);
      return status;
    };
    expect(await given('one', [plus('A', '1'), plus('B', '2'), plus('B', '2')])).toBe(0);
    expect(await given('two', [plus('B', '2'), plus('A', '1'), plus('B', '2')])).toBe(2);
    expect(await given('two', [plus('B', '2'), plus('A', '1')])).toBe(0);
    expect(await given('two', [plus('A', '2'), plus('B', '1'), plus('B', '2')])).toBe(2);
    expect(await given('three', [plus('A', '2'), plus('B', '1'), plus('B', '2')])).toBe(0);
    expect(await balances(bank)).toMatchObject({ A: '104.00', B: '109.00' });
  });

  test('says how many rows stayed refused, and since when; a corrected one is new', async () => {
    const bank = await bankWith(json([plus('A', '-500', 'a'), plus('B', '-500', 'b')]));
    expect((await outOf(bank, 'rows.ndjson')).stderr).not.toContain('still refused');
    const again = await outOf(bank, 'rows.ndjson');
    expect(again.stderr).toMatch(
      /2 rows are still refused, as they have been since \d{4}-\d\d-\d\dT/,
    );
    await writeFile(join(bank.directory, 'rows.ndjson'), json([plus('A', '-50', 'a')]));
    expect((await outOf(bank, 'rows.ndjson')).counts).toMatchObject({ applied: 1, refused: 0 });
  });

  test('a last line that may be cut off is refused, until it is said to be whole', async () => {
    const bank = await bankWith('branch,account,amount\nbranch1,A,1.00\nbranch1,A,100', 'r.csv');
    const before = await bank.everything();
    const ran = await outOf(bank, 'r.csv', '--batch', 'b');
    expect(ran.stderr).toContain('line 3 is the last one and has no newline, so it may be cut off');
    expect([ran.status, await bank.everything()]).toEqual([2, before]);
    const whole = await outOf(bank, 'r.csv', '--batch', 'b', '--last-line-complete');
    expect(whole.counts).toMatchObject({ applied: 2 });
  });

  test('results of an earlier run stay until there are new ones', async () => {
    const bank = await bankWith(`${JSON.stringify(plus('A', '1', 'a'))}\n{"x"}\n`);
    const results = join(bank.directory, 'out');
    await writeFile(results, 'earlier');
    const args = ['rows.ndjson', '--results', 'out'];
    await outOf(bank, 'nowhere', '--results', 'out');
    await outOf(bank, ...args, '--uri', 'mongodb://127.0.0.1:9', '--timeout', '1s');
    expect(await readFile(results, 'utf8')).toBe('earlier');
    await outOf(bank, ...args);
    expect(JSON.parse(await readFile(results, 'utf8'))).toMatchObject({
      line: 2,
      outcome: 'faulty',
    });
    await writeFile(join(bank.directory, 'rows.ndjson'), json([plus('A', '1', 'a')]));
    await outOf(bank, ...args);
    expect(JSON.parse(await readFile(results, 'utf8'))).toMatchObject({ outcome: 'applied' });
  });

  test('the standard input is not emptied by its own results', async () => {
    const text = json([plus('A', '1', 'a')]);
    const bank = await bankWith(text);
    await link(join(bank.directory, 'rows.ndjson'), join(bank.directory, 'other-name'));
    for (const results of ['rows.ndjson', 'other-name']) {
      const stdin = createReadStream(join(bank.directory, 'rows.ndjson'));
      await once(stdin, 'open');
      const ran = await bank.run(['apply', '-', '--results', results], { stdin });
      expect(ran.stderr).toContain(`--results ${results} is the file that is read`);
      expect(await readFile(join(bank.directory, 'rows.ndjson'), 'utf8')).toBe(text);
    }
  });
});

describe('exactly once', () => {
  const batch = ['apply', 'rows.ndjson', '--batch', 'pay', '--json', '-q'];
  const counted = async (bank: Workspace) => JSON.parse((await bank.run(batch)).stdout);

  test('a file that has grown, anywhere, posts what is new; equal rows are two', async () => {
    const bank = await bankWith(json([plus('A', '1'), plus('A', '1'), plus('A', '1.0')]));
    expect(await counted(bank)).toMatchObject({ applied: 3, replayed: 0 });
    expect(await counted(bank)).toMatchObject({ applied: 0, replayed: 3 });
    await appendFile(join(bank.directory, 'rows.ndjson'), json([plus('A', '1'), plus('B', '2')]));
    expect(await counted(bank)).toMatchObject({ applied: 2, replayed: 3 });
    const text = await readFile(join(bank.directory, 'rows.ndjson'), 'utf8');
    await writeFile(join(bank.directory, 'rows.ndjson'), json([plus('B', '9')]) + text);
    expect(await counted(bank)).toMatchObject({ applied: 1, replayed: 5 });
    expect(await balances(bank)).toEqual({ A: '104.00', B: '111.00' });
  });

  test('a refused row stays refused, whatever later rows do, until it is retried', async () => {
    const bank = await bankWith(json([plus('A', '-150'), plus('A', '100')]));
    expect(await counted(bank)).toMatchObject({ applied: 1, refused: 1 });
    expect(await counted(bank)).toMatchObject({ applied: 0, replayed: 1, refused: 1 });
    expect(await balances(bank)).toMatchObject({ A: '200.00' });
    const retried = await bank.run([...batch, '--retry-refused']);
    expect(JSON.parse(retried.stdout)).toMatchObject({ applied: 1, replayed: 1, refused: 0 });
    expect(await balances(bank)).toMatchObject({ A: '50.00' });
  });

  test('interrupted: says what is certain, and the same command completes it', async () => {
    const rows = Array.from({ length: 25_000 }, (_, index) => plus('AB'[index % 2] ?? 'A', '0.01'));
    const bank = await bankWith(json(rows));
    const controller = new AbortController();
    const running = bank.run(['apply', 'rows.ndjson', '--batch', 'pay'], {
      interrupted: controller.signal,
    });
    const journal = bank.db.collection('journal');
    // What is not committed yet is not counted.
    while ((await journal.countDocuments({})) < 5_000) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    controller.abort();
    const stopped = await running;
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toMatch(
      /first \d+ rows are certainly done|Nothing (was|is certainly) applied/,
    );
    expect(stopped.stderr).toContain('run it again: bankctl apply rows.ndjson --batch pay');
    const result = await counted(bank);
    expect(result.applied + result.replayed).toBe(25_000);
    expect(result.replayed).toBeGreaterThan(0);
    expect(await balances(bank)).toEqual({ A: '225.00', B: '225.00' });
    expect(await journal.countDocuments()).toBe(25_002);
  });

  test('any file in any number of interrupted runs is applied once', async () => {
    const amount = fc.integer({ min: -9000, max: 9000 }).filter((cents) => cents !== 0);
    const rowOf = fc.tuple(fc.constantFrom('A', 'B'), amount);
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowOf, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(8), { maxLength: 3 }),
        async (file, cuts) => {
          const rows = file.map(([account, cents]) => plus(account, (cents / 100).toFixed(2)));
          const whole = await bankWith(json(rows));
          await whole.run(batch);
          const parts = await bankWith('');
          for (const cut of [...cuts, rows.length]) {
            // A run that is cut off is one of a file that has not grown yet.
            const path = join(parts.directory, 'rows.ndjson');
            await writeFile(path, json(rows.slice(0, Math.max(cut, 1))));
            await parts.run(batch);
          }
          expect(await balances(parts)).toEqual(await balances(whole));
        },
      ),
      { numRuns: 8 },
    );
  });
});
