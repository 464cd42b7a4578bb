/**
 * A failure of the database in the middle of an operation, with what is certain of the operation.
 * Whoever knows the deployment puts it into words: the cause says what went wrong.
 */
export class Unfinished extends Error {
  /** A sentence: the operation is not applied, or may be. */
  readonly fate: string;
  /** What to type next. */
  readonly hint: string;

  constructor(fate: string, hint: string, cause: unknown) {
    super(fate, { cause });
    this.name = 'Unfinished';
    this.fate = fate;
    this.hint = hint;
  }
}
