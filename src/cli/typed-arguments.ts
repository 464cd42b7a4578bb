import type { Command } from '../commands/command.ts';
import { shortTermsOf, takesReference, termsOf } from '../commands/option-flags.ts';
import { BankctlError } from '../core/errors.ts';

/** Each argument on its own: BRANCH:ACCOUNT becomes two. A branch name has no colon. */
export function separateArguments(
  command: Pick<Command, 'arguments'>,
  words: readonly string[],
): readonly string[] {
  const [first = '', ...rest] = words;
  const colon = first.indexOf(':');
  if (colon < 0 || !takesReference(command)) return words;
  return [first.slice(0, colon), first.slice(colon + 1), ...rest];
}

/** @throws `usage` if there are too few arguments, or too many */
export function requireCount(command: Command, args: readonly unknown[]): void {
  const { name, arguments: specs, examples } = command;
  const hint = `For example: ${examples[0]}. For more, see bankctl ${name} --help.`;
  const missing = specs[args.length];
  if (missing && !missing.optional) {
    throw new BankctlError('usage', `Missing required argument '${missing.name}'.`, hint);
  }
  if (args.length <= specs.length || specs.at(-1)?.variadic) return;
  const ways = [termsOf(command), shortTermsOf(command)].filter(Boolean).join(' or ');
  const takes = specs.length === 0 ? 'no arguments' : ways;
  const message = `There are too many arguments: bankctl ${name} takes ${takes}.`;
  throw new BankctlError('usage', message, specs.length === 0 ? undefined : hint);
}
