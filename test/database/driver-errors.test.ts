import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { databaseError } from '../../src/database/database-error.ts';
import { isDefinite, isOutage } from '../../src/database/driver-errors.ts';

/** As the driver wraps whatever ended a bulk write. */
function bulkWriteError(cause: Error): MongoBulkWriteError {
  return Reflect.construct(MongoBulkWriteError, [cause, undefined]);
}

/** As a socket says it that breaks while it is written to. */
function socketError(code: string): Error {
  return Object.assign(new Error(`write ${code}`), { code, syscall: 'write' });
}

describe('a bulk write', () => {
  test.each([
    { what: 'lost its connection', cause: new MongoNetworkError('read ECONNRESET') },
    { what: 'was cut while it was sent', cause: socketError('ECONNRESET') },
    { what: 'was sent to a socket that was gone', cause: socketError('EPIPE') },
  ])('that $what may or may not have happened', ({ cause }) => {
    const error = bulkWriteError(cause);
    expect([isOutage(error), isDefinite(error)]).toEqual([true, false]);
    const context = { uri: 'mongodb://127.0.0.1:1/', timeoutMs: 1000 };
    expect(databaseError(error, context)).toMatchObject({ code: 'unreachable' });
  });

  test('that the server refused did not happen', () => {
    const error = bulkWriteError(new MongoServerError({ message: 'no', code: 121 }));
    expect([isOutage(error), isDefinite(error)]).toEqual([false, true]);
  });
});
