import type { ErrorCode } from '../core/errors.ts';
import { withoutSecrets } from '../core/redaction.ts';

/** What a message about a database failure names. */
export interface DatabaseContext {
  readonly uri: string;
  readonly timeoutMs: number;
}

/** A failure in words that a person can act on; without a hint, the code's default is shown. */
export type Explanation = readonly [code: ErrorCode, message: string, hint?: string | undefined];

/** A driver's message, made to fit the end of our sentence, without any password. */
export function clause(message: string, uri: string): string {
  const text = withoutSecrets(message, [uri]).replace(/\s+/g, ' ').trim();
  return text.replace(/\.$/, '').slice(0, 300);
}

/** An election may be over in a moment; a payment must be repeated with its id only. */
export const electionHint =
  'Try again in a moment, with the same --id if it writes: the replica set is choosing a primary.';
