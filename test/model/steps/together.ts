import { wordsOf } from '../files.ts';
import type { TogetherPlan } from '../plan.ts';
import { fateAsSaid, must, output, resultAsStored, saying } from '../relations.ts';
import type { Session } from '../session.ts';
import { importCommand, wantedRows } from './import.ts';

/** Commands at the same moment: which goes first is left open, that each says the truth is not. */
export async function together(session: Session, plan: TogetherPlan): Promise<void> {
  session.log.push('# at the same moment:');
  if (plan.kind === 'one import twice') await importTwice(session, plan);
  else await askTogether(session, plan);
  await session.adopt();
}

async function askTogether(session: Session, { kind, asks }: TogetherPlan): Promise<void> {
  const name = session.fresh('at-once-');
  const one = kind === 'one ask many times';
  const lines = asks.map((plan, index) => {
    const id = one ? `${name}-0` : `${name}-${index}`;
    const asked = session.ask(one ? (asks[0] ?? plan) : plan);
    return { id, argv: [...wordsOf(asked, session.world), '--id', id, '--json'] };
  });
  const before = await session.snapshot();
  const runs = await Promise.all(
    lines.map(async ({ id, argv }) => ({ id, ran: await session.run(argv) })),
  );
  const after = await session.snapshot();
  for (const { id, ran } of runs) {
    fateAsSaid(ran, id, before, after);
    if (!one) resultAsStored(ran, id, before, after);
  }
  if (!one) return;
  const first = runs.filter(({ ran }) => output(ran)?.['replayed'] === false);
  const done = runs.filter(({ ran }) => ran.status === 0);
  const wrong = runs.map(({ ran }) => saying(ran)).join('; ');
  must('once, however many ask', first.length === Math.min(done.length, 1), wrong);
}

async function importTwice(session: Session, { rows }: TogetherPlan): Promise<void> {
  const wanted = wantedRows(session, rows);
  const before = await session.snapshot();
  const [one, other] = [
    await importCommand(session, wanted, true),
    await importCommand(session, wanted, false),
  ];
  const runs = await Promise.all(
    [one, other].map(({ words, results }) => session.run(words, { results })),
  );
  const opened = (await session.snapshot()).accounts.length - before.accounts.length;
  const created = runs.reduce((sum, ran) => sum + Number(output(ran)?.['created'] ?? 0), 0);
  const wrong = `${opened} accounts, ${runs.map(saying).join('; ')}`;
  must('import counts = accounts', created === opened, wrong);
}
