import type { ErrorJson } from '../core/error-json.ts';
import { errorTable } from '../core/errors.ts';
import { noticeTable } from '../core/notices.ts';
import { flag, listOf, objectOf, optional, type Schema, text, wordOf } from './result-schema.ts';

/** An object that may have more fields than those. */
function atLeast(schema: Schema): Schema {
  return { ...schema, additionalProperties: true };
}

/** A line on stderr that says what went wrong, with more facts about some codes. */
export const errorSchema: Schema = objectOf<{ readonly error: ErrorJson }>({
  error: atLeast(
    objectOf<ErrorJson>({
      ...{ code: text, message: text, hint: text, retryable: flag },
      operations: optional(listOf(text)),
    }),
  ),
});

/** Of a notice; of one about a faulty row, the code of the error. */
const noticeCodes = [...new Set([...Object.keys(noticeTable), ...Object.keys(errorTable)])];

/** Any other line on stderr. */
export const noticeSchema: Schema = objectOf({
  notice: atLeast(
    objectOf<{ readonly code: string; readonly message: string; readonly hint?: string }>({
      ...{ code: wordOf(noticeCodes), message: text, hint: optional(text) },
    }),
  ),
});
