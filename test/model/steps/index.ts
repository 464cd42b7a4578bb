import type { Step } from '../plan.ts';
import { ledgerSound, stateAsModelled } from '../relations.ts';
import type { Session } from '../session.ts';
import { apply } from './apply.ts';
import { importAccounts } from './import.ts';
import { giveMalformed } from './malformed.ts';
import { mismatch } from './mismatch.ts';
import { one } from './one.ts';
import { outsider } from './outsider.ts';
import { plain } from './plain.ts';
import { read } from './read.ts';
import { roundTrip } from './round-trip.ts';
import { together } from './together.ts';

/** Plays one step; afterwards the ledger adds up and the database has what the model has. */
export async function playStep(session: Session, step: Step): Promise<void> {
  await played(session, step);
  const snapshot = await session.snapshot();
  ledgerSound(snapshot, session.world);
  stateAsModelled(snapshot, session.model);
}

function played(session: Session, step: Step): Promise<void> {
  switch (step.do) {
    case 'one':
      return one(session, step);
    case 'apply':
      return apply(session, step);
    case 'import':
      return importAccounts(session, step);
    case 'together':
      return together(session, step.what);
    case 'read':
      return read(session, step);
    case 'round trip':
      return roundTrip(session, step.what);
    case 'malformed':
      return giveMalformed(session, step);
    case 'mismatch':
      return mismatch(session, step);
    case 'plain':
      return plain(session, step);
    case 'outsider':
      return outsider(session, step);
  }
}
