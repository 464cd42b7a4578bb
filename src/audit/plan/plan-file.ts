import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import type { Bank } from '../../bank/bank.ts';
import { errnoCode, fileError } from '../../core/errno.ts';
import { BankctlError } from '../../core/errors.ts';
import { quote, shellWord } from '../../core/text.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Correction } from '../correction.ts';
import { type PlanHead, planText } from './plan-text.ts';

/** A plan that is being written: until it is complete, nothing has its name. */
interface PlanFile {
  /** Writes all of it, head first, and gives it its name unless the head is all there is. */
  readonly write: (pieces: Iterable<string>) => Promise<{ readonly entries: number }>;
  /** Removes what was written unless it is complete. Repeatable. */
  readonly close: () => Promise<void>;
}

/**
 * Runs an audit and writes a plan of what it says would mend the damage, for a person to review.
 * Without a correction there is no plan.
 *
 * @throws `not_writable`, if possible before the audit begins; `bad_identity` if the database has
 *   no identity, to which a plan is pinned
 */
export async function withPlan<T extends { readonly corrections: readonly Correction[] }>(
  path: string,
  bank: Bank,
  { context, talk }: AuditHost,
  audit: () => Promise<T>,
): Promise<T> {
  const file = await openPlanFile(path, context);
  try {
    const result = await audit();
    const plan = planText(headOf(bank, context), result.corrections, bank.branches.get);
    const { entries } = await file.write(plan);
    const size = entries === 1 ? '1 entry' : `${entries} entries`;
    talk(
      entries === 0
        ? `There is nothing that a plan could mend: ${path} was not written.`
        : `Wrote a plan with ${size}: review it, then run bankctl repair ${shellWord(path)}.`,
    );
    return result;
  } finally {
    await file.close();
  }
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

/** What is written at once, characters. */
const pieceLength = 256 * 1024;

/**
 * Opens a file for a plan before the audit begins, so that it is known to be writable. It never
 * replaces a file: a plan may have been reviewed, and its ids make a second run of it safe. Only
 * its owner may read it, since it names accounts and balances.
 *
 * @throws `not_writable`, then and while writing
 */
async function openPlanFile(
  path: string,
  { cwd, freshId }: { readonly cwd: string; readonly freshId: () => string },
): Promise<PlanFile> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (errnoCode(error) === 'EEXIST') throw exists(path);
      throw fileError(error, 'not_writable', path, 'Name a file that can be written after --plan.');
    }
  };
  const place = isAbsolute(path) ? path : join(cwd, path);
  if (await stat(place).catch(() => undefined)) throw exists(path);
  const draft = join(dirname(place), `.bankctl-plan.${freshId()}`);
  const file = await guarded(() => open(draft, 'wx', 0o600));
  const close = async () => {
    await file.close();
    await rm(draft, { force: true });
  };
  let closing: Promise<void> | undefined;
  return Object.freeze({
    write: (pieces: Iterable<string>) =>
      guarded(async () => {
        const entries = (await writeAll(file, pieces)) - 1;
        await file.sync();
        if (entries > 0) await nameIt(draft, place);
        return { entries };
      }),
    close: () => {
      closing ??= guarded(close);
      return closing;
    },
  });
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

/** @returns how many pieces there were */
async function writeAll(file: FileHandle, pieces: Iterable<string>): Promise<number> {
  let text = '';
  let number = 0;
  for (const piece of pieces) {
    number += 1;
    text += piece;
    if (text.length < pieceLength) continue;
    await file.appendFile(text);
    text = '';
  }
  await file.appendFile(text);
  return number;
}

function exists(path: string): BankctlError {
  return new BankctlError(
    'not_writable',
    `${path} exists already, and a plan never replaces a file.`,
    'Name a new file after --plan, or remove that one if its plan is no longer needed.',
  );
}
