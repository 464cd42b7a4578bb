import { describe, expect, test } from 'vitest';
import {
  type Eyes,
  exposedStep,
  foreignFault,
  privacyFault,
  type Seen,
} from '../../src/system/ownership.ts';

type Entry = Partial<Seen> & Pick<Seen, 'mode'>;

/** The eyes of user 1000 on a tree that is only told of. */
function eyes(tree: Readonly<Record<string, Entry>>, uid = 1000): Eyes {
  const whole: Readonly<Record<string, Entry>> = { '/': { uid: 0, mode: 0o755 }, ...tree };
  return {
    uid,
    look: (path) => {
      const entry = whole[path];
      return entry && { kind: 'directory', uid, gid: uid, links: 1, ...entry };
    },
  };
}

const home = { '/home': { uid: 0, mode: 0o755 }, '/home/me': { mode: 0o755 } };
const temporary = { '/tmp': { uid: 0, gid: 0, mode: 0o1777 } };
const link = (target: string, uid = 1000) => ({ kind: 'link' as const, target, uid, mode: 0o777 });

describe('a path is exposed', () => {
  const cases: readonly [string, Eyes, string, RegExp | undefined][] = [
    ['not in a home', eyes(home), '/home/me/x', undefined],
    ['not where nothing is there yet', eyes({}), '/nowhere/at/all', undefined],
    [
      'not by what is ours in /tmp',
      eyes({ ...temporary, '/tmp/x': { mode: 0o700 } }),
      '/tmp/x',
      undefined,
    ],
    [
      "by another user's directory",
      eyes({ ...temporary, '/tmp/x': { uid: 7, mode: 0o755 }, '/tmp/x/y': { mode: 0o700 } }),
      '/tmp/x/y',
      /^\/tmp\/x belongs to another user \(uid 7\)$/,
    ],
    [
      'by a directory that all can write',
      eyes({ '/open': { mode: 0o777 }, '/open/x': { mode: 0o700 } }),
      '/open/x',
      /^\/open can be written by other users \(mode 0777\)$/,
    ],
    ['by a directory of a group', eyes({ '/g': { mode: 0o770, gid: 50 } }), '/g', /\(mode 0770\)$/],
    ["not by one of the user's own group", eyes({ '/g': { mode: 0o775 } }), '/g', undefined],
    [
      "by one of a group of the user's number that has other members",
      { ...eyes({ '/g': { mode: 0o775 } }), membership: () => 'others' },
      '/g',
      /^\/g can be written by other users \(mode 0775\)$/,
    ],
    [
      'not by one of a group in which the user is alone',
      { ...eyes({ '/g': { mode: 0o775, gid: 50 } }), membership: () => 'alone' },
      '/g',
      undefined,
    ],
    [
      'by a file that all can write, sticky or not',
      eyes({ '/f': { kind: 'file', mode: 0o1777 } }),
      '/f',
      /\(mode 1777\)$/,
    ],
    [
      "by another user's link",
      eyes({ ...home, ...temporary, '/tmp/x': link('/home/me', 7) }),
      '/tmp/x',
      /^\/tmp\/x belongs/,
    ],
    [
      'by where a link of ours leads',
      eyes({ ...home, '/home/me/l': link('../../open'), '/open': { mode: 0o777 } }),
      '/home/me/l/x',
      /^\/open can/,
    ],
    ['by a circle of links', eyes({ '/a': link('b'), '/b': link('/a') }), '/a', /too many/],
    [
      'not by the owner of / in a user namespace',
      eyes({ '/': { uid: 65534, mode: 0o755 }, '/usr': { uid: 65534, mode: 0o755 } }),
      '/usr',
      undefined,
    ],
  ];
  test.each(cases)('%s', (_, look, path, fault) => {
    const found = exposedStep(path, look);
    const said = found && `${found.path} ${found.reason}`;
    expect(said).toEqual(fault === undefined ? undefined : expect.stringMatching(fault));
  });

  test('nowhere on a system without owners', () => {
    const { look } = eyes({ '/open': { mode: 0o777 } });
    expect(exposedStep('/open', { uid: undefined, look })).toBeUndefined();
  });
});

test.each([
  ['missing', {}, undefined],
  ['ours', { '/d': { mode: 0o700 } }, undefined],
  ["root's", { '/d': { uid: 0, mode: 0o700 } }, 'belongs to another user (uid 0)'],
  ['open to read', { '/d': { mode: 0o744 } }, 'is open to other users (mode 0744)'],
  ['a link', { '/d': link('/') }, 'is a symbolic link'],
  ['a pipe', { '/d': { kind: 'other', mode: 0o600 } }, 'is not a directory'],
] as const)('a directory that is %s is ours alone, or why not', (_, tree, reason) => {
  expect(privacyFault('/d', eyes(tree))?.reason).toBe(reason);
});

test.each([
  ['a file of ours', { kind: 'file', mode: 0o600 }, undefined],
  ['a file with two names', { kind: 'file', mode: 0o600, links: 2 }, 'has a second name'],
  ["another user's file", { kind: 'file', uid: 7, mode: 0o600 }, 'belongs to another user'],
  ['a pipe', { kind: 'other', mode: 0o600 }, 'is a pipe'],
  ['a link', link('/etc/passwd'), 'is a symbolic link'],
] as const)('%s in the place of a file', (_, entry, reason) => {
  const found = foreignFault('/f', ['file'], eyes({ '/f': entry }));
  expect(found?.reason).toEqual(reason === undefined ? undefined : expect.stringContaining(reason));
});
