import { BankctlError } from '../core/errors.ts';
import type { OptionSpec, Session, Typed } from './command.ts';

/** The options of every command that asks before it changes anything. */
export const confirmationOptions: readonly OptionSpec[] = [
  { flags: '--yes', summary: 'go ahead without asking' },
  { flags: '--dry-run', summary: 'say what would happen, and write nothing' },
];

/** The values of `confirmationOptions`. */
export interface Consent {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

/** Both may be given: then nothing is written. */
export function parseConsent({ options }: Typed): Consent {
  return { yes: options['yes'] === true, dryRun: options['dryRun'] === true };
}

/**
 * Called first: whoever cannot be asked is refused before any work.
 *
 * @throws `confirmation_needed` unless a terminal, `--yes` or `--dry-run` makes it needless
 */
export function checkConsent({ context }: Session, { yes, dryRun }: Consent, name: string): void {
  if (yes || dryRun || (context.stdinIsTerminal && context.stderrIsTerminal)) return;
  throw new BankctlError(
    'confirmation_needed',
    `bankctl ${name} asks before it changes anything, and there is no terminal to ask on.`,
  );
}

/** @throws `not_confirmed` for any answer but yes; `interrupted` */
export async function askConsent(session: Session, question: string): Promise<void> {
  if (await session.confirm(`${question} [y/N]`)) return;
  if (session.context.interrupted.aborted) {
    throw new BankctlError('interrupted', 'Interrupted. Nothing was changed.', 'Run it again.');
  }
  throw new BankctlError('not_confirmed', 'Nothing was changed, since the answer was not yes.');
}
