import type { ErrorJson } from '../core/error-json.ts';
import { flag, listOf, objectOf, optional, type Schema, text } from './result-schema.ts';

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

/** A line on stderr about a result that is right as it is. */
export const noticeSchema: Schema = objectOf({
  notice: atLeast(objectOf({ code: text, message: text })),
});
