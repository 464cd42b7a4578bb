import type { FollowEvent, OutsideWrite } from '../audit/trace/follow.ts';
import { timeFormat } from '../core/time.ts';
import { type Result, streamOf } from '../render/result.ts';
import { column, figure, unknown } from '../render/view.ts';
import type { Session } from './command.ts';
import { resultZone } from './notice.ts';

/** Prints each write that goes past bankctl as it happens, until Ctrl-C. */
export async function followWrites(session: Session, branches: readonly string[]): Promise<Result> {
  const bank = await session.bank();
  const { followOutsideWrites } = await import('../audit/trace/follow.ts');
  const only = branches.length === 0 ? undefined : branches;
  const events = followOutsideWrites(bank, only, session.context.interrupted);
  const formatAt = timeFormat(await resultZone(session));
  const stream = streamOf<OutsideWrite>(readWrites(session, events), [
    { name: 'at', cell: ({ at }) => formatAt(new Date(at)) },
    column('branch', unknown),
    { name: 'account', cell: ({ account, write }) => account ?? missing[write] },
    column('write'),
    figure('amount', unknown),
    { ...figure('balance'), cell: ({ balance, write }) => balance ?? missing[write] },
    column('currency'),
  ]);
  return { ...stream, endless: true };
}

/** What is not there after a write, or is not known. */
const missing: Readonly<Record<OutsideWrite['write'], string>> = {
  changed: unknown,
  inserted: unknown,
  replaced: unknown,
  deleted: '',
  dropped: '',
};

async function* readWrites(
  session: Session,
  events: AsyncIterable<FollowEvent>,
): AsyncIterable<readonly OutsideWrite[]> {
  for await (const event of events) {
    switch (event.kind) {
      case 'wrote':
        yield [event.write];
        break;
      case 'started':
        session.talk('Watching for writes that go past bankctl. Press Ctrl-C to end.');
        break;
      case 'lost_place':
        session.talk('Lost the place in the history: writes made meanwhile are not shown.');
        break;
      case 'reconnecting':
        session.talk('Reconnecting ...');
    }
  }
}
