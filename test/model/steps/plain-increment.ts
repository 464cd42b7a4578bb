import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folder } from '../bench.ts';
import type { Step } from '../plan.ts';
import { must, output, saying } from '../relations.ts';
import type { Session } from '../session.ts';

const config = `journal: false
branches:
  branch1: { collection: branch1 }
`;

/** Without a journal, under a fault: what an increment says is what the balance shows. */
export async function incrementPlain(
  session: Session,
  { minor, fault }: Extract<Step, { readonly do: 'plain' }>,
): Promise<void> {
  if (fault === null || minor === 0) return;
  const database = `${session.db.databaseName}_plain`;
  const cwd = await folder(session.bench, database);
  await writeFile(join(cwd, 'bankctl.config.yaml'), `database: ${database}\n${config}`);
  session.log.push(`# with journal: false, in the database ${database}:`);
  const accounts = session.bench.client.db(database).collection('branch1');
  await accounts.deleteMany({});
  await session.run(['open', 'branch1', 'P', '--balance', '100000'], { cwd });
  const text = async () => JSON.stringify(await accounts.findOne({ account_number: 'P' }));
  const before = await text();
  const amount = `${minor}.00`;
  const ran = await session.runFaulty(['increment', 'branch1', 'P', amount, '--json'], fault, {
    cwd,
  });
  const changed = (await text()) !== before;
  const relation = 'without a journal: as said';
  if (ran.status === 0) {
    must(relation, changed && output(ran) !== undefined, saying(ran));
    return;
  }
  if (/not known|may or may not|was changed|is changed/.test(ran.stderr)) return;
  must(relation, !changed, `it was changed: ${saying(ran)}`);
}
