import * as z from 'zod';
import { nearest } from '../../core/near-names.ts';
import { quote } from '../../core/text.ts';
import { type FindingCode, findingTable } from '../finding.ts';

const text = z.string('is missing or not text in quotes').min(1, 'is empty');

/** A number would lose digits, and 0042 would be another account. */
const amount = z
  .string('must be text in quotes, so that no digit is lost')
  .regex(/^-?\d+(\.\d+)?$/, 'is not an amount of money');

const change = z.strictObject(
  {
    branch: text,
    amount,
    balance: amount,
    version: z.int('is not a whole number').min(1, 'is not 1 or more'),
    outside: amount.optional(),
  },
  { error: wrongShape('a change, such as { branch: "branch1", amount: "5.00", … }') },
);

const finding = z.custom<FindingCode>(
  (code) => typeof code === 'string' && Object.hasOwn(findingTable, code),
  'is not a finding of bankctl audit',
);

const entry = z.strictObject(
  {
    id: text,
    findings: z.array(finding, 'is not a list of findings').min(1, 'is empty'),
    account: text,
    why: text,
    changes: z.array(change, 'is not a list of changes').min(1, 'is empty'),
  },
  { error: wrongShape('an entry with id, findings, account, why and changes') },
);

const head = z.strictObject(
  {
    plan: z.literal(1, 'is not 1, the only kind of plan that this version knows'),
    database: text,
    database_id: text,
    made: text,
    by: text,
    repairs: z.custom<unknown>((list) => list !== undefined, 'is missing'),
  },
  { error: wrongShape('the head of a plan') },
);

/** The fields of a plan besides its entries. */
export type StoredHead = z.output<typeof head>;
/** An entry as it is written. */
export type StoredEntry = z.output<typeof entry>;

/** A reason for refusing a value, and the path of keys to it. */
export interface PlanFault {
  readonly path: readonly PropertyKey[];
  /** What follows the name of the value: ` is empty`. */
  readonly reason: string;
}

/** The head of a plan, or every reason for refusing it. */
export function readHead(value: unknown): StoredHead | readonly PlanFault[] {
  const parsed = head.safeParse(value);
  return parsed.success
    ? parsed.data
    : parsed.error.issues.flatMap((issue) => toFaults(issue, value));
}

/** An entry, or every reason for refusing it. */
export function readEntry(value: unknown): StoredEntry | readonly PlanFault[] {
  const parsed = entry.safeParse(value);
  return parsed.success
    ? parsed.data
    : parsed.error.issues.flatMap((issue) => toFaults(issue, value));
}

function wrongShape(what: string): z.core.$ZodErrorMap {
  return ({ code }) => (code === 'invalid_type' ? `is not ${what}` : undefined);
}

/** The keys of each mapping, by the key that holds it. */
const shapes: Readonly<Record<string, readonly string[]>> = {
  head: Object.keys(head.shape),
  entry: Object.keys(entry.shape),
  changes: Object.keys(change.shape),
};

function toFaults(issue: z.core.$ZodIssue, value: unknown): readonly PlanFault[] {
  const { path, message } = issue;
  if (issue.code !== 'unrecognized_keys') {
    const found = valueAt(value, path);
    const shown = typeof found === 'string' && found !== '' ? `, ${quote(found)},` : '';
    return [{ path, reason: `${shown} ${message}` }];
  }
  return issue.keys.map((key) => {
    const known = shapes[String(path.at(-2) ?? 'entry')] ?? [];
    const meant = nearest(key, known);
    const but = meant === undefined ? '' : `; did you mean ${meant}?`;
    return { path: [...path, key], reason: ` is a key that no plan has${but}` };
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => Object(inner)[key], value);
}
