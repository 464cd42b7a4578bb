import { type HistoryEvent, historyAmount, isRecord, versionOf } from '../history/event.ts';
import type { Begun, Findings, SectionRules, Settlement } from './findings.ts';
import {
  type Asked,
  type AskedLeg,
  accountsOf,
  type Ending,
  endings,
  type LedgerAccount,
  noteTold,
  type Seen,
  type SnapshotRead,
  seenBy,
} from './ledger-accounts.ts';
import { settleLedger } from './ledger-settlement.ts';

/**
 * What is judged about a model with a journal. While the history goes on: versions, balances and
 * how stale a read may be. At its end, when the journal is known: everything else, see
 * `settleLedger`. Time is linear in the history; what is remembered is what each id asked for, and
 * the versions of each snapshot.
 *
 * Source: the anomalies are those of Jepsen's bank test and of its set and counter checkers, under
 * bankctl's own names; the versions make each of them decidable at once.
 */
export class LedgerRules implements SectionRules {
  readonly #findings: Findings;
  readonly #accounts: ReadonlyMap<string, LedgerAccount>;
  readonly #asked = new Map<string, Asked>();
  readonly #snapshots: SnapshotRead[] = [];
  #retried = 0;

  constructor(init: HistoryEvent, findings: Findings) {
    this.#findings = findings;
    this.#accounts = accountsOf(init);
  }

  /** An `ok` names the accounts that were posted to. */
  mayChange(field: string, { f, type }: HistoryEvent): boolean {
    return type === 'ok' && f !== 'read' && ['account', 'from', 'to'].includes(field);
  }

  begin(event: HistoryEvent, line: number): Begun {
    if (event.f === 'snapshot') {
      return { finished: [...this.#accounts.values()].map(finishedOf), repeated: false };
    }
    const seen = seenBy(event);
    const finished = seen.map(({ name }) => finishedOf(this.#accounts.get(name)));
    const { id, reverses } = event.value;
    if (typeof id !== 'string') return { finished, repeated: false };
    const legs = seen.map(
      ({ name: account, amount = 0n }, leg): AskedLeg => ({
        account,
        amount,
        finished: finished[leg] ?? 0,
        version: undefined,
        posted: false,
      }),
    );
    const known = this.#asked.get(id);
    if (!known) {
      this.#asked.set(id, {
        begun: line,
        reverses,
        legs,
        ending: 'open',
        unknown: 0,
        misplaced: false,
      });
    } else if (known.reverses !== reverses || !sameRequest(known.legs, legs)) {
      this.#findings.doubted(`line ${line} asks for something else with the id ${id}.`);
    }
    if (known) this.#retried += 1;
    return { finished, repeated: known !== undefined };
  }

  end(event: HistoryEvent, { finished }: Begun, line: number): void {
    if (event.f === 'snapshot') {
      if (event.type === 'ok') this.#judgeSnapshot(event, finished, line);
      return;
    }
    const asked = this.#asked.get(String(event.value['id']));
    if (event.f !== 'read' && asked) this.#endOfAttempt(event, asked);
    if (event.type !== 'ok') return;
    for (const [leg, seen] of seenBy(event).entries()) {
      if (event.f === 'read') this.#judgeRead(seen, finished[leg] ?? 0, line);
      else if (asked)
        this.#judgePosting(String(event.value['id']), asked, asked.legs[leg], seen, line);
    }
  }

  finish(applied: HistoryEvent): Settlement {
    const end = {
      accounts: this.#accounts,
      asked: this.#asked,
      snapshots: this.#snapshots,
      retried: this.#retried,
      applied: applied.value,
    };
    return settleLedger(end, this.#findings);
  }

  #endOfAttempt(event: HistoryEvent, asked: Asked): void {
    const ending = endingOf(event);
    if (endings.indexOf(ending) > endings.indexOf(asked.ending)) asked.ending = ending;
    if (event.type === 'info') asked.unknown += 1;
  }

  #judgeRead({ name, version, balance }: Seen, finished: number, line: number): void {
    const account = this.#accounts.get(name);
    const present = versionOf(version);
    if (!account || present === undefined) {
      this.#findings.doubted(`line ${line} has no version of an account that is known.`);
      return;
    }
    if (present < finished) {
      this.#findings.found(
        'stale',
        line,
        `${name} has version ${present}, but ${finished} was finished before it was read`,
      );
    }
    this.#claim(account, present, balance, line);
    noteTold(account, present, line);
    account.read = Math.max(account.read, present);
  }

