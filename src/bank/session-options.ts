import type { ClientSession } from 'mongodb';

/**
 * Asks for the snapshot explicitly: the client's own read concern overrides that of a snapshot
 * session.
 */
export function sessionOption(session: ClientSession | undefined) {
  if (!session) return {};
  // Made anew each time: the driver writes the snapshot's time into it.
  const readConcern = { level: 'snapshot' } as const;
  return session.snapshotEnabled ? { session, readConcern } : { session };
}

/** For a read by account number: compared letter by letter, whatever collation a collection has. */
export function literalOption(session: ClientSession | undefined) {
  return { collation: { locale: 'simple' }, ...sessionOption(session) };
}
