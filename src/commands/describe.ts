import { findingTable } from '../audit/finding.ts';
import { isRetryable } from '../core/error-json.ts';
import { errorTable } from '../core/errors.ts';
import { noticeTable } from '../core/notices.ts';
import { bankctlVersion } from '../core/version.ts';
import type { ArgumentSpec, Command, OptionSpec, SampleFile } from './command.ts';
import { errorSchema, noticeSchema } from './error-schema.ts';
import { type ExitStatus, environment, exitStatuses } from './exit-statuses.ts';
import { globalOptions } from './global-options.ts';
import { longFlag, placeholderOf, shortFlag, shortUsageOf, usageOf } from './option-flags.ts';
import { meaningOf } from './placeholders.ts';
import {
  anyObject,
  flag,
  listOf,
  mapOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  type ResultForm,
  type Schema,
  text,
  wholeNumber,
} from './result-schema.ts';

interface DescribedArgument {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  /** True if it may be repeated. */
  readonly variadic: boolean;
  /** What it stands for, such as a branch: see `placeholders`. */
  readonly stands_for: string;
  readonly choices: readonly string[] | null;
}

interface DescribedOption {
  readonly name: string;
  readonly short: string | null;
  readonly summary: string;
  /** The name of its value in the help; null for a switch. */
  readonly value: string | null;
  readonly stands_for: string | null;
  readonly choices: readonly string[] | null;
  readonly default: string | null;
  /** True if it may be given several times. */
  readonly repeatable: boolean;
}

interface DescribedCommand {
  readonly name: string;
  readonly summary: string;
  readonly description: string | null;
  readonly usage: string;
  /** The usage with BRANCH:ACCOUNT as one word; null if there is no such way. */
  readonly short_usage: string | null;
  readonly arguments: readonly DescribedArgument[];
  readonly options: readonly DescribedOption[];
  readonly examples: readonly string[];
  readonly samples: readonly SampleFile[];
  readonly results: readonly ResultForm[];
}

interface DescribedError {
  readonly code: string;
  readonly status: number;
  readonly meaning: string;
  readonly hint: string;
  readonly retryable: boolean;
}

interface Coded {
  readonly code: string;
  readonly meaning: string;
}

/** What `describe` prints. */
interface Description {
  readonly name: string;
  readonly version: string;
  /** The options of every command. */
  readonly options: readonly DescribedOption[];
  readonly commands: readonly DescribedCommand[];
  readonly environment: Readonly<Record<string, string>>;
  readonly statuses: readonly ExitStatus[];
  readonly errors: readonly DescribedError[];
  readonly findings: readonly Coded[];
  readonly notices: readonly Coded[];
  /** Of a line on stderr, with JSON. */
  readonly error_schema: Schema;
  readonly notice_schema: Schema;
}

const option = objectOf<DescribedOption>({
  ...{ name: text, short: nullable(text), summary: text, value: nullable(text) },
  ...{ stands_for: nullable(text), choices: nullable(listOf(text)), default: nullable(text) },
  repeatable: flag,
});

const command = objectOf<DescribedCommand>({
  ...{ name: text, summary: text, description: nullable(text) },
  ...{ usage: text, short_usage: nullable(text) },
  arguments: listOf(
    objectOf<DescribedArgument>({
      ...{ name: text, summary: text, required: flag, variadic: flag, stands_for: text },
      choices: nullable(listOf(text)),
    }),
  ),
  ...{ options: listOf(option), examples: listOf(text) },
  samples: listOf(objectOf<SampleFile>({ name: text, text })),
  results: listOf(objectOf<ResultForm>({ when: optional(text), list: flag, schema: anyObject })),
});

const description = objectOf<Description>({
  ...{ name: text, version: text, options: listOf(option), commands: listOf(command) },
  environment: mapOf(text),
  statuses: listOf(objectOf<ExitStatus>({ status: wholeNumber, meaning: text })),
  errors: listOf(
    objectOf<DescribedError>({
      ...{ code: text, status: wholeNumber, meaning: text, hint: text, retryable: flag },
    }),
  ),
  findings: listOf(objectOf<Coded>({ code: text, meaning: text })),
  notices: listOf(objectOf<Coded>({ code: text, meaning: text })),
  ...{ error_schema: anyObject, notice_schema: anyObject },
});

/**
 * The command that describes all of them, itself too.
 *
 * @param commands called when it runs: the list that holds it cannot be imported here
 */
export function describeCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'describe',
    summary: 'print all commands, their results and the error codes, for programs',
    description: [
      'Prints one JSON object: each command with its arguments, options and examples, and a',
      'JSON Schema of each result (of an item, if it is a list); the exit statuses; the error',
      'codes, and whether the same command may succeed later; and the codes of the notices that',
      'stderr has with --json. Needs neither config nor database.',
    ].join('\n'),
    arguments: [],
    options: [],
    examples: ['bankctl describe', "bankctl describe | jq '.commands[].name'"],
    results: [oneOf(description)],
    run: async () => {
      const data = describeAll(commands());
      const rows = JSON.stringify(data, null, 2)
        .split('\n')
        .map((line) => [line]);
      const view = { layout: 'text', columns: [{ name: 'json' }], rows } as const;
      return { kind: 'single', data, view };
    },
  };
}

function describeAll(commands: readonly Command[]): Description {
  return {
    name: 'bankctl',
    version: bankctlVersion(),
    options: globalOptions.map(describeOption),
    commands: commands.map(describeOne),
    environment,
    statuses: exitStatuses,
    errors: Object.entries(errorTable).map(([code, { status, meaning, hint }]) => ({
      ...{ code, status, meaning, hint, retryable: isRetryable(code) },
    })),
    findings: Object.entries(findingTable).map(([code, { meaning }]) => ({ code, meaning })),
    notices: Object.entries(noticeTable).map(([code, meaning]) => ({ code, meaning })),
    error_schema: errorSchema,
    notice_schema: noticeSchema,
  };
}

function describeOne(of: Command): DescribedCommand {
  return {
    ...{ name: of.name, summary: of.summary, description: of.description ?? null },
    ...{ usage: usageOf(of), short_usage: shortUsageOf(of) ?? null },
    arguments: of.arguments.map(describeArgument),
    options: of.options.map(describeOption),
    ...{ examples: of.examples, samples: of.samples ?? [], results: of.results },
  };
}

function describeArgument({ name, summary, choices, ...spec }: ArgumentSpec): DescribedArgument {
  return {
    ...{ name, summary, required: spec.optional !== true, variadic: spec.variadic === true },
    ...{ stands_for: meaningOf(name), choices: choices ?? null },
  };
}

function describeOption(spec: OptionSpec): DescribedOption {
  const value = placeholderOf(spec);
  return {
    ...{ name: longFlag(spec), short: shortFlag(spec) ?? null, summary: spec.summary },
    value: value ?? null,
    stands_for: value === undefined ? null : meaningOf(value),
    ...{ choices: spec.choices ?? null, default: spec.defaultValue ?? null },
    repeatable: spec.repeatable === true,
  };
}
