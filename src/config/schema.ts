import * as z from 'zod';
import { BankctlError } from '../core/errors.ts';
import { type Currency, parseAmount } from '../core/money.ts';
import { nearest } from '../core/near-names.ts';
import { hasPassword } from '../core/redaction.ts';
import { isPrintable } from '../core/text.ts';
import { isTimeZone } from '../core/time.ts';
import { untrustedOption } from '../core/uri-options.ts';
import {
  type BranchConfig,
  builtInConfig,
  type Config,
  databaseNameProblem,
  identityCollection,
} from './config.ts';
import { currencyDigits } from './currencies.ts';

/** A namespace, `database.collection`, has at most 255 bytes. Source: MongoDB manual, "Limits". */
const namespaceBytes = 255;

const databaseName = z
  .string()
  .superRefine((name, { addIssue }) => {
    const problem = databaseNameProblem(name);
    if (problem !== undefined) addIssue(problem);
  })
  .meta({
    description: 'Database that holds the branches and the journal',
    minLength: 1,
    maxLength: 63,
    default: builtInConfig.database,
  });

const collectionName = z
  .string()
  .min(1, 'is empty')
  .refine((name) => !name.includes('$'), 'has a $, which MongoDB does not allow')
  .refine((name) => !name.includes('\0'), 'has a null byte')
  .refine(isPrintable, 'has a character that cannot be printed')
  .refine((name) => !name.startsWith('system.'), "begins with system., which is MongoDB's own")
  .refine((name) => name !== identityCollection, 'is where bankctl records which branch owns what')
  .refine((name) => !/^\.|\.\.|\.$/.test(name), 'has a dot where MongoDB does not allow one');

const branchName = z
  .string()
  .min(1, 'is empty')
  .max(64, 'is longer than 64 characters')
  .refine((name) => !name.includes(':'), 'has a colon, which separates a branch from an account')
  .refine((name) => !/\s/u.test(name), 'has white space')
  .refine(isPrintable, 'has a character that cannot be printed');

const currencyCode = z
  .string()
  .refine((code) => currencyDigits(code) !== undefined, 'is not an ISO 4217 currency code')
  .describe('ISO 4217 code; its minor digits limit every amount');

const amount = z
  .string('must be text, in quotes, so that no digit is lost')
  .regex(/^-?\d+(\.\d+)?$/, 'is not an amount of money');

const timezone = z
  .string()
  .refine(isTimeZone, { error: ({ input }) => unknownZone(String(input)) })
  .describe('IANA time zone of reports: a bare date is that whole day, and people see its times');

const branch = z
  .strictObject({
    collection: collectionName.describe('The one collection that this branch owns'),
    title: z.string().refine(isPrintable, 'cannot be printed').optional().describe('For people'),
    currency: currencyCode.optional(),
    minBalance: amount
      .optional()
      .describe('Lowest balance an account may have, in quotes; "0" if left out'),
    storage: z
      .enum(['decimal', 'double'], 'is neither decimal nor double')
      .default('decimal')
      .describe('How balances are stored; double lets old programs go on beside bankctl'),
  })
  .describe('A branch');

/** The schema that validates the config file, and from which its JSON Schema is generated. */
const configFile = z
  .strictObject({
    $schema: z.string().optional().describe('Where an editor finds this schema'),
    database: databaseName.optional(),
    currency: currencyCode.default('USD'),
    journal: z
      .union([collectionName, z.literal(false)], 'is neither a collection name nor false')
      .default('journal')
      .describe('Collection of applied operations; false does without transactions and history'),
    timezone: timezone.default('UTC'),
    uri: z.string().optional().describe('MongoDB deployment, without a password'),
    branches: z
      .record(branchName, branch)
      .refine((branches) => Object.keys(branches).length > 0, 'is empty: a bank needs a branch')
      .describe('Branch names and what they own'),
  })
  .describe('bankctl config file');

type ConfigFile = z.output<typeof configFile>;

/** One reason for refusing a config: which key, and why. */
interface ConfigProblem {
  /** Keys from the top, such as `branches.branch1.collection`. */
  readonly key: string;
  readonly reason: string;
}

/**
 * Makes the frozen config from a parsed file.
 *
 * @returns the config, or every reason for refusing it
 */
export function validateConfig(source: string, value: unknown): Config | readonly ConfigProblem[] {
  // A record of the schema library silently drops this key.
  if (Object.hasOwn(Object(Object(value).branches), '__proto__')) {
    return [{ key: 'branches.__proto__', reason: 'cannot be a name' }];
  }
  const keys = Object.keys(Object(value));
  // Not even its keys are shown: it may be any file.
  if (keys.length > 0 && !Array.isArray(value) && !keys.some((key) => key in configFile.shape)) {
    return [{ key: 'the file', reason: 'has none of the keys of a config, such as branches' }];
  }
  const parsed = configFile.safeParse(value ?? {});
  if (!parsed.success) return parsed.error.issues.flatMap(toProblems);
  const file = parsed.data;
  const branches = Object.entries(file.branches).map(([name, entry]) =>
    toBranch(name, entry, file.currency),
  );
  const made = branches.filter(isBranch);
  const problems = [
    ...branches.filter(isProblem),
    ...collectionProblems(file, made),
    ...storageProblems(file, made),
    ...uriProblems(file.uri),
  ];
  if (problems.length > 0) return problems;
  return Object.freeze({
    source,
    database: file.database ?? builtInConfig.database,
    databaseGiven: file.database !== undefined,
    journal: file.journal,
    timezone: file.timezone,
    uri: file.uri,
    branches: Object.freeze(made),
  });
}

