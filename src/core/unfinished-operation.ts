/**
 * A failure of the database in the middle of an operation, with what is certain of the operation.
 * `cli/session.ts`, which knows the deployment, turns the cause into a message.
 */
export class UnfinishedOperation extends Error {
  /** A sentence: the operation is not applied, or may be. */
  readonly fate: string;
  /** What to type next. */
  readonly hint: string;
  /** The id of the operation, if it has one. */
  readonly operationIds: readonly string[];

  constructor(fate: string, hint: string, cause: unknown, operationIds: readonly string[] = []) {
    super(fate, { cause });
    this.name = 'UnfinishedOperation';
    this.fate = fate;
    this.hint = hint;
    this.operationIds = operationIds;
  }
}
