import { type Bank, type Fate, placeKey, profileText, type Wanted } from './bank.ts';
import { added, byPlace, type Snapshot } from './snapshot.ts';
import { minorOf, type World } from './worlds.ts';

/**
 * What must hold between what bankctl says, what the database holds before and after, and what the
 * model expects. Each relation is pure, has a name, and throws `Violation`; relations.test.ts gives
 * each a doctored result and expects it to object. What a step checks itself, with `must`, is
 * doctored in steps.test.ts.
 */

/** What a command line left behind. */
export interface Ran {
  readonly argv: readonly string[];
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of `--results`, in order. */
  readonly results: readonly ResultLine[];
}

export interface ResultLine {
  readonly line: number;
  readonly id?: string;
  readonly outcome: string;
  readonly code?: string;
  readonly reason?: string;
}

/** A relation that does not hold: what the tests look for. */
export class Violation extends Error {
  readonly relation: string;

  constructor(relation: string, detail: string) {
    super(detail);
    this.name = 'Violation';
    this.relation = relation;
  }
}

function hold(relation: string, condition: boolean, detail: string): asserts condition {
  if (!condition) throw new Violation(relation, detail);
}

/** What a command reports, in short. */
export function saying({ argv, status, stdout, stderr }: Ran): string {
  const told = [stderr, stdout].filter((text) => text !== '').join(' | ');
  return `${argv.join(' ')} → ${status}: ${told.replaceAll('\n', ' ').slice(0, 900)}`;
}

/** The code of the error on stderr, with `--json`. */
export function errorCode({ stderr }: Ran): string | undefined {
  const line = stderr.split('\n').find((text) => text.startsWith('{"error"'));
  return line === undefined ? undefined : JSON.parse(line).error.code;
}

