import { readFileSync } from 'node:fs';

/** The texts of the files in which a machine keeps its users and groups. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Who is in a group, as the files of this machine say: the user and nobody else, as where each user
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

/** A user's name, where the files of this machine have it. */
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
