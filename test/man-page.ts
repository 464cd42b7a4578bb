import type { ArgumentSpec, Command, OptionSpec } from '../src/commands/command.ts';
import { environment, exitStatuses } from '../src/commands/exit-statuses.ts';
import { globalOptions } from '../src/commands/global-options.ts';
import { commands } from '../src/commands/index.ts';
import { shortUsageOf, usageOf } from '../src/commands/option-flags.ts';
import { configFileNames } from '../src/config/search.ts';

/**
 * The manual page, in the macros of man(7), from the same list of commands as the help.
 *
 * @param version as in package.json
 */
export function manPage(version: string): string {
  return [
    `.TH BANKCTL 1 "" "bankctl ${version}" "User Commands"`,
    ...['.SH NAME', 'bankctl \\- administer bank accounts kept in MongoDB'],
    ...['.SH SYNOPSIS', '.B bankctl', '.RI [ options ]', '.I command', '.RI [ arguments ]'],
    '.SH DESCRIPTION',
    'Each branch of the bank has one collection of its own.',
    ...paragraph(
      'Results go to the standard output, everything else to the standard error. With no config ' +
        'and no URI, bankctl uses a local database of its own.',
    ),
    ...['.SH OPTIONS', 'Every command takes these.', ...globalOptions.flatMap(optionLines)],
    ...['.SH COMMANDS', ...commands.flatMap(commandLines)],
    '.SH EXIT STATUS',
    ...exitStatuses.flatMap(({ status, meaning }) => item(`.B ${status}`, meaning)),
    '.SH ENVIRONMENT',
    ...Object.entries(environment).flatMap(([name, meaning]) => item(`.B ${name}`, meaning)),
    ...['.SH FILES', ...item(`.I ${configFileNames.join(', ')}`, filesText)],
    '',
  ].join('\n');
}

const filesText =
  'The config: the first of these that is found in the working directory or in one above it.';

function commandLines(command: Command): readonly string[] {
  const { name, summary, description = '', examples, samples = [] } = command;
  const short = shortUsageOf(command);
  return [
    `.SS ${name}`,
    `.B ${escaped(usageOf(command))}`,
    ...(short === undefined ? [] : ['.br', `.B ${escaped(short)}`]),
    ...paragraph(sentence(summary)),
    ...description.split('\n\n').flatMap(block),
    ...command.arguments.flatMap(argumentLines),
    ...command.options.flatMap(optionLines),
    ...literal(examples),
    ...samples.flatMap((sample) => [
      ...paragraph(`A file such as ${sample.name}:`),
      ...literal(sample.text.split('\n')),
    ]),
  ];
}

/** A paragraph of a description; lines that are indented there stay as they are. */
function block(text: string): readonly string[] {
  if (text === '') return [];
  return /^ /m.test(text) ? literal(text.trim().split('\n')) : paragraph(text);
}

function argumentLines({ name, summary, choices }: ArgumentSpec): readonly string[] {
  return item(`.I ${name}`, withChoices(summary, choices));
}

function optionLines({ flags, summary, choices, defaultValue }: OptionSpec): readonly string[] {
  const [names = '', value] = flags.split(' <');
  const shown = value === undefined ? '' : ` " " \\fI${value.replace('>', '')}\\fR`;
  const fallback = defaultValue === undefined ? '' : ` (default: ${defaultValue})`;
  const bold = names.split(', ').map((name) => `"${escaped(name)}"`);
  const term = `.BR ${bold.join(' ", " ')}${shown}`;
  return item(term, withChoices(summary, choices) + fallback);
}

function withChoices(summary: string, choices: readonly string[] | undefined): string {
  return choices ? `${summary}: ${choices.join(', ')}` : summary;
}

function item(term: string, text: string): readonly string[] {
  return ['.TP', term, ...filled(text)];
}

function paragraph(text: string): readonly string[] {
  return ['.PP', ...filled(text)];
}

function literal(lines: readonly string[]): readonly string[] {
  return ['.PP', '.RS 4', '.nf', ...lines.map(textLine), '.fi', '.RE'];
}

/** Lines of at most 80 characters, each safe at its beginning. */
function filled(text: string): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= 80) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map(textLine);
}

/** A dot or a quotation mark at the beginning of a line would be a command to troff. */
function textLine(line: string): string {
  return escaped(line).replace(/^(?=[.'])/, '\\&');
}

/** Written so that what is copied from the page is what was typed into it. */
const escapes: Readonly<Record<string, string>> = {
  ...{ '\\': '\\e', '-': '\\-', '~': '\\(ti', '^': '\\(ha', '`': '\\(ga', "'": '\\(aq' },
};

function escaped(text: string): string {
  return text.replace(/[\\~^`'-]/g, (character) => escapes[character] ?? character);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
