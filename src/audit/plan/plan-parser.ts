import type { Config } from '../../config/config.ts';
import { placeIn, readStrictYaml, type StrictYaml } from '../../config/strict-yaml.ts';
import { BankctlError } from '../../core/errors.ts';
import { asSentence, count, quote } from '../../core/text.ts';
import { idsOf, type Plan, type PlanEntry } from './plan.ts';
import { toPlanEntry } from './plan-entry.ts';
import { splitPlan, type TextPart } from './plan-lines.ts';
import { type PlanFault, readEntry, readHead, type StoredHead } from './plan-schema.ts';
import { lineInWritten, readWrittenEntry } from './written-entry.ts';

/** A reason for refusing a plan, as a clause, and the line that it is about. */
interface LineFault {
  readonly line: number;
  readonly reason: string;
}

/** Nobody reads more. */
const maxFaults = 10;

/** A plan in another form than audit's is parsed as one document, which takes much memory. */
const maxDocumentLength = 8 * 1024 * 1024;

/**
 * Reads the text of a plan, in YAML or JSON, and checks it as far as that is possible without a
 * database.
 *
 * @param name of the file, for messages
 * @throws `invalid_plan`, with the line of each fault
 */
export function parsePlan(name: string, text: string, config: Config): Plan {
  const faults: LineFault[] = [];
  const { head, entries } = partsOf(name, text);
  const stored = readHead(head.value);
  if (isFaulty(stored)) throw refusal(name, toLines(stored, head, 'the plan'));
  const read: PlanEntry[] = [];
  for (const part of entries) {
    const shaped = readEntry(part.value);
    const entry = isFaulty(shaped) ? shaped : toPlanEntry(shaped, part.line, config);
    if (isFaulty(entry)) faults.push(...toLines(entry, part, 'the entry'));
    else read.push(entry);
  }
  faults.push(...repetitions(read));
  if (faults.length > 0) throw refusal(name, faults);
  return toPlan(stored, read);
}

function toPlan(head: StoredHead, entries: readonly PlanEntry[]): Plan {
  const { database, database_id: databaseId, made, by } = head;
  return { database, databaseId, made, by, entries };
}

function isFaulty<T extends object>(read: T | readonly PlanFault[]): read is readonly PlanFault[] {
  return Array.isArray(read);
}

/** A value of the file, and the line on which each part of it begins. */
interface Part {
  readonly value: unknown;
  readonly line: number;
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** @throws `invalid_plan` if it is not YAML, or has what a plan must not have */
function readPart(name: string, whole: string, { text, line }: TextPart): Part {
  const read = readStrictYaml(text, 'plan');
  if (!('reason' in read)) return toPart(read, text, line);
  const before = line === 1 ? 0 : nthLine(whole, line);
  throw new BankctlError(
    'invalid_plan',
    `${name}, ${placeIn(whole, before + read.offset)}: ${read.reason}.`,
  );
}

function toPart({ value, offsetOf }: StrictYaml, text: string, line: number): Part {
  const lineOf = (path: readonly PropertyKey[]) =>
    line + text.slice(0, offsetOf(path)).split('\n').length - 1;
  return { value, line, lineOf };
}

/** The offset at which a line begins. */
function nthLine(text: string, line: number): number {
  const before = text.split('\n').slice(0, line - 1);
  return before.reduce((length, { length: more }) => length + more + 1, 0);
}

/** The head of a plan, and its entries, each parsed when it is asked for. */
function partsOf(name: string, text: string): { head: Part; entries: Iterable<Part> } {
  const parts = splitPlan(text);
  if (!parts) return wholeDocument(name, text);
  function* entries(list: Iterable<TextPart>): Iterable<Part> {
    for (const part of list) {
      yield writtenEntry(part) ?? oneEntry(readPart(name, text, part));
    }
  }
  const head = readPart(name, text, { text: parts.head, line: 1 });
  return { head, entries: entries(parts.entries) };
}

function writtenEntry({ text, line }: TextPart): Part | undefined {
  const value = readWrittenEntry(text);
  return value === undefined
    ? undefined
    : { value, line, lineOf: (path) => line + lineInWritten(path) };
}

/** The one entry of a list. */
function oneEntry({ value, line, lineOf }: Part): Part {
  const only: unknown = Array.isArray(value) ? value[0] : value;
  return { value: only, line, lineOf: (path) => lineOf([0, ...path]) };
}

/** @throws `invalid_plan` */
function wholeDocument(name: string, text: string) {
  if (text.length > maxDocumentLength) {
    throw new BankctlError(
      'invalid_plan',
      `${name} is too large for a plan that is not in the form in which bankctl audit writes it.`,
    );
  }
  const head = readPart(name, text, { text, line: 1 });
  const list: unknown = Object(head.value)['repairs'] ?? [];
  if (!Array.isArray(list)) {
    throw refusal(name, [{ line: head.lineOf(['repairs']), reason: 'repairs is not a list' }]);
  }
  const entries = list.map((value: unknown, index): Part => {
    const lineOf: Part['lineOf'] = (path) => head.lineOf(['repairs', index, ...path]);
    return { value, line: lineOf([]), lineOf };
  });
  return { head, entries };
}

function toLines(faults: readonly PlanFault[], part: Part, what: string): readonly LineFault[] {
  return faults.map(({ path, reason }) => ({
    line: part.lineOf(path),
    reason: `${keyText(path) || what}${reason}`,
  }));
}

/** `amount of change 2` for `changes.1.amount`. */
function keyText(path: readonly PropertyKey[]): string {
  const [list, index, ...rest] = path.map(String);
  if (list !== 'changes' || index === undefined) return path.map(String).map(shownKey).join('.');
  return [...rest.map(shownKey), `change ${Number(index) + 1}`].join(' of ');
}

/** A key that does not look like one may be anything. */
function shownKey(key: string): string {
  return /^\w{1,64}$/.test(key) ? key : quote(key);
}

/** What two entries have in common although they must not. */
function repetitions(entries: readonly PlanEntry[]): readonly LineFault[] {
  const lines = new Map<string, number>();
  const isNew = (key: string, line: number) => {
    const before = lines.get(key);
    if (before === undefined) lines.set(key, line);
    return before;
  };
  return entries.flatMap((entry) => {
    const { line, id, account } = entry;
    const sameId = idsOf(entry)
      .map((one) => isNew(`id ${one}`, line))
      .find(Boolean);
    const sameAccount = isNew(`account ${account}`, line);
    return [
      ...(sameId === undefined
        ? []
        : [{ line, reason: `the id ${quote(id)} is that of the entry on line ${sameId} too` }]),
      ...(sameAccount === undefined
        ? []
        : [
            {
              line,
              reason: `the account ${quote(account)} has an entry on line ${sameAccount} already`,
            },
          ]),
    ];
  });
}

function refusal(name: string, faults: readonly LineFault[]): BankctlError {
  const shown = faults
    .slice(0, maxFaults)
    .map(({ line, reason }) => `line ${line}: ${reason}`)
    .join('; ');
  const more = faults.length - maxFaults;
  return new BankctlError(
    'invalid_plan',
    asSentence(`${name}, ${shown}${more > 0 ? `; and ${count(more, 'more fault')}` : ''}`),
  );
}