function toBranch(
  name: string,
  entry: ConfigFile['branches'][string],
  defaultCurrency: string,
): BranchConfig | ConfigProblem {
  const code = entry.currency ?? defaultCurrency;
  const currency: Currency = Object.freeze({ code, digits: currencyDigits(code) ?? 0 });
  try {
    return Object.freeze({
      name: name.normalize('NFC'),
      collection: entry.collection,
      title: entry.title,
      currency,
      minBalanceMinor: parseAmount(entry.minBalance ?? '0', currency),
      storage: entry.storage,
    });
  } catch (error) {
    if (!(error instanceof BankctlError)) throw error;
    return {
      key: `branches.${name}.minBalance`,
      reason: `cannot be used: ${error.message.replace(/\.$/, '')}`,
    };
  }
}

function isBranch(entry: BranchConfig | ConfigProblem): entry is BranchConfig {
  return 'collection' in entry;
}

function isProblem(entry: BranchConfig | ConfigProblem): entry is ConfigProblem {
  return !isBranch(entry);
}

function collectionProblems(
  file: ConfigFile,
  branches: readonly BranchConfig[],
): readonly ConfigProblem[] {
  const owners = new Map<string, string>();
  const names = new Set<string>();
  if (file.journal !== false) owners.set(file.journal, 'the journal');
  const problems: ConfigProblem[] = [];
  for (const { name, collection } of branches) {
    const key = `branches.${name}.collection`;
    const owner = owners.get(collection);
    if (owner)
      problems.push({ key, reason: `is ${collection}, which already belongs to ${owner}` });
    owners.set(collection, `branch ${name}`);
    if (names.has(name)) problems.push({ key: `branches.${name}`, reason: 'appears twice' });
    names.add(name);
    if (
      Buffer.byteLength(`${file.database ?? builtInConfig.database}.${collection}`) > namespaceBytes
    ) {
      problems.push({ key, reason: `is longer than MongoDB's ${namespaceBytes} bytes` });
    }
  }
  return problems;
}

/** Doubles drift, and only the journal knows the amounts that they are sums of. */
function storageProblems(
  { journal }: ConfigFile,
  branches: readonly BranchConfig[],
): readonly ConfigProblem[] {
  if (journal !== false) return [];
  return branches
    .filter(({ storage }) => storage === 'double')
    .map(({ name }) => ({
      key: `branches.${name}.storage`,
      reason: 'is double, which needs the journal, but journal is false',
    }));
}

/** A password in a file that is committed and copied around is no longer a secret. */
function uriProblems(uri: string | undefined): readonly ConfigProblem[] {
  if (uri === undefined) return [];
  if (!/^mongodb(\+srv)?:\/\//.test(uri)) {
    return [{ key: 'uri', reason: 'does not begin with mongodb:// or mongodb+srv://' }];
  }
  const elsewhere = 'put the URI in BANKCTL_URI or use --uri-file';
  if (hasPassword(uri)) return [{ key: 'uri', reason: `has a password; ${elsewhere}` }];
  const option = untrustedOption(uri);
  if (option === undefined) return [];
  return [
    { key: 'uri', reason: `has the option ${option}, which no config may set; ${elsewhere}` },
  ];
}

/** One issue of the schema library as problems; an unknown key is a problem of its own. */
function toProblems(issue: z.core.$ZodIssue): readonly ConfigProblem[] {
  const path = issue.path.map((part) => brief(String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .map(brief)
      .map((name) => ({ key: [...path, name].join('.'), reason: unknownKey(name, path) }));
  }
  const key = path.join('.') || 'the file';
  if (issue.code === 'invalid_key') {
    return [{ key, reason: issue.issues[0]?.message ?? issue.message }];
  }
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    return [{ key, reason: `is missing or not ${nameType(issue.expected)}` }];
  }
  return [{ key, reason: issue.message }];
}

/** @param path keys of the mapping that has it; empty at the top */
function unknownKey(name: string, path: readonly string[]): string {
  const meant = nearest(name, Object.keys((path.length === 0 ? configFile : branch).shape));
  return meant === undefined ? 'is unknown' : `is unknown; did you mean ${meant}?`;
}

function unknownZone(name: string): string {
  const meant = nearest(name, ['UTC', ...Intl.supportedValuesOf('timeZone')]);
  const reason = 'is not a time zone of the IANA database, such as Europe/Paris';
  return meant === undefined ? reason : `${reason}; did you mean ${meant}?`;
}

/** A key may be as long as its line. */
function brief(key: string): string {
  return key.length > 64 ? `${key.slice(0, 61)}...` : key;
}

function nameType(expected: string): string {
  if (expected === 'string') return 'text';
  return `a ${expected === 'record' || expected === 'object' ? 'mapping' : expected}`;
}

/** The JSON Schema that ships as `schema/bankctl.config.schema.json`. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(configFile, { io: 'input', target: 'draft-7' });
}
