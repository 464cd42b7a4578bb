import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { placeKey, profileText } from '../bank.ts';
import { folder } from '../bench.ts';
import type { RoundTrip } from '../plan.ts';
import { must, type Ran, saying } from '../relations.ts';
import { allDocuments, empty, restore, type Session } from '../session.ts';
import { readSnapshot, type Snapshot } from '../snapshot.ts';
import { configText } from '../worlds.ts';

/** What is exported and imported into an empty bank is the same. */
export async function roundTrip(session: Session, what: RoundTrip): Promise<void> {
  if (session.model.applied.size === 0) return;
  const before = await session.snapshot();
  const copy = await secondBank(session, 'copy');
  let from = {};
  if (what === 'shuffled') {
    // Another member, or a restored dump, keeps the same documents in another order.
    const shuffled = await secondBank(session, 'shuffled');
    const documents = await allDocuments(session.db);
    const backwards = [...documents].map(([name, all]) => [name, [...all].reverse()] as const);
    await restore(shuffled.db, new Map(backwards));
    from = { cwd: shuffled.cwd };
    session.log.push(
      '# the documents copied into another database in backward order, and from there:',
    );
  }
  const operations = what !== 'accounts';
  const words = operations ? ['export', '--operations'] : ['export', '-o', 'ndjson'];
  const written = await session.run(words, from);
  const relation = 'taken back = the same';
  must(relation, written.status === 0, saying(written));
  await writeFile(join(copy.cwd, 'taken.ndjson'), written.stdout);
  session.log.push(`# taken.ndjson has what was exported; in an empty database:`);
  const [first] = session.world.branches;
  const taken = await session.run(
    operations
      ? ['apply', 'taken.ndjson', '--json']
      : ['import', first?.name ?? '', 'taken.ndjson', '--any-branch', '--json'],
    { cwd: copy.cwd },
  );
  must(relation, taken.status === 0, `${saying(taken)}; the file: ${written.stdout}`);
  const after = await readSnapshot(copy.db, session.world);
  sameState(relation, before, after, operations, taken);
}

async function secondBank(session: Session, suffix: string) {
  const name = `${session.db.databaseName}_${suffix}`;
  const db = session.bench.client.db(name);
  await empty(db);
  const cwd = await folder(session.bench, name);
  await writeFile(join(cwd, 'bankctl.config.yaml'), configText(session.world, name));
  return { db, cwd };
}

/** Balances and statuses; with operations, versions and the history of each account too. */
function sameState(
  relation: string,
  before: Snapshot,
  after: Snapshot,
  operations: boolean,
  taken: Ran,
): void {
  const state = (snapshot: Snapshot) =>
    snapshot.accounts
      .map((each) => {
        const history = operations ? `${each.version} ${historyOf(snapshot, placeKey(each))}` : '';
        const profile = profileText(each.profile);
        return `${placeKey(each)} ${each.minor} ${each.status} ${profile} ${history}`;
      })
      .sort()
      .join('; ');
  const [was, is] = [state(before), state(after)];
  must(relation, was === is, `${was} has become ${is}: ${saying(taken)}`);
}

function historyOf({ journal }: Snapshot, key: string): string {
  return [...journal.values()]
    .flatMap(({ id, postings }) => postings.map((posting) => ({ ...posting, id })))
    .filter((posting) => placeKey(posting) === key)
    .sort((a, b) => a.version - b.version)
    .map(({ id, minor }) => `${id} ${minor}`)
    .join();
}
