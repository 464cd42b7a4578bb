import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getegid, geteuid } from 'node:process';
import { BankctlError } from '../core/errors.ts';
import { shellWord } from '../core/text.ts';
import { maxLinks, membership, pathSteps, realEyes, userName } from '../system/ownership.ts';

/** Owner and mode of a file or directory that has to be trusted. */
type Owned = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/**
 * Makes sure that nobody but the user and root could have put a file where it was found: not the
 * file itself, nor its directory, nor a symbolic link on the way to it. Like git's
 * `safe.directory`, but also for what others can write.
 *
 * @param opened the stats of the open file, whatever is at the path by now
 * @throws `config_not_trusted`
 */
export async function refuseUntrusted(path: string, opened: Stats): Promise<void> {
  const uid = geteuid?.();
  // Windows has no owners and modes of this kind.
  if (uid === undefined) return;
  refuseOwner(path, path, opened, uid);
  let end = path;
  for (const { path: at, seen, links } of pathSteps(path, realEyes)) {
    end = at;
    if (seen.kind !== 'link') continue;
    if (links > maxLinks) throw refusal(path, `${path} has too many symbolic links.`);
    refuseOwner(path, dirname(at), await lstat(dirname(at)), uid);
    // The mode of a link means nothing; its owner made it.
    refuseOwner(path, at, { ...seen, mode: 0 }, uid);
  }
  refuseOwner(path, dirname(end), await lstat(dirname(end)), uid);
  const found = await lstat(end);
  if (found.ino !== opened.ino || found.dev !== opened.dev) {
    throw refusal(path, `${path} was replaced while it was read.`);
  }
}

/**
 * Makes sure that a config in this directory would be trusted.
 *
 * @throws `config_not_trusted`
 */
export async function refuseUntrustedDirectory(directory: string, path: string): Promise<void> {
  const uid = geteuid?.();
  // If it is missing or cannot be inspected, writing to it fails too, and says why.
  const found = await stat(directory).catch(() => undefined);
  if (uid !== undefined && found) refuseOwner(path, directory, found, uid);
}

/** @param part the file, a link or a directory on the way to it */
function refuseOwner(path: string, part: string, owned: Owned, uid: number): void {
  const subject =
    part === path ? path : `${path} is not used unless you name it: ${part}, on the way to it,`;
  if (owned.uid !== uid && owned.uid !== 0) {
    throw refusal(path, `${subject} belongs to ${userName(owned.uid)}, not to you or root.`);
  }
  const group = (owned.mode & 0o020) !== 0 && !isOwnGroup(owned.gid, uid);
  if ((owned.mode & 0o002) === 0 && !group) return;
  const mode = (owned.mode & 0o7777).toString(8).padStart(4, '0');
  const who = `belongs to ${userName(owned.uid)} and can be written by others`;
  const cure = part === path && owned.uid === uid ? `chmod go-w ${shellWord(part)}` : undefined;
  throw refusal(path, `${subject} ${who} (mode ${mode}).`, cure);
}

function refusal(
  path: string,
  message: string,
  cure = 'keep it in a directory that only you can write',
): BankctlError {
  return new BankctlError(
    'config_not_trusted',
    message,
    `If you mean it, name it with --config ${shellWord(path)} or BANKCTL_CONFIG; else ${cure}.`,
  );
}

function isOwnGroup(gid: number, uid: number): boolean {
  return gid === getegid?.() && membership(gid, uid) === 'alone';
}
