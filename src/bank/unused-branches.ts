import type { Db } from 'mongodb';
import { isServerError } from '../database/driver-errors.ts';
import {
  type Identity,
  identityDocuments,
  identityId,
  type OwnedBranch,
  toStoredBranch,
} from './identity-document.ts';

/** Of some branches those in which nothing ever was: no document, and no posting in the journal. */
export async function findUnused(
  db: Db,
  journal: string | false,
  branches: readonly OwnedBranch[],
): Promise<readonly OwnedBranch[]> {
  const unused: OwnedBranch[] = [];
  for (const branch of branches) {
    if (!(await wasUsed(db, journal, branch))) unused.push(branch);
  }
  return unused;
}

/** Also true if the user may not look, as with a role for the branches of the config only. */
async function wasUsed(
  db: Db,
  journal: string | false,
  { name, collection }: OwnedBranch,
): Promise<boolean> {
  const one = { projection: { _id: 1 } };
  try {
    if (await db.collection(collection).findOne({}, one)) return true;
    if (journal === false) return false;
    return (await db.collection(journal).findOne({ 'postings.branch': name }, one)) !== null;
  } catch (error) {
    if (isServerError(error, 'unauthorized')) return true;
    throw error;
  }
}

/**
 * Takes branches in which nothing ever was out of the identity; their collections stay. Another
 * command, with a config that has such a branch, may be opening an account there: nothing of that
 * is lost, and the branch is put back, here if it is seen, otherwise by the next command that
 * writes with that config.
 *
 * @returns the branches that are gone
 */
export async function forgetUnused(
  db: Db,
  journal: Identity['journal'],
  branches: readonly OwnedBranch[],
): Promise<readonly OwnedBranch[]> {
  const unused = await findUnused(db, journal, branches);
  if (unused.length === 0) return [];
  const documents = identityDocuments(db);
  for (const branch of unused) {
    await documents.updateOne({ _id: identityId }, { $pull: { branches: toStoredBranch(branch) } });
  }
  const gone = await findUnused(db, journal, unused);
  for (const branch of unused.filter((it) => !gone.includes(it))) {
    const { name, collection } = branch;
    await documents.updateOne(
      {
        _id: identityId,
        'branches.branch': { $ne: name },
        'branches.collection': { $ne: collection },
      },
      { $push: { branches: toStoredBranch(branch) } },
    );
  }
  return gone;
}
