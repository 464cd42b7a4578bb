import { placeKey } from '../bank.ts';
import { wordsOf } from '../files.ts';
import type { ImportRow, TogetherPlan } from '../plan.ts';
import { fateAsSaid, must, output, resultAsStored, saying } from '../relations.ts';
import type { Session } from '../session.ts';
import { byPlace } from '../snapshot.ts';
import { importCommand, wantedRows } from './import.ts';

/** Commands at the same moment: which goes first is left open, but each must tell the truth. */
export async function runTogether(session: Session, plan: TogetherPlan): Promise<void> {
  session.log.push('# at the same moment:');
  if (plan.kind === 'one import twice') await importTogether(session, plan.rows, plan.rows);
  else if (plan.kind === 'two imports') await importTogether(session, plan.rows, plan.others);
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

/** Each account comes from the one row that claims it, with the balance and status of that row. */
async function importTogether(
  session: Session,
  rows: readonly ImportRow[],
  others: readonly ImportRow[],
): Promise<void> {
  const relation = 'import counts = accounts';
  const before = byPlace(await session.snapshot());
  const commands = [
    await importCommand(session, wantedRows(session, rows), true),
    await importCommand(session, wantedRows(session, others), false),
  ];
  const runs = await Promise.all(
    commands.map(({ words, results }) => session.run(words, { results })),
  );
  const after = byPlace(await session.snapshot());
  const told = runs.map(saying).join('; ');
  const created = runs.reduce((sum, ran) => sum + Number(output(ran)?.['created'] ?? 0), 0);
  const opened = after.size - before.size;
  must(relation, created === opened, `${opened} accounts were opened: ${told}`);
  for (const [index, ran] of runs.entries()) {
    for (const { line, outcome } of ran.results) {
      if (outcome !== 'created') continue;
      const want = commands[index]?.lines.get(line);
      const place = want === undefined ? '' : placeKey(want);
      const [is] = after.get(place) ?? [];
      const same = is?.minor === want?.minor && is?.status === want?.status;
      must(relation, same, `${place} is ${is?.minor} and ${is?.status}: ${told}`);
    }
  }
}