  #judgePosting(
    id: string,
    asked: Asked,
    leg: AskedLeg | undefined,
    seen: Seen,
    line: number,
  ): void {
    const findings = this.#findings;
    const account = this.#accounts.get(seen.name);
    const version = versionOf(seen.version);
    if (!leg || !account || version === undefined) {
      findings.doubted(`line ${line} has no version of an account that is known.`);
      return;
    }
    if (leg.account !== seen.name) {
      asked.misplaced = true;
      findings.found('misplaced', line, `${id} of ${leg.account} was posted on ${seen.name}`);
    }
    const holder = account.postings.get(version);
    // The same id with the same version is a repeated request that found its first result.
    if (holder !== id) {
      if (leg.version !== undefined && leg.version !== version) {
        findings.found('duplicate', line, `${id} was applied as ${leg.version} and ${version}`);
      }
      const isOwn = leg.account === seen.name;
      if (holder !== undefined || (isOwn && version <= leg.finished)) {
        const other = holder ?? 'an earlier posting';
        findings.found('regressed', line, `${seen.name} has version ${version}, as ${other} has`);
      }
      if (holder === undefined) account.postings.set(version, id);
      leg.version = version;
    }
    this.#claim(account, version, seen.balance, line);
    account.highest = Math.max(account.highest, version);
    noteTold(account, version, line);
  }

  #claim(account: LedgerAccount, version: number, stated: unknown, line: number): void {
    if (version < account.initialVersion) {
      const what = `${account.name} has version ${version}`;
      this.#findings.found('regressed', line, `${what}, and began with ${account.initialVersion}`);
    }
    const balance = historyAmount(stated);
    if (balance === undefined) {
      this.#findings.doubted(`line ${line} has no balance of ${account.name}.`);
      return;
    }
    if (balance < 0n) this.#findings.found('negative', line, `${account.name} has ${stated}`);
    const first = account.claims.get(version);
    if (!first) account.claims.set(version, { line, version, balance });
    else if (first.balance !== balance) account.disputed.push({ line, version, balance });
  }

  #judgeSnapshot({ value }: HistoryEvent, finished: readonly number[], line: number): void {
    const { balances, versions } = value;
    if (!isRecord(balances) || !isRecord(versions)) {
      this.#findings.doubted(`line ${line} has a snapshot without balances and versions.`);
      return;
    }
    const names = [...this.#accounts.keys()];
    const read = names.map((name) => ({
      name,
      version: versionOf(versions[name]) ?? -1,
      balance: historyAmount(balances[name]),
    }));
    const missing = read.find(({ version, balance }) => version < 0 || balance === undefined);
    const sizes = [balances, versions].map((column) => Object.keys(column).length);
    if (missing || sizes.some((size) => size !== names.length)) {
      const what = missing ? `lacks ${missing.name}` : 'has an account that was not there';
      this.#findings.found('wrong_total', line, `the snapshot ${what}`);
      return;
    }
    const old = read.findIndex(({ version }, place) => version < (finished[place] ?? 0));
    const stale = read[old];
    if (stale) {
      this.#findings.found(
        'stale',
        line,
        `${stale.name} has version ${stale.version}, ` +
          `but ${finished[old]} was finished before the snapshot`,
      );
    }
    for (const { name, version } of read) {
      const account = this.#accounts.get(name);
      if (!account) continue;
      this.#claim(account, version, balances[name], line);
      noteTold(account, version, line);
      account.read = Math.max(account.read, version);
    }
    this.#snapshots.push({
      line,
      versions: read.map(({ version }) => version),
      total: read.reduce((sum, { balance }) => sum + (balance ?? 0n), 0n),
    });
  }
}

function finishedOf(account: LedgerAccount | undefined): number {
  return account?.finished ?? 0;
}

function sameRequest(left: readonly AskedLeg[], right: readonly AskedLeg[]): boolean {
  const text = (legs: readonly AskedLeg[]) =>
    legs.map(({ account, amount }) => `${account} ${amount}`).join();
  return text(left) === text(right);
}

function endingOf({ type, said }: HistoryEvent): Ending {
  if (type === 'invoke') return 'open';
  return type === 'info' && said === 'not_applied' ? 'said' : type;
}
