import type { HistoryEvent } from './history-event.ts';
import type { Findings } from './history-findings.ts';
import type { Begun, SectionJudgement, SectionRules } from './history-section.ts';
import { historyAmount, isRecord } from './history-values.ts';

const nothingFinished: Begun = Object.freeze({ finished: [], repeated: false });

/**
 * What is judged of the models without a journal: where each write was sent and what it matched
 * there. The balances read back must then be those that the writes on record make.
 */
export class PlainRules implements SectionRules {
  readonly #findings: Findings;
  /** What must be in each collection at the end. */
  readonly #due = new Map<string, bigint>();
  readonly #ids = new Set<string>();

  constructor(init: HistoryEvent, findings: Findings) {
    this.#findings = findings;
    const { accounts } = init.value;
    for (const [name, account] of Object.entries(isRecord(accounts) ? accounts : {})) {
      const balance = isRecord(account) ? account['balance'] : undefined;
      this.#due.set(name, historyAmount(balance) ?? 0n);
    }
  }

  mayChange(): boolean {
    return false;
  }

  begin({ f, value }: HistoryEvent, line: number): Begun {
    const id = String(value['id']);
    if (f !== 'increment') {
      this.#findings.doubted(`line ${line} has ${f}, which is not judged of a plain model.`);
      return nothingFinished;
    }
    const account = String(value['account']);
    if (!this.#due.has(account)) {
      this.#findings.doubted(`line ${line} is about ${account}, which was not there at the start.`);
    }
    if (this.#ids.has(id)) {
      this.#findings.doubted(`the id ${id} occurs twice, in line ${line} again.`);
    }
    this.#ids.add(id);
    return nothingFinished;
  }

  end(event: HistoryEvent, _begun: Begun, line: number): void {
    if (event.type === 'ok') this.#judgePlace(event, line);
    if (event.type === 'fail') {
      this.#findings.found('crashed', line, `${event.value['id']} was not written`);
    }
    if (event.type === 'info') {
      this.#findings.doubted(`the operation that ends in line ${line} got no answer.`);
    }
  }

  finish({ value }: HistoryEvent): Partial<SectionJudgement> {
    const { balances } = value;
    if (isRecord(balances)) this.#reconcile(balances);
    else this.#findings.doubted('its last line has no balances.');
    return {};
  }

  /** A branch's collection has its name. */
  #judgePlace({ value, collection, matched }: HistoryEvent, line: number): void {
    const findings = this.#findings;
    const [branch = '', account = ''] = String(value['account']).split(/:(.*)/s);
    const amount = historyAmount(value['amount']);
    if (amount === undefined || collection === undefined || !(matched === 0 || matched === 1)) {
      findings.doubted(`line ${line} does not say what was written, and where.`);
      return;
    }
    if (matched === 0 || collection === null) {
      findings.found('lost', line, `${value['id']} of ${branch} matched nothing in ${collection}`);
      return;
    }
    if (collection !== branch) {
      findings.found('misplaced', line, `${value['id']} of ${branch} landed in ${collection}`);
    }
    const place = `${collection}:${account}`;
    const before = this.#due.get(place);
    if (before !== undefined) this.#due.set(place, before + amount);
    else findings.doubted(`line ${line} wrote to ${place}, which was not there at the start.`);
  }

  #reconcile(balances: Readonly<Record<string, unknown>>): void {
    for (const [place, due] of this.#due) {
      if (historyAmount(balances[place]) !== due) {
        this.#findings.doubted(`the balance of ${place} is not what the writes on record make it.`);
      }
    }
    const strangers = Object.keys(balances).filter((place) => !this.#due.has(place));
    if (strangers.length > 0) {
      this.#findings.doubted(`${strangers[0]} was not there at the start.`);
    }
  }
}
