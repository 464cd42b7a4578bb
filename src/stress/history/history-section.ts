import { type HistoryEvent, historyAmount, isRecord } from './history-event.ts';

/** Everything that a history can show to have gone wrong, by name. */
export const anomalies = [
  /** Sent to another branch's collection. */
  'misplaced',
  /** Acknowledged, but without effect. */
  'lost',
  /** The model itself failed. */
  'crashed',
  /** Applied twice. */
  'duplicate',
  /** Applied, though never asked for, or refused. */
  'phantom',
  /** A balance below zero. */
  'negative',
  /** Older than what had been finished before it began. */
  'stale',
  /** A posting did not raise the account's version. */
  'regressed',
  /** A version that no posting has. */
  'gap',
] as const;
/** One of them. */
export type Anomaly = (typeof anomalies)[number];

/** The judgement of one model's history. */
export interface SectionJudgement extends Readonly<Record<Anomaly, number>> {
  readonly model: string;
  readonly operations: number;
  readonly acknowledged: number;
  /** All anomalies together. */
  readonly wrong: number;
  readonly first_wrong?: FirstAnomaly;
  /** Why nothing can be concluded from it. */
  readonly doubt: string | undefined;
}

/** Where a history first shows something wrong. */
export interface FirstAnomaly {
  /** Counted from 1; null for what shows only at the end. */
  readonly line: number | null;
  readonly anomaly: Anomaly;
  readonly detail: string;
}

interface Invoked {
  readonly event: HistoryEvent;
  /** The highest version that was finished when it began, of each account that it is about. */
  readonly finishedVersions: readonly bigint[];
}

/** One account that an operation is about, and what its end says of it. */
interface Seen {
  readonly name: string;
  readonly version: unknown;
  readonly balance: unknown;
}

interface AccountHistory {
  /** Of the first line; undefined for a model that counts none. */
  readonly initialVersion: bigint | undefined;
  finishedVersion: bigint;
  highestVersion: bigint;
  /** Versions of acknowledged postings, each with the id that has it, and the other way round. */
  readonly postings: Map<bigint, string>;
  readonly versions: Map<string, bigint>;
  /** Postings whose answer never came; each may have taken a version. */
  unanswered: number;
}

/** Judges the part of a history that belongs to one model. */
export class HistorySection {
  readonly #model: string;
  readonly #hasJournal: boolean;
  readonly #accounts = new Map<string, AccountHistory>();
  /** What must be in each collection at the end, for the models without a journal. */
  readonly #due = new Map<string, bigint>();
  readonly #open = new Map<string, Invoked>();
  /** How each id ended. */
  readonly #ids = new Map<string, HistoryEvent['type']>();
  readonly #counts = new Map<Anomaly, number>();
  #first: FirstAnomaly | undefined;
  #doubt: string | undefined;
  #operations = 0;
  #acknowledged = 0;
  #overlapped = false;

