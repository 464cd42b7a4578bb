import { placeKey } from '../bank.ts';
import type { Step } from '../plan.ts';
import {
  balanceAdds,
  errorCode,
  must,
  output,
  type Ran,
  saying,
  wroteNothing,
} from '../relations.ts';
import type { Session } from '../session.ts';
import type { Snapshot, StoredEntry } from '../snapshot.ts';
import { minorOf } from '../worlds.ts';

type ReadStep = Extract<Step, { readonly do: 'read' }>;

/** A reading says what the database holds, and changes nothing. */
export async function checkReading(session: Session, step: ReadStep): Promise<void> {
  const before = await session.snapshot();
  const ran = await reading(session, step, before);
  if (ran !== undefined)
    wroteNothing('a reading writes nothing', ran, before, await session.snapshot());
}

function reading(session: Session, step: ReadStep, snapshot: Snapshot): Promise<Ran | undefined> {
  const { branch, account } = session.place(step);
  switch (step.what) {
    case 'balance':
    case 'branches':
      return balances(session, [step.what], snapshot);
    case 'balance at':
      return balanceAt(session, snapshot);
    case 'branch':
      return accountsOf(session, branch, snapshot);
    case 'account':
      return accountAlone(session, branch, account, snapshot);
    case 'history':
      return history(session, branch, account, snapshot);
    case 'export':
      return exported(session, snapshot);
    case 'show':
      return show(session, step.account, snapshot);
    case 'show wrong':
      return showWrong(session, step.account, snapshot);
    case 'show refused':
      return showRefused(session, step.account, snapshot);
  }
}

async function balances(session: Session, words: readonly string[], snapshot: Snapshot) {
  const ran = await session.run([...words, '--json']);
  balanceAdds(ran, snapshot, session.world);
  return ran;
}

/** The time of the newest posting shows the state now, or is refused as too recent. */
async function balanceAt(session: Session, snapshot: Snapshot) {
  const newest = Math.max(0, ...[...snapshot.journal.values()].map(({ atMs }) => atMs));
  if (newest === 0) return undefined;
  const ran = await session.run(['balance', '--at', new Date(newest).toISOString(), '--json']);
  if (ran.status === 0) balanceAdds(ran, snapshot, session.world);
  return ran;
}

async function accountsOf(session: Session, branch: string, snapshot: Snapshot) {
  const relation = 'balance of a branch = accounts';
  const ran = await session.run(['balance', branch, '--json']);
  must(relation, ran.status === 0, saying(ran));
  const shown: unknown = JSON.parse(ran.stdout);
  must(relation, Array.isArray(shown), saying(ran));
  const digits = session.world.branches.find(({ name }) => name === branch)?.digits ?? 2;
  const lines = (Array.isArray(shown) ? shown : []).map(
    ({ account, balance, status }) => `${account} ${minorOf(balance, { digits })} ${status}`,
  );
  const stored = snapshot.accounts
    .filter((each) => each.branch === branch)
    .map(({ account, minor, status }) => `${account} ${minor} ${status}`);
  must(relation, lines.sort().join() === stored.sort().join(), `${stored}: ${saying(ran)}`);
  return ran;
}

async function accountAlone(session: Session, branch: string, account: string, snapshot: Snapshot) {
  const relation = 'balance of an account = account';
  const ran = await session.run(['balance', branch, account, '--json']);
  const stored = snapshot.accounts.find(
    (each) => each.branch === branch && each.account === account,
  );
  must(relation, (ran.status === 0) === (stored !== undefined), saying(ran));
  if (stored === undefined) return ran;
  const shown = output(ran) ?? {};
  const digits = session.world.branches.find(({ name }) => name === branch)?.digits ?? 2;
  const is = [minorOf(String(shown['balance']), { digits }), shown['version'], shown['status']];
  const should = [stored.minor, stored.version, stored.status];
  must(relation, is.join() === should.join(), `${should}: ${saying(ran)}`);
  return ran;
}

