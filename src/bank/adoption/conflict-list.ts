import { count, quote, sentence } from '../../core/text.ts';
import type { Conflict, ConflictCode } from './verdict.ts';

/** What is left alone, and why; keys as in the JSON result. */
export interface ConflictRow {
  readonly branch: string;
  readonly code: ConflictCode;
  /** Null if no account number can be read, or if it sums up what is not listed. */
  readonly account: string | null;
  readonly documents: number;
  /** One sentence for people. */
  readonly detail: string;
}

/** How many accounts are listed for each code; the documents of the others are summed up. */
const maxListed = 100;

/** How many documents of one account are named. */
const maxNamed = 5;

/** Some documents with the same trouble. */
interface Group {
  documents: number;
  readonly ids: string[];
  readonly reason: string;
}

/** Collects conflicts in bounded memory: the first accounts of each code, and sums of the rest. */
export class ConflictList {
  readonly #branch: string;
  readonly #listed = new Map<ConflictCode, Map<string, Group>>();
  readonly #summed = new Map<string, Group & Pick<Conflict, 'code'>>();
  #documents = 0;

  constructor(branch: string) {
    this.#branch = branch;
  }

  /** How many documents are in conflict. */
  get documents(): number {
    return this.#documents;
  }

  add({ code, account, reason }: Conflict, id: unknown): void {
    this.#documents += 1;
    const listed = this.#listed.get(code) ?? new Map<string, Group>();
    this.#listed.set(code, listed);
    const known = account === undefined ? undefined : listed.get(account);
    const place = account === undefined ? 'nameless' : 'more';
    if (known) addTo(known, id);
    else if (account !== undefined && listed.size < maxListed) {
      listed.set(account, { documents: 1, ids: [idText(id)], reason });
    } else {
      const sum = this.#summed.get(`${place} ${code}`);
      if (sum) addTo(sum, id);
      else {
        const group = { code, documents: 1, ids: [idText(id)], reason };
        this.#summed.set(`${place} ${code}`, group);
      }
    }
  }

  /** In the order of codes and accounts; what is summed up comes last. */
  rows(): readonly ConflictRow[] {
    const branch = this.#branch;
    const listed = [...this.#listed].flatMap(([code, groups]) =>
      [...groups].map(([account, group]): ConflictRow => {
        const detail = sentence(detailOf(code, account, group));
        return { branch, code, account, documents: group.documents, detail };
      }),
    );
    const byCode = (left: ConflictRow, right: ConflictRow) =>
      compare(left.code, right.code) || compare(left.account ?? '', right.account ?? '');
    const summed = [...this.#summed].map(([place, group]): ConflictRow => {
      const { code, documents } = group;
      const isNameless = place.startsWith('nameless');
      return { branch, code, account: null, documents, detail: sumDetail(group, isNameless) };
    });
    return [...listed.sort(byCode), ...summed.sort(byCode)];
  }
}

function addTo(group: Group, id: unknown): void {
  group.documents += 1;
  if (group.ids.length < maxNamed) group.ids.push(idText(id));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function detailOf(code: ConflictCode, account: string, { documents, ids, reason }: Group): string {
  const [first = ''] = ids;
  if (code !== 'duplicate_account')
    return `the document of ${quote(account)} (_id ${first}) ${reason}`;
  const named = ids.join(', ') + (documents > ids.length ? ', …' : '');
  return `${count(documents, 'document')} with the number ${quote(account)}: _id ${named}`;
}

function sumDetail({ documents, ids, reason }: Group, isNameless: boolean): string {
  const [first = ''] = ids;
  if (documents === 1) return sentence(`the document with _id ${first} ${reason}`);
  const what = isNameless ? 'cannot be taken for accounts' : 'more are in the same state';
  const example = `the one with _id ${first}, for example, ${reason}`;
  return sentence(`${documents} ${isNameless ? 'documents ' : ''}${what}: ${example}`);
}

/** An `_id` as a message shows it. */
function idText(id: unknown): string {
  if (typeof id === 'string') return quote(id);
  const isPlain = Object(id) === id && Object.getPrototypeOf(id) === Object.prototype;
  return isPlain ? quote(JSON.stringify(id)) : String(id);
}
