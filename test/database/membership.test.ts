import { expect, test } from 'vitest';
import { membership } from '../../src/system/ownership.ts';

const passwd =
  'root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\nyou:x:7:50::/:/bin/sh\n';

test.each([
  ['alone', 'me:x:1000:', 1000],
  ['alone', 'me:x:1000:me', 1000],
  ['alone', 'web:x:33:me', 33],
  ['others', 'me:x:1000:me,you', 1000],
  ['others', 'users:x:50:me', 50],
  ['unknown', 'nobody:x:33:', 33],
  ['unknown', '', 1000],
])('in a group, the user is %s: %j', (expected, group, gid) => {
  expect(membership(gid, 1000, { passwd, group })).toBe(expected);
});
