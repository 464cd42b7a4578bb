import { Decimal128, type Document, Double, Long } from 'mongodb';
import { placeKey } from '../bank.ts';
import { amountIn } from '../files.ts';
import type { Outsider, Step } from '../plan.ts';
import {
  atomic,
  balanceAdds,
  dryAsReal,
  fateAsSaid,
  importCounts,
  must,
  type Ran,
  saying,
  wroteNothing,
} from '../relations.ts';
import type { Session } from '../session.ts';
import { byPlace, type Snapshot } from '../snapshot.ts';
import { importCommand } from './import.ts';

type OutsiderStep = Extract<Step, { readonly do: 'outsider' }>;

/**
 * Somebody writes past bankctl to one account; then commands meet it. Each refuses, or names it on
 * stderr, and none changes it. Afterwards all documents are put back.
 */
export async function meetOutsider(session: Session, step: OutsiderStep): Promise<void> {
  const place = session.place(step);
  if (!session.model.accounts.has(placeKey(place))) return;
  const branch = session.world.branches.find(({ name }) => name === place.branch);
  const collection = session.db.collection(branch?.collection ?? '');
  await session.aside(async () => {
    session.log.push(`# somebody writes past bankctl to ${placeKey(place)}: ${step.what}`);
    const indexes = step.what === 'duplicate' ? await collection.indexes() : [];
    const unique = indexes.find(({ key }) => JSON.stringify(key) === '{"account_number":1}');
    if (unique?.name !== undefined) await collection.dropIndex(unique.name);
    try {
      const found = await collection.findOne(
        { account_number: place.account },
        { promoteValues: false },
      );
      await act(session, step.what, collection, found ?? {});
      await meet(session, step, place);
    } finally {
      if (unique?.name !== undefined) {
        await collection.deleteMany({});
        await collection.createIndex({ account_number: 1 }, { unique: true, name: unique.name });
      }
    }
  });
}

async function act(
  session: Session,
  what: Outsider,
  collection: ReturnType<Session['db']['collection']>,
  found: Document,
): Promise<void> {
  const id = { _id: found['_id'] };
  const options = { bypassDocumentValidation: true };
  const set = (fields: Document) => collection.updateOne(id, { $set: fields }, options);
  switch (what) {
    case 'delete':
      await collection.deleteOne(id);
      return;
    case 'duplicate': {
      const { _id: _, ...copy } = found;
      await collection.insertOne({ ...copy, balance: Decimal128.fromString('500') }, options);
      return;
    }
    case 'unstamp':
      await collection.updateOne(id, { $unset: { branch: '' } }, options);
      return;
    case 'stamp for another':
      await set({
        branch: session.world.branches.find(({ name }) => name !== found['branch'])?.name,
      });
      return;
    case 'version missing':
      await collection.updateOne(id, { $unset: { version: '' } }, options);
      return;
    default:
      await set(badValues(what));
  }
}

function badValues(what: Outsider): Document {
  switch (what) {
    case 'balance double':
      // In a branch of doubles too.
      return { balance: new Double(12.3456) };
    case 'balance NaN':
      return { balance: Decimal128.fromString('NaN') };
    case 'balance huge':
      return { balance: Decimal128.fromString('1E+6000') };
    case 'balance beyond 96 bits':
      // 2^96 + 500 minor units of two digits, which a narrower integer would take for 5.00.
      return { balance: Decimal128.fromString('792281625142643375935439508.36') };
    case 'balance of a tenth of a cent':
      return { balance: Decimal128.fromString('1.0011') };
    case 'version 1.5':
      return { version: new Double(1.5) };
    default:
      // Whole, exact and plausible: only the journal knows better.
      return { balance: Decimal128.fromString('7777'), version: Long.fromNumber(1) };
  }
}

/** What looking only at the account cannot reveal. */
const unseen: readonly Outsider[] = ['delete', 'balance changed'];

