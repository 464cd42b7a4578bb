import type { ErrorCode } from '../core/errors.ts';
import { withoutSecrets } from '../core/redaction.ts';

/** What a message about a failure of the database names. */
export interface DatabaseContext {
  readonly uri: string;
  readonly timeoutMs: number;
}

/** A failure in words that a person can act on; without a hint, the code's own is shown. */
export type Explanation = readonly [code: ErrorCode, message: string, hint?: string | undefined];

/** A driver's message as the end of our sentence, without any password. */
export function clause(message: string, uri: string): string {
  const text = withoutSecrets(message, [uri]).replace(/\s+/g, ' ').trim();
  return text.replace(/\.$/, '').slice(0, 300);
}

/** It may be over in a moment; a payment is repeated with its id alone. */
export const electionHint =
  'Try again in a moment, with the same --id if it writes: the replica set is choosing a primary.';
