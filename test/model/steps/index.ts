import type { Step } from '../plan.ts';
import { ledgerSound, stateAsModelled, Violation } from '../relations.ts';
import type { Session } from '../session.ts';
import { apply } from './apply.ts';
import { runTogether } from './concurrent-commands.ts';
import { importAccounts } from './import.ts';
import { giveMalformed } from './malformed-files.ts';
import { giveMismatch } from './mismatch.ts';
import { meetOutsider } from './outsider.ts';
import { incrementPlain } from './plain-increment.ts';
import { checkReading } from './readings.ts';
import { roundTrip } from './round-trip.ts';
import { askOne } from './single-operation.ts';

/** Plays one step; afterwards the ledger adds up and the database has what the model has. */
export async function playStep(session: Session, step: Step): Promise<void> {
  try {
    await playKind(session, step);
    const snapshot = await session.snapshot();
    ledgerSound(snapshot, session.world);
    stateAsModelled(snapshot, session.model);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new Violation(`${nameOf(step)}: ${error.relation}`, error.message);
  }
}

/** So that a find names what went wrong. */
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

function playKind(session: Session, step: Step): Promise<void> {
  switch (step.do) {
    case 'one':
      return askOne(session, step);
    case 'apply':
      return apply(session, step);
    case 'import':
      return importAccounts(session, step);
    case 'together':
      return runTogether(session, step.what);
    case 'read':
      return checkReading(session, step);
    case 'round trip':
      return roundTrip(session, step.what);
    case 'malformed':
      return giveMalformed(session, step);
    case 'mismatch':
      return giveMismatch(session, step);
    case 'plain':
      return incrementPlain(session, step);
    case 'outsider':
      return meetOutsider(session, step);
  }
}
