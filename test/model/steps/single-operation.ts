import { ask } from '../bank.ts';
import { wordsOf } from '../files.ts';
import type { Step } from '../plan.ts';
import {
  dryAsReal,
  fateAsModelled,
  fateAsSaid,
  must,
  output,
  resultAsStored,
  saying,
  wroteNothing,
} from '../relations.ts';
import type { Session } from '../session.ts';

/**
 * One operation on the command line: dry first, then under a fault, then for good, then repeated.
 * Whatever happened before, the end is what the model says about asking once.
 */
export async function askOne(
  session: Session,
  step: Extract<Step, { readonly do: 'one' }>,
): Promise<void> {
  const asked = session.ask(step.ask);
  // Only a few ids, so that one occurs again with the same request and with another.
  const given = step.id !== null || step.fault !== null;
  const id = given ? `op-${step.id ?? 0}` : undefined;
  const format = step.table && given ? [] : ['--json'];
  const words = [...wordsOf(asked, session.world), ...(id === undefined ? [] : ['--id', id])];
  const request = { id: id ?? session.fresh('fresh-'), ask: asked, memo: '' };
  const [after, fate] = ask(session.model, session.rules, request, {
    row: false,
    retryRefused: false,
  });
  const before = await session.snapshot();
  const dry = step.dry ? await session.run([...words, '--dry-run', ...format]) : undefined;
  if (dry !== undefined)
    wroteNothing('dry run writes nothing', dry, before, await session.snapshot());
  let start = before;
  if (step.fault !== null && id !== undefined) {
    const hit = await session.runFaulty([...words, '--json'], step.fault);
    start = await session.snapshot();
    fateAsSaid(hit, id, before, start);
    resultAsStored(hit, id, before, start);
  }
  const real = await session.run([...words, ...format], { outside: step.outside });
  const end = await session.snapshot();
  fateAsModelled(real, fate, step.fault !== null);
  if (dry !== undefined && step.fault === null && given) dryAsReal(dry, real);
  const named = id ?? String(output(real)?.['operation']);
  if (real.status === 0 || given) {
    fateAsSaid(real, named, start, end);
    resultAsStored(real, named, start, end);
  }
  if (real.status !== 0) wroteNothing('a refusal writes nothing', real, start, end);
  session.model =
    id === undefined && fate.kind === 'applied' ? renamed(after, request.id, named) : after;
  if (!given) return;
  const repeated = await session.run([...words, '--json']);
  resultAsStored(repeated, named, end, end);
  wroteNothing('repeated = once', repeated, end, await session.snapshot());
  must('repeated = once', repeated.status === real.status, saying(repeated));
}

/** The operation under the id that bankctl gave it. */
function renamed(model: Session['model'], from: string, to: string): Session['model'] {
  const applied = new Map([...model.applied].map(([id, entry]) => [id === from ? to : id, entry]));
  return { ...model, applied };
}
