import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkUri, hasPassword, hostsOf, readUriFile, redact } from '../../src/database/uri.ts';
import { temporaryDirectory } from './host.ts';

test.each([
  ['mongodb://me:pw@host/db', 'mongodb://me:***@host/db'],
  ['mongodb+srv://me:pw@host/?a=b', 'mongodb+srv://me:***@host/?a=b'],
  ['MONGODB://me:pw@host', 'MONGODB://me:***@host'],
  [
    'at mongodb://me:pw@a:1,b:2/ and mongodb://x:y@c.',
    'at mongodb://me:***@a:1,b:2/ and mongodb://x:***@c.',
  ],
  ['mongodb://me:p@s@host/', 'mongodb://me:***@host/'],
  ['mongodb://me:p/s?w@host/', 'mongodb://me:***@host/'],
  ['mongodb://me:p:w@host/', 'mongodb://me:***@host/'],
  ['mongodb://me:p w@host/', 'mongodb://me:***@host/'],
  ['mongodb://me:p"w@host/', 'mongodb://me:***@host/'],
  ['mongodb://me:12345"w@host/', 'mongodb://me:***@host/'],
  ['mongodb://me:secret', 'mongodb://me:***'],
  ['"mongodb://me:pw@%2Ftmp%2Fm.sock/"', '"mongodb://me:***@%2Ftmp%2Fm.sock/"'],
  [
    'mongodb://h/?tlsCertificateKeyFilePassword=pw&a=b',
    'mongodb://h/?tlsCertificateKeyFilePassword=***&a=b',
  ],
  [
    'mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:abc',
    'mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:***',
  ],
  // Nothing to hide.
  ['mongodb://host:27017/db', 'mongodb://host:27017/db'],
  ['mongodb://a:1,b:2', 'mongodb://a:1,b:2'],
  ['see mongodb://host:27017.', 'see mongodb://host:27017.'],
  ['mongodb://me@host:27017/', 'mongodb://me@host:27017/'],
  ['mongodb://[::1]:27017/', 'mongodb://[::1]:27017/'],
  ['no connection string: a:b@c', 'no connection string: a:b@c'],
])('redact %j', (text, expected) => {
  expect(redact(text)).toBe(expected);
  expect(redact(expected)).toBe(expected);
});

test('redact never leaves a password, whatever is in it', () => {
  const password = fc.string({
    minLength: 4,
    maxLength: 20,
    unit: fc.constantFrom(...'abcXYZ:@/?#%&+ "\'<>=,'),
  });
  fc.assert(
    fc.property(password, fc.constantFrom('mongodb', 'mongodb+srv'), (middle, scheme) => {
      const secret = `Q7${middle}7Q`;
      const shown = redact(`cannot connect to ${scheme}://me:${secret}@example.org/db?w=1 now`);
      expect(shown).not.toContain('Q7');
      expect(shown).not.toContain('7Q');
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['mongodb://me:pw@host/', true],
  ['mongodb://me@host/', false],
  ['mongodb://me:@host/', false],
  ['mongodb://host:27017/', false],
  ['mongodb://host/?proxyPassword=x', true],
])('hasPassword %s is %s', (uri, expected) => expect(hasPassword(uri)).toBe(expected));

test.each([
  ['mongodb://me:pw@a:1,b/db', 'a:1, b'],
  ['mongodb+srv://me:p@w@cluster.example.org/?x=y', 'cluster.example.org'],
  ['mongodb://%2Ftmp%2Fm.sock/?directConnection=true', '/tmp/m.sock'],
  ['mongodb://[::1]:27017', '[::1]:27017'],
])('hostsOf %s', (uri, expected) => expect(hostsOf(uri)).toBe(expected));

describe('checkUri', () => {
  test.each([
    'mongodb://host',
    'mongodb://host:27017/',
    'mongodb://a:1,b:2,c/db?w=1',
    'mongodb://me:p%40w@host/',
    'mongodb+srv://me:pw@cluster.example.org/db',
    'mongodb://[::1]:27017/',
    'mongodb://%2Ftmp%2Fm.sock',
  ])('takes %s', (uri) => expect(checkUri(uri)).toBe(uri));

  test.each([
    ['', 'is empty'],
    ['  ', 'is empty'],
    ['host:27017', 'does not begin with'],
    ['https://host', 'does not begin with'],
    ['mongodb:/host', 'does not begin with'],
    ['mongodb://', 'names no host'],
    ['mongodb:///db', 'names no host'],
    ['mongodb://me:secret@/db', 'names no host'],
    ['mongodb://me:sec@ret@host/', '%40'],
    ['mongodb://me:sec/ret@host/', '%2F'],
    ['mongodb://me:sec%ret@host/', '%25'],
    ['mongodb://ho st/', 'white space'],
    ['mongodb://host\u0000/', 'control'],
    ['mongodb://me:secret@host:99999/', 'port'],
    ['mongodb://host:0/', 'port'],
    ['mongodb://host:abc/', 'port'],
    ['mongodb://host:/', 'port'],
    ['mongodb://a,,b/', 'empty host'],
    ['mongodb://a:1:2/', 'port'],
    ['mongodb+srv://a,b/', 'more than one host'],
    ['mongodb+srv://a:27017/', 'port'],
  ])('refuses %j', (uri, reason) => {
    const error = thrown(() => checkUri(uri));
    expect(error).toMatchObject({ code: 'invalid_uri', message: expect.stringContaining(reason) });
    expect(error.message).not.toMatch(/secret|sec[@/%]ret/);
    expect(error.message).not.toContain('\u0000');
  });
});

describe('readUriFile', () => {
  const cases: readonly (readonly [string, (path: string) => void, string])[] = [
    ['that is missing', () => undefined, 'does not exist'],
    ['that is a directory', (path) => mkdirSync(path), 'is a directory'],
    ['that is empty', (path) => writeFileSync(path, ' \n'), 'is empty'],
    [
      'with two lines',
      (path) => writeFileSync(path, 'mongodb://a\nmongodb://b\n'),
      'more than one line',
    ],
    [
      'with something else',
      (path) => writeFileSync(path, 'password=secret'),
      'does not begin with',
    ],
  ];
  test.each(cases)('refuses a file %s', (_, make, reason) => {
    const path = join(temporaryDirectory(), 'uri');
    make(path);
    expect(thrown(() => readUriFile(path))).toMatchObject({
      code: 'invalid_uri',
      message: expect.stringContaining(reason),
    });
  });

  test('refuses one that may not be read', () => {
    const path = join(temporaryDirectory(), 'uri');
    writeFileSync(path, 'mongodb://host');
    chmodSync(path, 0);
    // The superuser may read everything.
    if (process.getuid?.() === 0) expect(readUriFile(path)).toBe('mongodb://host');
    else expect(thrown(() => readUriFile(path)).message).toContain('may not be read');
  });

  test('takes one line, with its white space and byte order mark left off', () => {
    const path = join(temporaryDirectory(), 'uri');
    writeFileSync(path, '\uFEFF mongodb://me:pw@host/ \r\n');
    expect(readUriFile(path)).toBe('mongodb://me:pw@host/');
  });
});

function thrown(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('It did not throw.');
}
