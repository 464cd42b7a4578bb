import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folder } from '../bench.ts';
import type { Step } from '../plan.ts';
import { errorCode, must, saying, wroteNothing } from '../relations.ts';
import { allDocuments, empty, type Session } from '../session.ts';
import { configText, type World } from '../worlds.ts';

/** A config, or a URI, that contradicts the database: refused, and nothing is read or written. */
export async function giveMismatch(
  session: Session,
  { what, read }: Extract<Step, { readonly do: 'mismatch' }>,
): Promise<void> {
  // An empty bank contradicts nothing.
  if (session.model.applied.size === 0) return;
  const name = session.db.databaseName;
  const other = session.bench.client.db(`${name}_other`);
  const world = contradicting(session.world, what);
  const cwd = await folder(session.bench, `${name}-mismatch`);
  const text = configText(world, name);
  await writeFile(join(cwd, 'bankctl.config.yaml'), text);
  const { uri } = session.bench.server;
  const elsewhere = uri.replace('/?', `/${other.databaseName}?`);
  const where = { cwd, uri: what === 'database in the URI' ? elsewhere : uri };
  session.log.push(`# ${what}, BANKCTL_URI=${where.uri}:\n# ${text.replaceAll('\n', '\n# ')}`);
  const branch = world.branches[0]?.name ?? '';
  const id = session.fresh('astray-');
  await session.aside(async (before) => {
    const ran = read
      ? await session.run(['balance', '--json'], where)
      : await session.run(['increment', branch, 'A', '7', '--create', '--id', id, '--json'], where);
    const relation = 'a contradiction is refused';
    wroteNothing(relation, ran, before, await session.snapshot());
    must(relation, ran.status !== 0, saying(ran));
    must(relation, errorCode(ran) === 'config_mismatch' && ran.status === 2, saying(ran));
    const strays = [...(await allDocuments(other)).values()].flat();
    must(relation, strays.length === 0, `written into ${other.databaseName}: ${saying(ran)}`);
  });
  await empty(other);
}

function contradicting(
  world: World,
  what: Extract<Step, { readonly do: 'mismatch' }>['what'],
): World {
  const [first, second, ...rest] = world.branches;
  if (first === undefined || second === undefined) throw new Error('a world of one branch');
  switch (what) {
    case 'collections swapped': {
      const [one, two] = [first.collection, second.collection];
      const swapped = [{ ...first, collection: two }, { ...second, collection: one }, ...rest];
      return { ...world, branches: swapped };
    }
    case 'branch renamed':
      return { ...world, branches: [{ ...first, name: 'renamed' }, second, ...rest] };
    case 'journal renamed':
      return { ...world, journal: `${world.journal}2` };
    case 'currency changed': {
      const currency = first.currency === 'EUR' ? 'USD' : 'EUR';
      return { ...world, branches: [{ ...first, currency }, second, ...rest] };
    }
    case 'database in the URI':
      return world;
  }
}
