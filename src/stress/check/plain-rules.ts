import { count } from '../../core/text.ts';
import { type HistoryEvent, historyAmount, isRecord, printAmount } from '../history/event.ts';
import type { Begun, BranchMoney, Findings, SectionRules, Settlement } from './findings.ts';
import { IdSet } from './ids.ts';
import { wrongOf } from './increment.ts';

const nothingFinished: Begun = Object.freeze({ finished: [], repeated: false });

/** An account of the first line. */
interface PlainAccount {
  readonly branch: string;
  /** Its number, without the branch. */
  readonly number: string;
  /** In millionths: what callers were told it holds, and what the writes on record add up to. */
  expected: bigint;
  landed: bigint;
}

/**
 * What is judged about models without a journal: where each write was sent and what it matched
 * there. The balances read back must then be what the writes on record add up to.
 */
export class PlainRules implements SectionRules {
  readonly #findings: Findings;
  readonly #accounts = new Map<string, PlainAccount>();
  readonly #ids = new IdSet();
  /** Branches that had an operation that was acknowledged. */
  readonly #served = new Set<string>();
  #unanswered = 0;
  #unseen = 0;

  constructor(init: HistoryEvent, findings: Findings) {
    this.#findings = findings;
    const { accounts } = init.value;
    for (const [name, account] of Object.entries(isRecord(accounts) ? accounts : {})) {
      const balance = historyAmount(isRecord(account) ? account['balance'] : undefined) ?? 0n;
      const branch = name.slice(0, name.indexOf(':'));
      const number = name.slice(branch.length + 1);
      this.#accounts.set(name, { branch, number, expected: balance, landed: balance });
    }
  }

  mayChange(): boolean {
    return false;
  }

  begin({ f, value }: HistoryEvent, line: number): Begun {
    if (f !== 'increment') {
      this.#findings.doubted(`line ${line} has ${f}, which is not judged of a plain model.`);
      return nothingFinished;
    }
    const account = String(value['account']);
    if (!this.#accounts.has(account)) {
      this.#findings.doubted(`line ${line} is about ${account}, which was not there at the start.`);
    }
    const id = String(value['id']);
    if (!this.#ids.add(id)) {
      this.#findings.doubted(`the id ${id} occurs twice, in line ${line} again.`);
    }
    return nothingFinished;
  }

  end(event: HistoryEvent, _begun: Begun, line: number): void {
    if (event.type === 'ok') this.#judgePlace(event, line);
    if (event.type === 'fail') {
      this.#findings.found('crashed', line, `${event.value['id']} was not written`);
    }
    if (event.type === 'info') this.#unanswered += 1;
  }

  finish({ value }: HistoryEvent): Settlement {
    const findings = this.#findings;
    if (this.#unanswered > 0) {
      const what = count(this.#unanswered, 'operation');
      findings.doubted(`${what} got no answer, so it is not known what was done.`);
    }
    if (this.#unseen > 0) {
      const what = 'acknowledged operations were not seen to write to the database.';
      findings.doubted(`${this.#unseen} ${what}`);
    }
    if (this.#served.size < 2) {
      const what = 'operations succeeded for one branch only';
      findings.unproved(`${what}, so no write could go to a wrong one.`);
    }
    const { balances } = value;
    if (isRecord(balances)) this.#reconcile(balances);
    else findings.doubted('its last line has no balances.');
    return { branches: isRecord(balances) ? this.#branchMoney(balances) : [] };
  }

  /** A branch's collection has its name. */
  #judgePlace({ type, value, collection, matched }: HistoryEvent, line: number): void {
    const findings = this.#findings;
    const meant = this.#accounts.get(String(value['account']));
    const amount = historyAmount(value['amount']);
    if (amount === undefined || collection === undefined || !(matched === 0 || matched === 1)) {
      findings.doubted(`line ${line} does not say what was written, and where.`);
      return;
    }
    // It was already doubted when it began.
    if (!meant) return;
    const { branch } = meant;
    meant.expected += amount;
    this.#served.add(branch);
    if (collection === null) this.#unseen += 1;
    const wrong = wrongOf({ type, landed: collection, matched }, branch);
    if (wrong) {
      const went = matched === 0 ? 'matched nothing in' : 'landed in';
      const what = collection === null ? 'was not seen to be written' : `${went} ${collection}`;
      findings.found(wrong, line, `${value['id']} of ${branch} ${what}`);
    }
    if (matched === 0 || collection === null) return;
    const place = `${collection}:${meant.number}`;
    const landed = wrong ? this.#accounts.get(place) : meant;
    if (landed) landed.landed += amount;
    else findings.doubted(`line ${line} wrote to ${place}, which was not there at the start.`);
  }

  #reconcile(balances: Readonly<Record<string, unknown>>): void {
    const findings = this.#findings;
    for (const [name, { landed }] of this.#accounts) {
      const stored = historyAmount(balances[name]);
      if (balances[name] === undefined) findings.doubted(`the account ${name} is gone.`);
      else if (stored !== landed) {
        const held = stored === undefined ? 'no amount' : printAmount(stored);
        const due = `but the writes on record make it ${printAmount(landed)}.`;
        findings.doubted(`the account ${name} holds ${held}, ${due}`);
      }
    }
    const strangers = Object.keys(balances).filter((place) => !this.#accounts.has(place));
    if (strangers.length > 0) {
      const what = 'of the accounts read back were not there at the start';
      findings.doubted(`${strangers.length} ${what}, such as ${strangers[0]}.`);
    }
  }

  /** What was acknowledged for each branch, and what its collection holds. */
  #branchMoney(balances: Readonly<Record<string, unknown>>): readonly BranchMoney[] {
    const branches = new Map<string, { expected: bigint; actual: bigint }>();
    for (const { branch, expected } of this.#accounts.values()) {
      const sums = branches.get(branch) ?? { expected: 0n, actual: 0n };
      branches.set(branch, sums);
      sums.expected += expected;
    }
    for (const [place, balance] of Object.entries(balances)) {
      const sums = branches.get(place.slice(0, place.indexOf(':')));
      if (sums) sums.actual += historyAmount(balance) ?? 0n;
    }
    return [...branches].map(([branch, { expected, actual }]) => ({
      branch,
      expected: printAmount(expected),
      actual: printAmount(actual),
    }));
  }
}
