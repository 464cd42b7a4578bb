import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { getuid } from 'node:process';
import { membership } from './membership.ts';

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

/** Looks at paths as one user; a test hands in its own. */
export interface Eyes {
  /** This user; undefined where files have no owners, as on Windows. */
  readonly uid: number | undefined;
  /** undefined where there is nothing, or nothing that may be looked at. */
  readonly look: (path: string) => Seen | undefined;
  /** Who is in a group; not known where this is left out. */
  readonly membership?: (gid: number) => ReturnType<typeof membership>;
}

/** A step of a path that somebody else could replace, and why, as one clause. */
export interface Fault {
  readonly path: string;
  readonly reason: string;
}

/** This process's own. */
export const realEyes: Eyes = {
  uid: getuid?.(),
  look: lookAt,
  membership: (gid) => membership(gid, getuid?.() ?? 0),
};

const othersMayWrite = 0o002;
const groupMayWrite = 0o020;
const sticky = 0o1000;
const anyOther = 0o077;

/** As many as Linux follows. */
const mostLinks = 40;

/** What a path is asked for. */
export interface ExposureOptions {
  /** Whether a group that may write counts: programs are kept by groups of administrators. */
  readonly groups?: boolean;
}

/**
 * The first step of an absolute path by which another user could put something else at its end:
 * one that belongs to neither this user nor root, or that others can write. Links are followed step
 * by step, and count as steps. In a directory with the sticky bit, such as /tmp, others can add
 * but not replace, so only what they own counts. What is not there yet cannot be at fault.
 */
export function exposedStep(
  path: string,
  eyes: Eyes = realEyes,
  { groups = true }: ExposureOptions = {},
): Fault | undefined {
  if (eyes.uid === undefined) return undefined;
  const pending = path.split(sep);
  let links = 0;
  let at: string = sep;
  for (let name: string | undefined = '.'; name !== undefined; name = pending.shift()) {
    if (name === '' || name === '..') {
      if (name === '..') at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const seen = eyes.look(next);
    if (seen === undefined) return undefined;
    const reason = exposure(seen, eyes, groups);
    if (reason !== undefined) return { path: next, reason };
    if (seen.kind !== 'link') {
      at = next;
      continue;
    }
    links += 1;
    if (links > mostLinks) return { path: next, reason: 'has too many symbolic links' };
    const target = seen.target ?? '';
    pending.unshift(...target.split(sep));
    if (target.startsWith(sep)) at = sep;
  }
  return undefined;
}

/** Why others could change what is there, as a clause; undefined where they cannot. */
function exposure({ kind, uid, gid, mode }: Seen, eyes: Eyes, groups: boolean): string | undefined {
  if (!isTrusted(uid, eyes)) return `belongs to another user (uid ${uid})`;
  if (kind === 'link') return undefined;
  const byGroup = groups && (mode & groupMayWrite) !== 0 && gid !== 0 && !isOwnGroup(gid, eyes);
  const open = (mode & othersMayWrite) !== 0 || byGroup;
  const stays = kind === 'directory' && (mode & sticky) !== 0;
  return open && !stays ? `can be written by other users (mode ${octal(mode)})` : undefined;
}

/** One of the user's own number is the user's alone, unless the machine says otherwise. */
function isOwnGroup(gid: number, { uid, membership }: Eyes): boolean {
  const members = membership?.(gid) ?? 'unknown';
  return members === 'alone' || (members === 'unknown' && gid === uid);
}

/**
 * This user and root; and the owner of `/`, who could replace everything and who, in a user
 * namespace, is root by another number.
 */
function isTrusted(uid: number, eyes: Eyes): boolean {
  return uid === eyes.uid || uid === 0 || uid === eyes.look(sep)?.uid;
}

/**
 * Why a directory is not this user's alone: it or a step to it is exposed, it is something else,
 * or others can enter it. undefined where it is, or is not there.
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
 * Why something in a private directory cannot be a file of ours; undefined where it can, or where
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
