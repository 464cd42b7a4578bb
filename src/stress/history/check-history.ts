import { open } from 'node:fs/promises';
import { errnoCode } from '../../database/directories.ts';
import { BankctlError } from '../../errors.ts';
import { quote } from '../../text.ts';
import type { HistoryEvent } from './history-event.ts';
import { createHistoryJudge, type HistoryReport } from './judge-history.ts';

/**
 * Judges the history in a file, line by line as it is read.
 *
 * @param heard hears every event, in order
 * @throws `usage` where the file cannot be read; `interrupted`
 */
export async function checkHistory(
  path: string,
  interrupted: AbortSignal,
  heard?: (event: HistoryEvent) => void,
): Promise<HistoryReport> {
  const judge = createHistoryJudge();
  try {
    const file = await open(path);
    for await (const line of file.readLines()) {
      if (interrupted.aborted) throw new BankctlError('interrupted', 'Stopped by you.');
      const event = judge.take(line);
      if (event) heard?.(event);
    }
  } catch (error) {
    const code = errnoCode(error);
    if (error instanceof BankctlError || code === undefined) throw error;
    throw new BankctlError(
      'usage',
      `The history ${quote(path)} cannot be read (${code}).`,
      'Name a file that bankctl stress --history wrote.',
    );
  }
  return judge.finish();
}
