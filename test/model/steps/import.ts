import { type Bank, importOne, placeKey, type Wanted } from '../bank.ts';
import { accountFile } from '../files.ts';
import type { ImportRow, Step } from '../plan.ts';
import {
  dryAsReal,
  failedFile,
  importCounts,
  must,
  output,
  saying,
  wroteNothing,
} from '../relations.ts';
import type { Session } from '../session.ts';
import { added } from '../snapshot.ts';

/** A file of accounts: dry first, then under a fault, then for good, then repeated. */
export async function importAccounts(
  session: Session,
  { rows, csv, dry: dryFirst, fault }: Extract<Step, { readonly do: 'import' }>,
): Promise<void> {
  const wanted = wantedRows(session, rows);
  const { words, results, lines } = await importCommand(session, wanted, csv);
  const { model, counts } = expected(session, wanted);
  const before = await session.snapshot();
  const dry = dryFirst ? await session.run([...words, '--dry-run'], { results }) : undefined;
  if (dry !== undefined)
    wroteNothing('dry run writes nothing', dry, before, await session.snapshot());
  let start = before;
  if (fault !== null) {
    const hit = await session.runFaulty(words, fault, { results });
    start = await session.snapshot();
    if (hit.status === 0 || hit.status === 1) importCounts(hit, lines, before, start);
    else failedFile(hit, before, start);
  }
  const real = await session.run(words, { results });
  const end = await session.snapshot();
  if (dry !== undefined && fault === null) dryAsReal(dry, real);
  importCounts(real, lines, start, end, fault !== null);
  if (fault === null) {
    const shown = output(real) ?? {};
    const is = Object.keys(counts).map((key) => shown[key]);
    const wrong = `the model says ${JSON.stringify(counts)}: ${saying(real)}`;
    must('fate = model', JSON.stringify(is) === JSON.stringify(Object.values(counts)), wrong);
  }
  session.imported = [...session.imported, ...wanted];
  session.model = withIds(model, session.model, added(before, end));
  const repeated = await session.run(words, { results });
  const last = await session.snapshot();
  wroteNothing('repeated = once', repeated, end, last);
  importCounts(repeated, lines, end, last);
}

/** Rows as the model wants them: a closed account is empty, and no account occurs twice. */
export function wantedRows(session: Session, rows: readonly ImportRow[]): readonly Wanted[] {
  const wanted = rows.map(({ minor, status, ...at }): Wanted => {
    return { ...session.place(at), minor: status === 'closed' ? 0n : BigInt(minor), status };
  });
  const first = new Map<string, Wanted>();
  for (const want of wanted) if (!first.has(placeKey(want))) first.set(placeKey(want), want);
  return [...first.values()];
}

/** Writes the file and gives the command that imports it. */
export async function importCommand(session: Session, wanted: readonly Wanted[], csv: boolean) {
  const name = session.fresh('accounts');
  const file = accountFile(name, wanted, csv, session.world);
  await session.writeFile(file);
  const results = `${name}.results`;
  const [first] = session.world.branches;
  const words = ['import', first?.name ?? '', file.name, '--any-branch', '--results', results];
  const lines = new Map(
    wanted.map((want, index): [number, Wanted] => [file.lines[index] ?? 0, want]),
  );
  return { words: [...words, '--json'], results, lines };
}

function expected(session: Session, wanted: readonly Wanted[]) {
  const counts = { read: wanted.length, created: 0, duplicate: 0, conflict: 0, rejected: 0 };
  let { model } = session;
  for (const want of wanted) {
    const [next, outcome] = importOne(model, session.rules, want);
    model = next;
    counts[outcome] += 1;
  }
  return { model, counts };
}

/** Replaces the model's names of an import's operations by the ids that bankctl made. */
function withIds(model: Bank, before: Bank, ids: readonly string[]): Bank {
  const applied = new Map(before.applied);
  const fresh = [...model.applied].filter(([id]) => !before.applied.has(id));
  for (const [index, [id, entry]] of fresh.entries()) applied.set(ids[index] ?? id, entry);
  return { ...model, applied };
}
