import type { FollowEvent, OutsideWrite } from '../audit/trace/follow.ts';
import { timeFormat } from '../core/time.ts';
import { formats } from '../render/formats.ts';
import { type Part, type Result, streamOf } from '../render/result.ts';
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
  const writes = readWrites(session, events);
  const { context, globals } = session;
  if (context.stdoutIsTerminal && formats[globals.output].forPeople) {
    return { kind: 'stream', endless: true, parts: sentences(writes, formatAt) };
  }
  const stream = streamOf<OutsideWrite>(writes, [
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

/** A line for each write: a frame around each would only make them harder to read. */
async function* sentences(
  batches: AsyncIterable<readonly OutsideWrite[]>,
  formatAt: (time: Date) => string,
): AsyncIterable<Part> {
  for await (const items of batches) {
    const rows = items.map((write) => [formatAt(new Date(write.at)), ...clausesOf(write)]);
    const columns = ['at', 'account', 'write'].map((name) => ({ name }));
    yield { items, view: { layout: 'text', columns, rows } };
  }
}

function clausesOf({ branch, account, write, amount, balance, currency }: OutsideWrite) {
  const where = [branch ?? 'the database', ...(account === null ? [] : [account])].join(':');
  const of = currency === null ? '' : ` ${currency}`;
  const to = balance === null ? 'what cannot be read' : `${balance}${of}`;
  switch (write) {
    case 'inserted':
      return [where, `inserted with ${to}`];
    case 'deleted':
      return [where, amount === null ? 'deleted' : `deleted with ${negated(amount)}${of}`];
    case 'dropped':
      return [where, 'dropped'];
    default:
      return [where, amount === null ? `${write} to ${to}` : `${write} by ${amount} to ${to}`];
  }
}

function negated(amount: string): string {
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
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
        session.talk('watching', 'Watching for writes that go past bankctl. Press Ctrl-C to end.');
        break;
      case 'lost_place':
        session.talk(
          'place_lost',
          'Lost the place in the history: writes made meanwhile are not shown.',
        );
        break;
      case 'reconnecting':
        session.talk('reconnecting', 'Reconnecting ...');
    }
  }
}
