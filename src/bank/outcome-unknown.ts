import { BankctlError } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { Operation } from './operations/operation.ts';

/** A commit whose answer never came, with the operations whose outcome is unknown. */
export class OutcomeUnknown extends BankctlError {
  readonly operations: readonly Operation[];

  constructor(operations: readonly Operation[], cause: unknown) {
    const operationIds = operations.map(({ id }) => id);
    super('outcome_unknown', unknownMessage(operations), undefined, { cause, operationIds });
    this.operations = operations;
  }
}

function unknownMessage(operations: readonly Operation[]): string {
  const [first] = operations;
  const last = operations.at(-1);
  const what =
    operations.length > 1 && first && last
      ? `A batch of ${operations.length} operations, ${quote(first.id)} to ${quote(last.id)},`
      : `The operation ${first?.id}`;
  return `${what} may or may not be applied: the answer to its commit never came.`;
}
