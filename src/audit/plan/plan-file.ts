import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import type { Bank } from '../../bank/bank.ts';
import { errnoCode, fileError } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';
import { quote, shellWord } from '../../core/text.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Correction } from '../correction.ts';
import { changesAnything, type PlanHead, planText } from './plan-text.ts';

/**
 * Refuses a path before the audit begins, if nothing can be written there. A plan never replaces a
 * file: that one may have been reviewed, and its ids make a second run of it safe.
 *
 * @throws `not_writable`
 */
export async function checkPlanPlace(path: string, { context }: AuditHost): Promise<void> {
  await withDraft(path, context, () => Promise.resolve());
}

/**
 * Writes a plan of what would mend the damage, for a person to review; none if nothing would. Only
 * its owner may read it, since it names accounts and balances. Until it is complete, nothing has
 * its name.
 *
 * @throws `not_writable`; `bad_identity` if the database has no identity, to which a plan is pinned
 */
export async function writePlan(
  path: string,
  corrections: Iterable<Correction>,
  bank: Bank,
  { context, talk }: AuditHost,
): Promise<void> {
  if (planned(corrections).next().done === true) {
    talk('nothing_to_do', `There is nothing that a plan could mend: ${path} was not written.`);
    return;
  }
  const head = headOf(bank, context);
  let entries = 0;
  const counted = function* () {
    for (const correction of planned(corrections)) {
      entries += 1;
      yield correction;
    }
  };
  await withDraft(path, context, async ({ file, draft, place }) => {
    await writeAll(file, planText(head, counted(), bank.branches.get));
    await file.sync();
    await nameIt(draft, place);
  });
  const size = entries === 1 ? '1 entry' : `${entries} entries`;
  talk(
    'plan_written',
    `Wrote a plan with ${size}: review it, then run bankctl repair ${shellWord(path)}.`,
  );
}

function* planned(corrections: Iterable<Correction>): Generator<Correction> {
  for (const correction of corrections) if (changesAnything(correction)) yield correction;
}

function headOf(
  { config, identity: { databaseId } }: Bank,
  { nowMs, author, freshId }: AuditHost['context'],
): PlanHead {
  const { database } = config;
  if (databaseId !== undefined) {
    return { database, databaseId, madeMs: nowMs(), by: author, idPrefix: `repair-${freshId()}` };
  }
  throw new BankctlError(
    'bad_identity',
    `The database ${quote(database)} has no identity, to which a plan is pinned.`,
    'Make one with bankctl init.',
  );
}

/** A file beside the place of the plan, which is removed again. */
interface Draft {
  readonly file: FileHandle;
  readonly draft: string;
  readonly place: string;
}

/** @throws `not_writable` */
async function withDraft(
  path: string,
  { cwd, freshId }: Pick<AuditHost['context'], 'cwd' | 'freshId'>,
  work: (draft: Draft) => Promise<void>,
): Promise<void> {
  const place = isAbsolute(path) ? path : join(cwd, path);
  const draft = join(dirname(place), `.bankctl-plan.${freshId()}`);
  try {
    if (await isThere(place)) throw exists(path);
    const file = await open(draft, 'wx', 0o600);
    try {
      await work({ file, draft, place });
    } finally {
      await file.close();
      await rm(draft, { force: true });
    }
  } catch (error) {
    if (errnoCode(error) === 'EEXIST') throw exists(path);
    throw fileError(error, 'not_writable', path, 'Name a file that can be written after --plan.');
  }
}

/** @throws whatever else keeps a file from having this path, such as its length */
async function isThere(place: string): Promise<boolean> {
  try {
    return (await stat(place)) !== undefined;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Unlike a renaming, this fails if a file of that name has come up meanwhile. */
async function nameIt(draft: string, place: string): Promise<void> {
  try {
    await link(draft, place);
  } catch (error) {
    // Some file systems have no hard links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoCode(error) ?? '')) throw error;
    await copyFile(draft, place, constants.COPYFILE_EXCL);
  }
}

/** What is written at once, characters. */
const pieceLength = 256 * 1024;

async function writeAll(file: FileHandle, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < pieceLength) continue;
    await file.appendFile(text);
    text = '';
  }
  await file.appendFile(text);
}

function exists(path: string): BankctlError {
  return new BankctlError(
    'not_writable',
    `${path} exists already, and a plan never replaces a file.`,
    'Name a new file after --plan, or remove that one if its plan is no longer needed.',
  );
}