  constructor(init: HistoryEvent) {
    this.#model = init.model ?? 'ledger';
    this.#hasJournal = this.#model !== 'shared' && this.#model !== 'branch';
    const { accounts } = init.value;
    for (const [name, account] of Object.entries(isRecord(accounts) ? accounts : {})) {
      const { balance, version } = isRecord(account) ? account : {};
      const initialVersion = versionOf(version);
      this.#accounts.set(name, {
        initialVersion,
        finishedVersion: initialVersion ?? 0n,
        highestVersion: initialVersion ?? 0n,
        postings: new Map(),
        versions: new Map(),
        unanswered: 0,
      });
      this.#due.set(name, historyAmount(balance) ?? 0n);
    }
  }

  /** @param line its number in the file */
  take(event: HistoryEvent, line: number): void {
    if (event.process === undefined || event.process === 'nemesis') return;
    if (event.type === 'invoke') this.#begin(event, event.process, line);
    else this.#end(event, event.process, line);
  }

  /** @param applied the last line: the journal's ids, or the balances read back */
  finish(applied: HistoryEvent): SectionJudgement {
    if (this.#open.size > 0) this.#doubted(`${this.#open.size} operations have no end.`);
    const { ids, balances } = applied.value;
    if (Array.isArray(ids)) this.#settle(ids.map(String));
    else if (this.#hasJournal) this.#doubted('its last line has no ids.');
    if (isRecord(balances)) this.#reconcile(balances);
    else if (!this.#hasJournal) this.#doubted('its last line has no balances.');
    this.#findGaps();
    if (this.#acknowledged === 0) this.#doubted('no operation succeeded.');
    if (!this.#overlapped) this.#doubted('no two operations ran at the same time.');
    const counts = anomalies.map((name) => [name, this.#counts.get(name) ?? 0] as const);
    return {
      model: this.#model,
      operations: this.#operations,
      acknowledged: this.#acknowledged,
      ...zeroes,
      ...Object.fromEntries(counts),
      wrong: counts.reduce((sum, [, count]) => sum + count, 0),
      ...(this.#first ? { first_wrong: this.#first } : {}),
      doubt: this.#doubt,
    };
  }

  #begin(event: HistoryEvent, process: string, line: number): void {
    if (this.#open.has(process)) {
      this.#doubted(`process ${process} begins an operation inside another, in line ${line}.`);
    }
    this.#operations += 1;
    if (!known.has(event.f)) this.#doubted(`line ${line} has ${event.f}, which is not judged.`);
    const finishedVersions = seenBy(event).map(
      ({ name }) => this.#accounts.get(name)?.finishedVersion ?? 0n,
    );
    this.#open.set(process, { event, finishedVersions });
    if (this.#open.size > 1) this.#overlapped = true;
    const { id } = event.value;
    if (typeof id === 'string' && !this.#ids.has(id)) this.#ids.set(id, 'invoke');
    else if (typeof id === 'string' && !this.#hasJournal) {
      this.#doubted(`the id ${id} occurs twice, in line ${line} again.`);
    }
  }

  #end(event: HistoryEvent, process: string, line: number): void {
    const invoked = this.#open.get(process);
    if (!invoked || invoked.event.f !== event.f || idOf(invoked.event) !== idOf(event)) {
      this.#doubted(`line ${line} ends an operation that was not begun.`);
      return;
    }
    this.#open.delete(process);
    const id = idOf(event);
    // With a journal the same id may be asked again; once it succeeded, it did.
    if (id !== undefined && this.#ids.get(id) !== 'ok') this.#ids.set(id, event.type);
    if (event.type === 'info') this.#unanswered(event, line);
    if (event.type === 'fail' && !this.#hasJournal) {
      this.#found('crashed', line, `${id} was not written`);
    }
    if (event.type !== 'ok') return;
    this.#acknowledged += 1;
    if (!this.#hasJournal) this.#judgePlace(event, line);
    for (const [index, seen] of seenBy(event).entries()) {
      this.#judgeAccount(event, seen, invoked.finishedVersions[index] ?? 0n, line);
    }
  }

  #unanswered(event: HistoryEvent, line: number): void {
    for (const { name } of seenBy(event)) {
      const account = this.#accounts.get(name);
      if (account) account.unanswered += 1;
    }
    if (!this.#hasJournal) this.#doubted(`the operation that ends in line ${line} got no answer.`);
  }

  /** Where a write landed, for the models without a journal. A branch's collection has its name. */
  #judgePlace({ value, collection, matched }: HistoryEvent, line: number): void {
    const [branch = '', account = ''] = String(value['account']).split(/:(.*)/s);
    const amount = historyAmount(value['amount']);
    if (amount === undefined || collection === undefined || matched === undefined) {
      this.#doubted(`line ${line} does not say what was written, and where.`);
      return;
    }
    if (matched === 0 || collection === null) {
      this.#found('lost', line, `${value['id']} of ${branch} matched nothing in ${collection}`);
      return;
    }
    if (collection !== branch) {
      this.#found('misplaced', line, `${value['id']} of ${branch} landed in ${collection}`);
    }
    const place = `${collection}:${account}`;
    this.#due.set(place, (this.#due.get(place) ?? 0n) + amount);
  }

  /** @param finished the account's highest version that was finished when the operation began */
  #judgeAccount(event: HistoryEvent, seen: Seen, finished: bigint, line: number): void {
    if (String(seen.balance ?? '').startsWith('-')) {
      this.#found('negative', line, `${seen.name} has ${seen.balance}`);
    }
    const account = this.#accounts.get(seen.name);
    const version = versionOf(seen.version);
    if (!account || version === undefined) return;
    const what = `${seen.name} has version ${version}`;
    if (event.f !== 'read') {
      this.#judgePosting(String(event.value['id']), version, account, finished, line, what);
    } else if (version < finished) {
      this.#found('stale', line, `${what}, but ${finished} was finished before it was read`);
    }
    if (version > account.finishedVersion) account.finishedVersion = version;
  }

  #judgePosting(
    id: string,
    version: bigint,
    account: AccountHistory,
    finished: bigint,
    line: number,
    what: string,
  ): void {
    const holder = account.postings.get(version);
    // The same id with the same version is a repeated request that found its first result.
    if (holder === id) return;
    const before = account.versions.get(id);
    if (before !== undefined) {
      this.#found('duplicate', line, `${id} was applied as ${before} and ${version}`);
    }
    if (holder !== undefined || version <= finished) {
      this.#found('regressed', line, `${what}, which ${holder ?? 'an earlier posting'} has`);
    }
    account.postings.set(version, id);
    account.versions.set(id, version);
    if (version > account.highestVersion) account.highestVersion = version;
  }

  /** What the journal says of every id. */
  #settle(ids: readonly string[]): void {
    const applied = new Set<string>();
    for (const id of ids) {
      if (applied.has(id)) this.#found('duplicate', null, `${id} is in the journal twice`);
      applied.add(id);
      const ending = this.#ids.get(id);
      if (ending === undefined) this.#found('phantom', null, `${id} was never asked for`);
      if (ending === 'fail') this.#found('phantom', null, `${id} was refused, but is applied`);
    }
    for (const [id, ending] of this.#ids) {
      if (ending === 'ok' && !applied.has(id)) {
        this.#found('lost', null, `${id} was acknowledged, but is not in the journal`);
      }
    }
  }

  #reconcile(balances: Readonly<Record<string, unknown>>): void {
    for (const [place, due] of this.#due) {
      if (historyAmount(balances[place]) !== due) {
        this.#doubted(`the balance of ${place} is not what the writes on record make it.`);
      }
    }
    const strangers = Object.keys(balances).filter((place) => !this.#due.has(place));
    if (strangers.length > 0) this.#doubted(`${strangers[0]} was not there at the start.`);
  }

  /** Versions follow one another; those of unanswered postings may be missing in between. */
  #findGaps(): void {
    for (const [name, account] of this.#accounts) {
      if (account.initialVersion === undefined) continue;
      const counted = account.highestVersion - account.initialVersion;
      const missing = counted - BigInt(account.postings.size);
      if (missing > BigInt(account.unanswered)) {
        this.#found('gap', null, `${name} lacks ${missing} of its versions`);
      }
    }
  }

  #found(anomaly: Anomaly, line: number | null, detail: string): void {
    this.#counts.set(anomaly, (this.#counts.get(anomaly) ?? 0) + 1);
    this.#first ??= { line, anomaly, detail };
  }

  #doubted(doubt: string): void {
    this.#doubt ??= doubt;
  }
}

/** Operations whose effect is judged; any other makes the history undecided. */
const known: ReadonlySet<string> = new Set(['increment', 'transfer', 'read']);

function seenBy({ f, value }: HistoryEvent): readonly Seen[] {
  if (f !== 'transfer') {
    return [
      { name: String(value['account']), version: value['version'], balance: value['balance'] },
    ];
  }
  return ['from', 'to'].map((leg) => ({
    name: String(value[leg]),
    version: value[`${leg}_version`],
    balance: value[`${leg}_balance`],
  }));
}

const zeroes = Object.freeze({
  misplaced: 0,
  lost: 0,
  crashed: 0,
  duplicate: 0,
  phantom: 0,
  negative: 0,
  stale: 0,
  regressed: 0,
  gap: 0,
}) satisfies Record<Anomaly, number>;

function idOf({ value }: HistoryEvent): string | undefined {
  return typeof value['id'] === 'string' ? value['id'] : undefined;
}

function versionOf(value: unknown): bigint | undefined {
  const whole = typeof value === 'number' ? Number.isSafeInteger(value) : /^\d+$/.test(`${value}`);
  return whole && value !== undefined && value !== null ? BigInt(`${value}`) : undefined;
}
