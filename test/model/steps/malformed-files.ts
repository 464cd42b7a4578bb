import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { amountIn } from '../files.ts';
import type { Step } from '../plan.ts';
import { errorCode, must, saying, wroteNothing } from '../relations.ts';
import type { Session } from '../session.ts';
import { added, byPlace } from '../snapshot.ts';

type MalformedStep = Extract<Step, { readonly do: 'malformed' }>;

/** A file that is not what it seems: parsed by its grammar, or refused as a whole. */
export async function giveMalformed(session: Session, step: MalformedStep): Promise<void> {
  const branch = session.place({ branch: step.branch, account: 0 }).branch;
  await session.aside(async () => {
    switch (step.what) {
      case 'quoted newline in import':
        return quotedImport(session, branch);
      case 'quoted newline in apply':
        return quotedApply(session, branch);
      case 'pretty array in import':
        return prettyArray(session, branch, 'import');
      case 'pretty array in apply':
        return prettyArray(session, branch, 'apply');
      case 'id twice':
        return idTwice(session, branch);
      case 'last line cut':
        return lastLineCut(session, branch);
      case 'batch under two names':
        return twoNames(session, branch);
      case 'results over input':
        return resultsOverInput(session, branch);
    }
  });
}

const grammar = 'a file is read by its grammar';

/** Text inside a quoted cell is not a row. */
async function quotedImport(session: Session, branch: string): Promise<void> {
  const [one, million] = [
    amountIn(1n, branch, session.world),
    amountIn(100_000_000n, branch, session.world),
  ];
  await session.write(
    'quoted.csv',
    `account,balance,status\nQ1,${one},"open\nQ2,${million},open\n"\nQ3,${one},open\n`,
  );
  const before = await session.snapshot();
  const ran = await session.run(['import', branch, 'quoted.csv', '--json']);
  const after = await session.snapshot();
  const found = byPlace(after).has(`${branch}:Q2`);
  must(grammar, !found, `opened an account inside a quoted cell: ${saying(ran)}`);
  // The first row has no status, which refuses the file.
  must(grammar, errorCode(ran) === 'invalid_row' && ran.status === 2, saying(ran));
  wroteNothing(grammar, ran, before, after);
}

async function quotedApply(session: Session, branch: string): Promise<void> {
  const amount = amountIn(100_000_000n, branch, session.world);
  await session.write(
    'quoted.csv',
    'id,branch,account,amount,create,memo\n' +
      `q1,${branch},Q1,${amount},true,"a\nq2,${branch},Q2,${amount},true,\n"\n`,
  );
  const before = await session.snapshot();
  const ran = await session.run(['apply', 'quoted.csv', '--json']);
  const after = await session.snapshot();
  must(grammar, !after.journal.has('q2'), `applied the inside of a quoted cell: ${saying(ran)}`);
  // A memo of several lines refuses the file, by the line where its row begins.
  const told = errorCode(ran) === 'invalid_row' && /line 2 /.test(ran.stderr);
  must(grammar, told && ran.status === 2, saying(ran));
  wroteNothing(grammar, ran, before, after);
}

/** An array with one element per line, of which the last is a row by itself. */
async function prettyArray(session: Session, branch: string, verb: string): Promise<void> {
  const amount = amountIn(100n, branch, session.world);
  const rows = ['P1', 'P2', 'P3'].map((account) =>
    verb === 'import'
      ? { account, balance: amount }
      : { id: account, branch, account, amount, create: true },
  );
  await session.write(
    'pretty.ndjson',
    `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`,
  );
  const before = await session.snapshot();
  const words = verb === 'import' ? [verb, branch] : [verb];
  const ran = await session.run([...words, 'pretty.ndjson', '--json']);
  const after = await session.snapshot();
  const opened = after.accounts.length - before.accounts.length;
  must(grammar, opened === 0, `opened ${opened} of 3: ${saying(ran)}`);
  must(grammar, errorCode(ran) === 'file_format' && ran.status === 2, saying(ran));
}

/** One id in two rows: the money of the second would be missing. */
async function idTwice(session: Session, branch: string): Promise<void> {
  const amount = amountIn(500n, branch, session.world);
  const row = `twin,${branch},T,${amount},true\n`;
  await session.write('twice.csv', `id,branch,account,amount,create\n${row}${row}`);
  const before = await session.snapshot();
  const ran = await session.run(['apply', 'twice.csv', '--json']);
  const relation = 'an id twice in a file is refused';
  must(relation, errorCode(ran) === 'row_repeated' && ran.status === 2, saying(ran));
  wroteNothing(relation, ran, before, await session.snapshot());
  must(
    relation,
    /\b2\b/.test(ran.stderr) && /\b3\b/.test(ran.stderr),
    `names both: ${saying(ran)}`,
  );
}

/** A last line without a newline may lack more than that. */
async function lastLineCut(session: Session, branch: string): Promise<void> {
  const amount = amountIn(100_000n, branch, session.world);
  const rows = ['l1', 'l2'].map((id) => `${id},true,${branch},L,${amount}\n`);
  const text = `id,create,branch,account,amount\n${rows.join('')}`;
  // Enough digits are left to make a number.
  const cut = text.slice(0, -(amount.includes('.') ? (amount.split('.')[1]?.length ?? 0) : 0) - 3);
  await session.write('cut.csv', cut);
  const relation = 'a file that may be cut off is refused';
  const before = await session.snapshot();
  const ran = await session.run(['apply', 'cut.csv', '--json']);
  const after = await session.snapshot();
  must(relation, errorCode(ran) === 'line_cut' && ran.status === 2, saying(ran));
  wroteNothing(relation, ran, before, after);
  const meant = await session.run(['apply', 'cut.csv', '--last-line-complete', '--json']);
  const both = added(after, await session.snapshot()).length === 2;
  must(relation, meant.status === 0 && both, saying(meant));
}

/** One file under two names would pay twice. */
async function twoNames(session: Session, branch: string): Promise<void> {
  const amount = amountIn(500n, branch, session.world);
  await session.write('batch.csv', `branch,account,amount,create\n${branch},N,${amount},true\n`);
  const first = await session.run(['apply', 'batch.csv', '--batch', 'one', '--json']);
  if (first.status !== 0) return;
  const before = await session.snapshot();
  const ran = await session.run(['apply', 'batch.csv', '--batch', 'two', '--json']);
  const after = await session.snapshot();
  const relation = 'a file under another name is refused';
  must(relation, errorCode(ran) === 'file_repeated' && ran.status === 2, saying(ran));
  wroteNothing(relation, ran, before, after);
  const meant = await session.run(['apply', 'batch.csv', '--batch', 'two', '--again', '--json']);
  const twice = added(after, await session.snapshot()).length === 1;
  must(relation, meant.status === 0 && twice, saying(meant));
}

/** The shell's `<` opens what `--results` would empty. */
async function resultsOverInput(session: Session, branch: string): Promise<void> {
  const amount = amountIn(500n, branch, session.world);
  const row = { id: 'in-1', branch, account: 'I', amount, create: true };
  const text = `${JSON.stringify(row)}\n`;
  await session.write('in.ndjson', text);
  const words = ['apply', '-', '--results', 'in.ndjson', '--json'];
  const ran = await session.run(words, { outside: true, stdin: 'in.ndjson' });
  const left = await readFile(join(session.directory, 'in.ndjson'), 'utf8');
  const relation = 'results never replace the input';
  must(relation, ran.status !== 0 && left === text, `left ${left.length} bytes: ${saying(ran)}`);
}
