import { BankctlError, type ErrorCode } from '../core/errors.ts';
import { withoutSecrets } from '../core/person.ts';

/** What a message about a failure names. */
export interface DatabaseContext {
  readonly uri: string;
  readonly timeoutMs: number;
}

/** A failure of the database, with what the driver said as its cause. */
export function failure(
  code: ErrorCode,
  message: string,
  cause: Error,
  hint?: string,
): BankctlError {
  return new BankctlError(code, message, hint, { cause });
}

/** A driver's message as the end of our sentence, without any password. */
export function clause(message: string, uri: string): string {
  const text = withoutSecrets(message, [uri]).replace(/\s+/g, ' ').trim();
  return text.replace(/\.$/, '').slice(0, 300);
}

/** `1.5 s`. */
export function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
