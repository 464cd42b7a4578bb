import type { Step } from '../plan.ts';
import { ledgerSound, stateAsModelled, Violation } from '../relations.ts';
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
  try {
    await played(session, step);
    const snapshot = await session.snapshot();
    ledgerSound(snapshot, session.world);
    stateAsModelled(snapshot, session.model);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new Violation(`${nameOf(step)}: ${error.relation}`, error.message);
  }
}

/** So that a find names its fault. */
function nameOf(step: Step): string {
  switch (step.do) {
    case 'together':
      return step.what.kind;
    case 'apply':
      return step.atomic ? 'apply --atomic' : step.do;
    case 'read':
    case 'malformed':
      return step.what;
    case 'round trip':
    case 'mismatch':
    case 'outsider':
      return `${step.do} (${step.what})`;
    default:
      return step.do;
  }
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