async function meet(
  session: Session,
  { what }: OutsiderStep,
  place: { branch: string; account: string },
) {
  const { branch, account } = place;
  const key = placeKey(place);
  const seen = !unseen.includes(what);
  const amount = amountIn(100n, branch, session.world);
  const before = await session.snapshot();
  const id = session.fresh('met-');
  const written = [
    ['increment', branch, account, amount, '--id', `${id}-i`],
    ['freeze', branch, account, '--id', `${id}-f`],
    ['close', branch, account, '--id', `${id}-c`],
    ['open', branch, account, '--id', `${id}-o`],
  ];
  for (const words of written) {
    const start = await session.snapshot();
    const dry = await session.run([...words, '--dry-run', '--json']);
    wroteNothing('dry run writes nothing', dry, start, await session.snapshot());
    const real = await session.run([...words, '--json']);
    const end = await session.snapshot();
    fateAsSaid(real, words.at(-1) ?? '', start, end);
    dryAsReal(dry, real);
    if (seen) refused(key, what, real, start, end);
  }
  if (what === 'delete') await importAgain(session, key);
  if (!seen) return;
  await meetInFiles(session, what, place, amount);
  await meetInReadings(session, what, place);
  must(relation, before.text === (await session.snapshot()).text, `${what}: something was written`);
}

const relation = "an outsider's change is refused or reported";

function refused(key: string, what: Outsider, ran: Ran, before: Snapshot, after: Snapshot): void {
  must(relation, ran.status !== 0, `${what}: ${saying(ran)}`);
  const [was, is] = [before, after].map((snapshot) =>
    (byPlace(snapshot).get(key) ?? [])
      .map(({ text }) => text)
      .sort()
      .join(),
  );
  must(relation, was === is, `${what}: ${was} has become ${is}: ${saying(ran)}`);
}

/** A row that once made the account makes it again, or does not claim to. */
async function importAgain(session: Session, key: string): Promise<void> {
  const rows = session.imported.filter((each) => placeKey(each) === key).slice(0, 1);
  if (rows.length === 0) return;
  const { words, results, lines } = await importCommand(session, rows, true);
  const start = await session.snapshot();
  const dry = await session.run([...words, '--dry-run'], { results });
  const real = await session.run(words, { results });
  importCounts(real, lines, start, await session.snapshot());
  dryAsReal(dry, real);
}

async function meetInFiles(
  session: Session,
  what: Outsider,
  { branch, account }: { branch: string; account: string },
  amount: string,
): Promise<void> {
  const name = session.fresh('meeting');
  const rows = [
    { id: `${name}-0`, branch, account: 'beside', amount, create: true },
    { id: `${name}-1`, branch, account, amount },
  ];
  await session.write(`${name}.ndjson`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const start = await session.snapshot();
  const words = ['apply', `${name}.ndjson`, '--atomic', '--json'];
  const dry = await session.run([...words, '--dry-run']);
  const real = await session.run(words);
  const end = await session.snapshot();
  atomic(real, 2, start, end);
  dryAsReal(dry, real);
  refused(placeKey({ branch, account }), what, real, start, end);
}

/** A reading that silently leaves the account out of a total is the worst. */
async function meetInReadings(
  session: Session,
  what: Outsider,
  { branch, account }: { branch: string; account: string },
): Promise<void> {
  // A sum counts a document by its stamp and balance; only a list looks at its other fields.
  const sums = what.startsWith('version') ? [] : [['balance'], ['branches']];
  const lists = [
    ['balance', branch, account],
    ['balance', branch],
    ['export', branch],
  ];
  for (const words of [...lists, ...sums]) {
    const ran = await session.run(words);
    const told = ran.status !== 0 || ran.stderr.includes(account);
    must(relation, told, `${what}: ${saying(ran)}`);
  }
  if (sums.length > 0) return;
  balanceAdds(await session.run(['balance', '--json']), await session.snapshot(), session.world);
}