/** The JSON on stdout, or undefined. */
export function output({ stdout }: Ran): Record<string, unknown> | undefined {
  if (!/^[[{]/.test(stdout)) return undefined;
  return JSON.parse(stdout);
}

/** Ends with a documented status, without a stack trace, and with words for a failure. */
export function clean(ran: Ran): void {
  hold('clean', [0, 1, 2, 3, 130].includes(ran.status), `undocumented status: ${saying(ran)}`);
  hold('clean', !/This is a bug|\n {4}at /.test(ran.stderr), saying(ran));
  const silent = ran.status !== 0 && ran.stderr === '' && ran.stdout === '';
  hold('clean', !silent, `failed without a word: ${saying(ran)}`);
}

const saysNot =
  /(was|were) not (applied|changed)|not applied\.|Nothing was (applied|written|imported|changed)/;
const saysUnknown =
  /may or may not|is not known|outcome_unknown|not certain|Nothing is certainly applied/;

/** What a message says about one operation's fate is what the journal holds. */
export function fateAsSaid(ran: Ran, id: string, before: Snapshot, after: Snapshot): void {
  const there = after.journal.has(id);
  const fresh = there && !before.journal.has(id);
  const relation = 'fate as said';
  if (ran.status === 0) {
    hold(relation, there, `status 0, but ${id} is not in the journal: ${saying(ran)}`);
    return;
  }
  const unknown = saysUnknown.test(ran.stderr);
  if (unknown) hold(relation, ran.stderr.includes(id), `unknown, without its id: ${saying(ran)}`);
  const claimed = new RegExp(`${escapeForRegExp(id)} was applied`).test(ran.stderr);
  if (claimed) hold(relation, there, `said to be applied: ${saying(ran)}`);
  if (!unknown && saysNot.test(ran.stderr)) {
    hold(relation, !fresh, `said not to be applied, but ${id} was: ${saying(ran)}`);
  }
  if (!unknown && !claimed) hold(relation, !fresh, `${id} was applied in silence: ${saying(ran)}`);
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The JSON result of one operation is its journal document. */
export function resultAsStored(ran: Ran, id: string, before: Snapshot, after: Snapshot): void {
  const result = output(ran);
  if (ran.status !== 0 || result === undefined || result['dry_run'] === true) return;
  const relation = 'result as stored';
  hold(relation, result['operation'] === id, `names ${result['operation']}, not ${id}`);
  const replayed = before.journal.has(id);
  hold(relation, result['replayed'] === replayed, `replayed should be ${replayed}: ${saying(ran)}`);
  const stored = after.journal.get(id)?.postings ?? [];
  const shown = [result, result['from'], result['to']].filter(isPosting);
  hold(relation, shown.length === stored.length, `other postings than stored: ${saying(ran)}`);
  for (const { branch, account, version } of shown) {
    const same = stored.some(
      (posting) =>
        posting.branch === branch && posting.account === account && posting.version === version,
    );
    hold(relation, same, `${branch}:${account} is not stored as version ${version}`);
  }
}

interface ShownPosting {
  readonly branch: string;
  readonly account: string;
  readonly version: number;
}

function isPosting(value: unknown): value is ShownPosting {
  return typeof value === 'object' && value !== null && 'branch' in value && 'version' in value;
}

/** A command that writes nothing leaves every document as it was. */
export function wroteNothing(why: string, ran: Ran, before: Snapshot, after: Snapshot): void {
  hold(why, before.text === after.text, `${saying(ran)}; changed: ${change(before, after)}`);
}

function change(before: Snapshot, after: Snapshot): string {
  const old = new Set(before.text.split('\n'));
  const lines = after.text.split('\n');
  const gained = lines.filter((line) => !old.has(line));
  return gained.length > 0 ? gained.slice(0, 3).join(' ').slice(0, 600) : 'documents are gone';
}

/** A dry run answers like the real run, except for saying that it was dry. */
export function dryAsReal(dry: Ran, real: Ran): void {
  const words = (ran: Ran) => {
    const { dry_run: _, batches: __, ...result } = output(ran) ?? {};
    const lines = ran.results.map(({ line, outcome, code }) => ({ line, outcome, code }));
    return JSON.stringify([ran.status, errorCode(ran), result, lines]);
  };
  hold('dry run = real run', words(dry) === words(real), `${words(dry)} and ${words(real)}`);
}

/** One operation ends as the model says; a refusal names a rule that is really broken. */
export function fateAsModelled(ran: Ran, fate: Fate, tried: boolean): void {
  const relation = 'fate = model';
  const expected = fate.kind === 'refused' ? `refused (${fate.codes.join(' or ')})` : fate.kind;
  const wrong = `the model says ${expected}: ${saying(ran)}`;
  hold(relation, (ran.status === 0) === (fate.kind !== 'refused'), wrong);
  if (fate.kind === 'refused') {
    const code = errorCode(ran);
    hold(relation, ran.status === 1, wrong);
    if (code !== undefined) hold(relation, fate.codes.includes(code), wrong);
    return;
  }
  const replayed = output(ran)?.['replayed'];
  // After a failed attempt, it is left open whether it was applied then or now.
  if (replayed !== undefined && !tried)
    hold(relation, replayed === (fate.kind === 'replayed'), wrong);
}

/** Counts of `apply` add up, and are what its results and the journal say. */
export function applyCounts(ran: Ran, before: Snapshot, after: Snapshot): void {
  const relation = 'counts = journal';
  const counts = output(ran);
  if (counts === undefined || counts['applied'] === undefined) return;
  const fresh = added(before, after).length;
  if (counts['dry_run'] !== true) {
    hold(relation, counts['applied'] === fresh, `${fresh} were added: ${saying(ran)}`);
  }
  for (const outcome of ['applied', 'replayed']) {
    const lines = ran.results.filter((line) => line.outcome === outcome).length;
    hold(relation, counts[outcome] === lines, `${lines} results say ${outcome}: ${saying(ran)}`);
  }
  const refused = Number(counts['refused']);
  const status = refused > 0 ? 1 : 0;
  hold(relation, ran.status === status || ran.status === 130, `refused ${refused}: ${saying(ran)}`);
}

/** Each line of results says what the journal holds; they are the file's lines, each once. */
export function resultLines(ran: Ran, before: Snapshot, after: Snapshot): void {
  const relation = 'results = journal';
  const seen = new Set<number>();
  const dry = output(ran)?.['dry_run'] === true;
  for (const { line, id = '', outcome } of ran.results) {
    hold(relation, !seen.has(line), `line ${line} stands there twice`);
    seen.add(line);
    if (dry || id === '') continue;
    const [old, now] = [before.journal.has(id), after.journal.has(id)];
    const said = `line ${line} says ${outcome} of ${id}: ${saying(ran)}`;
    if (outcome === 'applied') hold(relation, now && !old, said);
    if (outcome === 'replayed') hold(relation, now && old, said);
    if (outcome === 'refused') hold(relation, now === old, said);
  }
}

/** A failed run of a file says nothing that the journal contradicts. */
export function failedFile(ran: Ran, before: Snapshot, after: Snapshot): void {
  const relation = 'failed file = journal';
  const fresh = added(before, after);
  const text = ran.stderr;
  if (/Nothing was (applied|imported|written)/.test(text)) {
    hold(relation, fresh.length === 0, `${fresh.length} were: ${saying(ran)}`);
  }
  const created = /(\d+) accounts? (?:was|were) created/.exec(text)?.[1];
  if (created !== undefined && !saysUnknown.test(text)) {
    const opened = after.accounts.length - before.accounts.length;
    hold(relation, Number(created) === opened, `${opened} were created: ${saying(ran)}`);
  }
  const counts = output(ran);
  if (counts?.['interrupted'] === true) {
    const { applied, created, unknown } = counts;
    const opened = after.accounts.length - before.accounts.length;
    const done = applied === undefined ? opened : fresh.length;
    const counted = Number(applied ?? created);
    const within = counted <= done && done <= counted + Number(unknown);
    hold(relation, within, `${done} were done: ${saying(ran)}`);
  }
  if (counts !== undefined || fresh.length === 0) return;
  // The reader must learn that something is, or may be, done.
  const told =
    saysUnknown.test(text) || /certainly|are done|is done|was applied|were applied/.test(text);
  hold(relation, told, `${fresh.length} operations were applied in silence: ${saying(ran)}`);
}

/** All or none of an atomic file. */
export function atomic(ran: Ran, rows: number, before: Snapshot, after: Snapshot): void {
  const fresh = added(before, after).length;
  const replayed = ran.results.filter(({ outcome }) => outcome === 'replayed').length;
  const whole = fresh === 0 || fresh + replayed === rows;
  hold('atomic = all or none', whole, `${fresh} of ${rows} rows: ${saying(ran)}`);
}

/** Counts of `import` add up, and are what became of the accounts. */
export function importCounts(
  ran: Ran,
  rows: ReadonlyMap<number, Wanted>,
  before: Snapshot,
  after: Snapshot,
  tried = false,
): void {
  const relation = 'import counts = accounts';
  const counts = output(ran);
  if (counts?.['read'] === undefined) return;
  const { read, created, duplicate, conflict, rejected } = counts;
  const sum = Number(created) + Number(duplicate) + Number(conflict) + Number(rejected);
  hold(relation, read === sum, `do not add up: ${saying(ran)}`);
  hold(relation, read === rows.size, `the file has ${rows.size} rows: ${saying(ran)}`);
  if (counts['dry_run'] === true) return;
  const [old, now] = [byPlace(before), byPlace(after)];
  const opened = now.size - old.size;
  hold(relation, created === opened, `${opened} accounts were opened: ${saying(ran)}`);
  for (const { line, outcome, reason } of ran.results) {
    const want = rows.get(line);
    const place = want === undefined ? '' : placeKey(want);
    const [was, is] = [old.get(place)?.[0], now.get(place)?.[0]];
    const said = `line ${line} says ${outcome} of ${place}: ${saying(ran)}`;
    if (outcome === 'created') {
      hold(relation, was === undefined && is !== undefined, said);
      const status = reason === undefined ? want?.status : 'open';
      const same = is.minor === want?.minor && is.status === status;
      hold(relation, same, `it is ${is.minor} and ${is.status}: ${said}`);
    } else if (was?.text !== is?.text) {
      // What an earlier attempt opened, and had no time to freeze or close.
      const completed =
        tried &&
        outcome === 'duplicate' &&
        was?.version === 1 &&
        was.status === 'open' &&
        is?.version === 2 &&
        is.minor === was.minor &&
        is.status === want?.status;
      hold(relation, completed, `${said}, but it was changed`);
    }
  }
}

/** Accounts are as the model has them, and the journal has the operations that it has. */
export function stateAsModelled(snapshot: Snapshot, model: Bank): void {
  const relation = 'state = model';
  const stored = byPlace(snapshot);
  for (const [key, { minor, version, status, profile }] of model.accounts) {
    const [account] = stored.get(key) ?? [];
    hold(relation, account !== undefined, `${key} is not there`);
    const there = profileText(account.profile);
    const is = `${account.minor} ${account.version} ${account.status} ${there}`;
    const should = `${minor} ${version} ${status} ${profileText(profile)}`;
    hold(relation, is === should, `${key}: ${is}, not ${should}`);
  }
  for (const key of stored.keys()) hold(relation, model.accounts.has(key), `${key} is there`);
  const [is, should] = [snapshot.journal.size, model.applied.size];
  hold(relation, is === should, `the journal has ${is} operations, not ${should}`);
}

/** Balances are the sums of postings, versions have no gaps, every posting's balance follows. */
export function ledgerSound(snapshot: Snapshot, world: World): void {
  const relation = 'ledger sound';
  const postings = [...snapshot.journal.values()]
    .flatMap((entry) => entry.postings.map((posting) => ({ ...posting, entry })))
    .sort((a, b) => a.version - b.version);
  const running = new Map<string, { minor: bigint; version: number; atMs: number }>();
  for (const { minor, afterMinor, version, entry, ...place } of postings) {
    const key = placeKey(place);
    const before = running.get(key) ?? { minor: 0n, version: 0, atMs: 0 };
    hold(relation, version === before.version + 1, `${key} has a gap before version ${version}`);
    hold(relation, afterMinor === before.minor + minor, `${key}, version ${version}: a wrong sum`);
    hold(relation, entry.atMs >= before.atMs, `${key}, version ${version}: earlier than the last`);
    running.set(key, { minor: afterMinor, version, atMs: entry.atMs });
  }
  const stored = byPlace(snapshot);
  for (const branch of world.branches) {
    for (const account of snapshot.accounts.filter((each) => each.branch === branch.name)) {
      const key = placeKey(account);
      hold(relation, (stored.get(key) ?? []).length === 1, `${key} appears twice`);
      hold(relation, account.stamp === branch.name, `${key} has the stamp ${account.stamp}`);
      const sum = running.get(key);
      const same = sum?.minor === account.minor && sum?.version === account.version;
      hold(relation, same, `${key} is ${account.minor}, its postings make ${sum?.minor}`);
      const low = (account.minor ?? 0n) < branch.minMinor;
      hold(relation, !low, `${key} is below its minimum`);
    }
  }
  for (const key of running.keys()) hold(relation, stored.has(key), `${key} has postings alone`);
}

/** Totals of `balance` are sums of the accounts. */
export function balanceAdds(ran: Ran, snapshot: Snapshot, world: World): void {
  const relation = 'balance = accounts';
  hold(relation, ran.status === 0, saying(ran));
  const result = output(ran) ?? {};
  const shown = Array.isArray(result) ? result : result['branches'];
  hold(relation, Array.isArray(shown) && shown.length === world.branches.length, saying(ran));
  const sums = new Map<string, bigint>();
  for (const branch of world.branches) {
    const accounts = snapshot.accounts.filter((account) => account.branch === branch.name);
    const sum = accounts.reduce((total, { minor }) => total + (minor ?? 0n), 0n);
    sums.set(branch.currency, (sums.get(branch.currency) ?? 0n) + sum);
    const row = shown.find((each) => each.branch === branch.name);
    const same = row?.accounts === accounts.length && minorOf(row.total, branch) === sum;
    hold(
      relation,
      same,
      `${branch.name} has ${accounts.length} accounts with ${sum}: ${saying(ran)}`,
    );
  }
  const totals = result['totals'];
  if (typeof totals !== 'object' || totals === null) return;
  for (const [currency, text] of Object.entries(totals)) {
    const digits = world.branches.find((each) => each.currency === currency)?.digits ?? 2;
    hold(relation, minorOf(text, { digits }) === sums.get(currency), `${currency}: ${saying(ran)}`);
  }
}

/** Something is as it must be: for what a step checks itself. */
export function must(relation: string, condition: boolean, detail: string): void {
  hold(relation, condition, detail);
}