async function history(session: Session, branch: string, account: string, snapshot: Snapshot) {
  const relation = 'history = journal';
  const ran = await session.run(['history', branch, account, '--json']);
  const key = placeKey({ branch, account });
  const stored = [...snapshot.journal.values()]
    .flatMap((entry) => entry.postings.map((posting) => ({ ...posting, entry })))
    .filter((posting) => placeKey(posting) === key)
    .sort((a, b) => a.version - b.version);
  must(relation, (ran.status === 0) === stored.length > 0, saying(ran));
  if (ran.status !== 0) return ran;
  const digits = session.world.branches.find(({ name }) => name === branch)?.digits ?? 2;
  const shown: unknown = JSON.parse(ran.stdout);
  const lines = (Array.isArray(shown) ? shown : []).map((each) =>
    [
      ...[each.operation, each.type, each.version],
      ...[minorOf(each.amount, { digits }), minorOf(each.balance, { digits })],
    ].join(' '),
  );
  const should = stored.map(({ entry, version, minor, afterMinor }) =>
    [entry.id, entry.type, version, minor, afterMinor].join(' '),
  );
  must(relation, lines.join() === should.join(), `${should}: ${saying(ran)}`);
  return ran;
}

async function exported(session: Session, snapshot: Snapshot) {
  const relation = 'export = accounts';
  const ran = await session.run(['export', '-o', 'ndjson']);
  must(relation, ran.status === 0, saying(ran));
  const rows = ran.stdout.split('\n').filter((line) => line !== '');
  const shown = rows.map((line) => {
    const { branch, account, balance, status } = JSON.parse(line);
    const digits = session.world.branches.find(({ name }) => name === branch)?.digits ?? 2;
    return `${branch}:${account} ${minorOf(balance, { digits })} ${status}`;
  });
  const stored = snapshot.accounts.map((each) => `${placeKey(each)} ${each.minor} ${each.status}`);
  must(relation, shown.sort().join() === stored.sort().join(), `${stored}: ${saying(ran)}`);
  return ran;
}

async function show(session: Session, index: number, { journal }: Snapshot) {
  const entry = [...journal.values()][index % Math.max(journal.size, 1)];
  if (entry === undefined) return undefined;
  const ran = await session.run(['show', entry.id, '--json']);
  shownAsStored(ran, entry);
  return ran;
}

function shownAsStored(ran: Ran, entry: StoredEntry): void {
  const relation = 'show = journal';
  must(relation, ran.status === 0, `${entry.id} is in the journal: ${saying(ran)}`);
  const shown = output(ran) ?? {};
  must(relation, shown['state'] === 'applied' && shown['type'] === entry.type, saying(ran));
  const postings: unknown = shown['postings'];
  const count = Array.isArray(postings) ? postings.length : 0;
  must(relation, count === entry.postings.length, saying(ran));
}

/** A message that an id does not exist must not lead anyone to pay again. */
async function showWrong(session: Session, index: number, { journal }: Snapshot) {
  const relation = 'show never advises to repeat';
  const applied = [...journal.keys()][index % Math.max(journal.size, 1)];
  if (applied === undefined) return undefined;
  const ran = await session.run(['show', `${applied}x`, '--json']);
  must(relation, ran.status === 1 && errorCode(ran) === 'operation_not_found', saying(ran));
  must(relation, !/[Rr]epeat the command|never arrived/.test(ran.stderr), saying(ran));
  return ran;
}

async function showRefused(session: Session, index: number, { refused }: Snapshot) {
  const id = [...refused][index % Math.max(refused.size, 1)];
  if (id === undefined) return undefined;
  const ran = await session.run(['show', id, '--json']);
  const told = ran.status === 0 && output(ran)?.['state'] === 'refused';
  must('a refusal is shown', told, `it was refused: ${saying(ran)}`);
  return ran;
}
