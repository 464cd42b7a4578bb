import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { getuid } from 'node:process';

/** What one step of a path is, links not followed. */
export interface Seen {
  readonly kind: 'directory' | 'file' | 'link' | 'socket' | 'other';
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly links: number;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** Looks at paths as one user; a test passes its own. */
export interface Eyes {
  /** This user; undefined if files have no owners, as on Windows. */
  readonly uid: number | undefined;
  /** undefined if nothing is there, or it may not be looked at. */
  readonly look: (path: string) => Seen | undefined;
  /** Who is in a group; unknown by default. */
  readonly membership?: (gid: number) => ReturnType<typeof membership>;
}

/** A step of a path that somebody else could replace, and why, as one clause. */
export interface Fault {
  readonly path: string;
  readonly reason: string;
}

/** The view of this process. */
export const realEyes: Eyes = {
  uid: getuid?.(),
  look: lookAt,
  membership: (gid) => membership(gid, getuid?.() ?? 0),
};

const othersMayWrite = 0o002;
const groupMayWrite = 0o020;
const sticky = 0o1000;
const anyOther = 0o077;

/** The maximum of symbolic links that Linux follows in a path. */
export const maxLinks = 40;

/** What counts as exposed. */
interface ExposureOptions {
  /** Whether a group that may write counts: programs are kept by groups of administrators. */
  readonly groups?: boolean;
}

/**
 * The first step of an absolute path by which another user could put something else at its end:
 * one that belongs to neither this user nor root, or that others can write. Links are followed step
 * by step, and count as steps. In a directory with the sticky bit, such as /tmp, others can add
 * but not replace, so only what they own counts. What does not exist yet is no fault.
 */
export function exposedStep(
  path: string,
  eyes: Eyes = realEyes,
  { groups = true }: ExposureOptions = {},
): Fault | undefined {
  if (eyes.uid === undefined) return undefined;
  for (const { path: at, seen, links } of pathSteps(path, eyes)) {
    const reason = exposure(seen, eyes, groups);
    if (reason !== undefined) return { path: at, reason };
    if (links > maxLinks) return { path: at, reason: 'has too many symbolic links' };
  }
  return undefined;
}

/** One step of a path: a directory on the way, a link, or what is at the end. */
interface PathStep {
  readonly path: string;
  readonly seen: Seen;
  /** How many links have been met so far, this one included. */
  readonly links: number;
}

/**
 * The steps of an absolute path from the root on, as far as it exists. A link is a step, after
 * which its target's steps follow; a caller that sees more than `maxLinks` has to stop.
 */
export function* pathSteps(path: string, { look }: Pick<Eyes, 'look'>): Generator<PathStep> {
  const pending = path.split(sep);
  let links = 0;
  let at: string = sep;
  for (let name: string | undefined = '.'; name !== undefined; name = pending.shift()) {
    if (name === '' || name === '..') {
      if (name === '..') at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const seen = look(next);
    if (seen === undefined) return;
    if (seen.kind === 'link') links += 1;
    yield { path: next, seen, links };
    if (seen.kind !== 'link') {
      at = next;
      continue;
    }
    const target = seen.target ?? '';
    pending.unshift(...target.split(sep));
    if (target.startsWith(sep)) at = sep;
  }
}

/** Why others could change what is there, as a clause; undefined if they cannot. */
function exposure({ kind, uid, gid, mode }: Seen, eyes: Eyes, groups: boolean): string | undefined {
  if (!isTrusted(uid, eyes)) return `belongs to another user (uid ${uid})`;
  if (kind === 'link') return undefined;
  const byGroup = groups && (mode & groupMayWrite) !== 0 && gid !== 0 && !isOwnGroup(gid, eyes);
  const open = (mode & othersMayWrite) !== 0 || byGroup;
  const stays = kind === 'directory' && (mode & sticky) !== 0;
  return open && !stays ? `can be written by other users (mode ${octal(mode)})` : undefined;
}

/** A group with the user's own number is the user's alone, unless the machine says otherwise. */
function isOwnGroup(gid: number, { uid, membership }: Eyes): boolean {
  const members = membership?.(gid) ?? 'unknown';
  return members === 'alone' || (members === 'unknown' && gid === uid);
}

/**
 * This user and root; and the owner of `/`, who could replace everything and who, in a user
 * namespace, is root under another number.
 */
function isTrusted(uid: number, eyes: Eyes): boolean {
  return uid === eyes.uid || uid === 0 || uid === eyes.look(sep)?.uid;
}

/**
 * Why a directory is not this user's alone: it or a step to it is exposed, it is not a directory,
 * or others can enter it. undefined if it is private, or does not exist.
 */
export function privacyFault(path: string, eyes: Eyes = realEyes): Fault | undefined {
  const seen = eyes.look(path);
  if (seen === undefined) return exposedStep(dirname(path), eyes);
  if (seen.kind === 'link') return { path, reason: 'is a symbolic link' };
  if (seen.kind !== 'directory') return { path, reason: 'is not a directory' };
  if (eyes.uid === undefined) return undefined;
  if (seen.uid !== eyes.uid) return { path, reason: `belongs to another user (uid ${seen.uid})` };
  if ((seen.mode & anyOther) !== 0) {
    return { path, reason: `is open to other users (mode ${octal(seen.mode)})` };
  }
  return exposedStep(path, eyes);
}

/**
 * Why something in a private directory cannot be a file of ours; undefined if it can, or if
 * there is nothing.
 *
 * @param kinds what it may be; `hard link` is a file with more than one name
 */
export function foreignFault(
  path: string,
  kinds: readonly (Seen['kind'] | 'hard link')[],
  eyes: Eyes = realEyes,
): Fault | undefined {
  const seen = eyes.look(path);
  if (seen === undefined) return undefined;
  if (!kinds.includes(seen.kind)) return { path, reason: `is ${article[seen.kind]}` };
  if (eyes.uid !== undefined && seen.uid !== eyes.uid) {
    return { path, reason: `belongs to another user (uid ${seen.uid})` };
  }
  return seen.kind === 'file' && seen.links > 1 && !kinds.includes('hard link')
    ? { path, reason: 'has a second name elsewhere (a hard link)' }
    : undefined;
}

const article = {
  directory: 'a directory',
  file: 'a file',
  link: 'a symbolic link',
  socket: 'a socket',
  other: 'a pipe or a device',
} as const;

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function lookAt(path: string): Seen | undefined {
  try {
    const stats = lstatSync(path);
    const { uid, gid, mode, nlink } = stats;
    const kind = kindOf(stats);
    const seen = { kind, uid, gid, mode, links: nlink };
    return kind === 'link' ? { ...seen, target: readlinkSync(path) } : seen;
  } catch {
    return undefined;
  }
}

function kindOf(stats: Stats): Seen['kind'] {
  if (stats.isDirectory()) return 'directory';
  if (stats.isFile()) return 'file';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isSocket() ? 'socket' : 'other';
}

/** The texts of the files in which a machine keeps its users and groups. */
interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Who is in a group, as the files of this machine say: the user and nobody else, as when each user
 * has a group of their own; others as well; or members that come from elsewhere, so that they
 * cannot be known.
 */
export function membership(
  gid: number,
  uid: number,
  { passwd, group }: UserFiles = userFiles(),
): 'alone' | 'others' | 'unknown' {
  const users = entries(passwd);
  const names = users.filter(([, , id]) => id === String(uid)).map(([name]) => name);
  const entry = entries(group).find(([, , id]) => id === String(gid));
  const members = (entry?.[3] ?? '').split(',').filter((name) => name !== '');
  const primary = users.filter(([, , , id]) => id === String(gid));
  if (members.some((name) => !names.includes(name))) return 'others';
  if (primary.some(([, , id]) => id !== String(uid))) return 'others';
  return entry !== undefined && members.length + primary.length > 0 ? 'alone' : 'unknown';
}

/** A user's name, if the files of this machine have it. */
export function userName(uid: number): string {
  const found = entries(userFiles().passwd).find(([, , id]) => id === String(uid));
  return found?.[0] ?? `the user ${uid}`;
}

function userFiles(): UserFiles {
  return { passwd: textOf('/etc/passwd'), group: textOf('/etc/group') };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The lines of a file of the system, by their fields. */
function entries(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split(':'));
}
