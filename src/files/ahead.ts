import { BankctlError } from '../core/errors.ts';

/**
 * Reads the next item while the one before it is worked on, and stops where the user does, also
 * when a pipe never gives another byte.
 *
 * @throws `interrupted`; whatever the source says
 */
export async function* ahead<T>(
  source: AsyncIterable<T>,
  interrupted: AbortSignal,
): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  const next = () => {
    const reading = untilAborted(iterator.next(), interrupted);
    // It is awaited later; until then its failure is nobody's.
    reading.catch(() => undefined);
    return reading;
  };
  let reading = next();
  for (;;) {
    const { value, done } = await reading;
    if (done === true) return;
    reading = next();
    yield value;
  }
}

function untilAborted<T>(work: Promise<T>, interrupted: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new BankctlError('interrupted', 'Interrupted.'));
    const done = () => interrupted.removeEventListener('abort', stop);
    interrupted.addEventListener('abort', stop, { once: true });
    if (interrupted.aborted) stop();
    work.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}
