import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasPassword, redact } from '../../src/core/redaction.ts';
import { checkUri, hostsOf } from '../../src/core/uri.ts';
import { uriFromFile } from '../../src/system/uri-file.ts';
import { temporaryDirectory } from './host.ts';

const never = new AbortController().signal;

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
  [
    'mongodb://h/?authMechanismProperties=A:b,AWS_SESSION_TOKEN:a b,c&d=e',
    'mongodb://h/?authMechanismProperties=A:b,AWS_SESSION_TOKEN:***&d=e',
  ],
  ['mongodb://h/?proxyPassword=my pw&a=b', 'mongodb://h/?proxyPassword=***&a=b'],
  ['mongodb://h/?a=b&PROXYP%61ssword=pw&c', 'mongodb://h/?a=b&PROXYP%61ssword=***&c'],
  ['mongodb://me:p\nw@host/ failed', 'mongodb://me:***@host/ failed'],
  ['mongodb:/me:pw@host', 'mongodb:/me:***@host'],
  ['mongodb://m.e:secret', 'mongodb://m.e:***'],
  ['postgres://me:pw@host/db', 'postgres://me:***@host/db'],
  ['redis://:pw@host', 'redis://:***@host'],
  ['mongo://me:p\nw@host,\nsee a', 'mongo://me:***@host,\nsee a'],
  ['postgres://me:1/2@host', 'postgres://me:***@host'],
  ['x://me:p w\nx y@host', 'x://me:***@host'],
  ['mongodb://host:1 or\nsee mo://me:pw@h', 'mongodb://host:1 or\nsee mo://me:***@h'],
  // Nothing to hide.
  ['see https://host:80/a, not me@b', 'see https://host:80/a, not me@b'],
  ['https://host: it is gone, says me@b', 'https://host: it is gone, says me@b'],
  ['https://[::1]:80/ is me@b', 'https://[::1]:80/ is me@b'],
  ['mongodb://h:1 is down.\nAsk me@b', 'mongodb://h:1 is down.\nAsk me@b'],
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

const password = fc
  .string({ maxLength: 20, unit: fc.constantFrom(...'abcXYZ:@/?#%&+ "\'<>=,\n[.') })
  .map((middle) => `Q7${middle}7Q`);

test('redact never leaves a password, whatever is in it, on one line', () => {
  const scheme = fc.constantFrom('mongodb', 'mongodb+srv', 'postgres', 'mongo', 'x-y');
  fc.assert(
    fc.property(password, scheme, (typed, name) => {
      const secret = typed.replaceAll('\n', '');
      const shown = redact(`cannot connect to ${name}://me:${secret}@example.org/db?w=1 now`);
      expect(shown).not.toMatch(/Q7|7Q/);
      expect(redact(shown)).toBe(shown);
    }),
    { numRuns: 500 },
  );
});

test('a connection string is never quoted with its password, nor taken for one without', () => {
  const before = [
    'mongodb://',
    'mongodb+srv://',
    'mongodb:/',
    'mongodb:',
    'postgres://',
    'mo://',
    '',
  ];
  fc.assert(
    fc.property(password, fc.constantFrom(...before), (secret, scheme) => {
      const uri = `${scheme}root:${secret}@host:99999/`;
      expect(thrown(() => checkUri(uri, 'here')).message).not.toMatch(/Q7|7Q/);
      expect(hasPassword(uri)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('redact leaves any text without an @ alone, unless it is MongoDB', () => {
  const words = fc.constantFrom('x://', 'a', ':', '/', ' ', '\n', '80', '"', 'https://h:1', '.');
  fc.assert(
    fc.property(fc.array(words), (parts) => {
      const text = parts.join('');
      expect(redact(text)).toBe(text);
    }),
  );
});

test.each([
  'a',
  'x://',
  'x://u:',
  'x://u:1/',
  'x://u:p ',
  'x://u:1 @',
  'mongodb://',
  'mongodb://u:',
])('redact takes a time linear in the length of %j again and again', (part) => {
  const took = (length: number) => {
    const text = part.repeat(length / part.length);
    const started = process.cpuUsage().user;
    for (const end of ['', '@', '\n@h']) redact(text + end);
    return process.cpuUsage().user - started;
  };
  took(5000);
  // Quadratic time would be 400 times as much; the milliseconds are for the clock's grain.
  expect(took(100_000)).toBeLessThan(100 * took(5000) + 200_000);
});

test.each([
  ['mongodb://me:pw@host/', true],
  ['mongodb://me@host/', false],
  ['root:pw@host', true],
  ['mongodb:pw@host', true],
  ['mongodb://u:SECR\nETXX@h', true],
  ['host:27017', false],
  ['mongodb://me:@host/', false],
  ['mongodb://host:27017/', false],
  ['mongodb://host/?proxyPassword=x', true],
  ['mongodb://host/?proxyP%61ssword=x', true],
  ['mongodb://host/?authMechanismProperties=A:b,AWS_SESSION_TOKEN:x', true],
  ['mongodb://host/?replicaSet=rs0&appName=proxyPassword', false],
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
  ])('takes %s', (uri) => expect(checkUri(uri, 'here')).toBe(uri));

  test.each([
    ['', 'is empty'],
    ['  ', 'is empty'],
    ['host:27017', 'does not begin with'],
    ['https://host', 'does not begin with'],
    ['mongodb:/host', 'does not begin with'],
    ['postgres://root:secret@h', 'in BANKCTL_URI does not begin with'],
    ['mongo://root:secret@h', 'does not begin with'],
    ['mongodb:/root:secret@h', 'does not begin with'],
    ['root:secret@h', 'does not begin with'],
    ['root:secret', 'does not begin with'],
    ['secret', 'does not begin with'],
    ['mongodb://u:secr\net@h', 'space is %20'],
    ['"mongodb://u:secret@h"', 'quotation marks'],
    ["'mongodb://u:secret@h/", 'quotation marks'],
    ['“mongodb://u:secret@h”', 'quotation marks'],
    ['BANKCTL_URI=mongodb://u:secret@h', 'name of a variable'],
    ['export BANKCTL_URI="mongodb://u:secret@h"', 'quotation marks'],
    ['mongodb://me:sec#ret@host/', '# is %23'],
    ['mongodb://me:sec[ret@host/', '[ is %5B'],
    ['mongodb://me:sec:ret@host/', ': is %3A'],
    ['mongodb://me:sec ret@host/', 'space is %20'],
    ['mongodb://me:sec?ret@host/', '? is %3F'],
    ['mongodb://sec#ret:x@host/', '# is %23'],
    ['mongodb://host/?appName=x#secret', 'has a #'],
    ['mongodb://host/?proxyPassword=sec ret', 'white space'],
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
    const error = thrown(() => checkUri(uri, 'in BANKCTL_URI'));
    expect(error).toMatchObject({ code: 'invalid_uri', message: expect.stringContaining(reason) });
    expect(error.message).not.toMatch(/sec/);
    expect(error.message).not.toContain('\u0000');
  });
});

describe('uriFromFile', () => {
  const cases: readonly (readonly [string, (path: string) => void, string])[] = [
    ['that is missing', () => undefined, 'there is no such file'],
    ['that is a directory', (path) => mkdirSync(path), 'is a directory'],
    ['that is empty', (path) => writeFileSync(path, ' \n'), 'is empty'],
    [
      'with two lines',
      (path) => writeFileSync(path, 'mongodb://a\nmongodb://b\n'),
      'more than one line',
    ],
    ['with something else', (path) => writeFileSync(path, 'password=secret'), 'name of a variable'],
    ['of UTF-16', (path) => writeFileSync(path, '\uFEFFmongodb://secret', 'utf16le'), 'is UTF-16'],
    ['in quotation marks', (path) => writeFileSync(path, '"mongodb://secret"\r\n'), 'quotation'],
    ['of great size', (path) => writeFileSync(path, 'x'.repeat(70_000)), 'more than 64 KiB'],
  ];
  async function refusal(path: string): Promise<Error> {
    return uriFromFile(path, never).then(
      () => Promise.reject(new Error('It did not throw.')),
      (error: Error) => error,
    );
  }

  test.each(cases)('refuses a file %s', async (_, make, reason) => {
    const path = join(temporaryDirectory(), 'uri');
    make(path);
    const error = await refusal(path);
    expect(error).toMatchObject({ code: 'invalid_uri', message: expect.stringContaining(reason) });
    expect(error.message).not.toContain('secret');
  });

  test('refuses a device and a socket', async () => {
    expect((await refusal('/dev/zero')).message).toContain('neither a file nor a pipe');
    const path = join(temporaryDirectory(), 'socket');
    const server = createServer().listen(path);
    await once(server, 'listening');
    expect((await refusal(path)).message).toContain('neither a file nor a pipe');
    server.close();
  });

  test('refuses one that may not be read', async () => {
    const path = join(temporaryDirectory(), 'uri');
    writeFileSync(path, 'mongodb://host');
    chmodSync(path, 0);
    // The superuser may read everything.
    if (process.getuid?.() === 0) expect(await uriFromFile(path, never)).toBe('mongodb://host');
    else expect((await refusal(path)).message).toContain('permission denied');
  });

  test('takes one line, with its white space and byte order mark left off', async () => {
    const path = join(temporaryDirectory(), 'uri');
    writeFileSync(path, '\uFEFF mongodb://me:pw@host/ \r\n');
    expect(await uriFromFile(path, never)).toBe('mongodb://me:pw@host/');
  });

  test('waits for a pipe without blocking, and for Ctrl-C', async () => {
    const path = join(temporaryDirectory(), 'pipe');
    execFileSync('mkfifo', [path]);
    const taken = uriFromFile(path, never);
    await writeFile(path, 'mongodb://host\n');
    expect(await taken).toBe('mongodb://host');

    const endless = expect(uriFromFile(path, never)).rejects.toThrow('more than 64 KiB');
    await writeFile(path, 'x'.repeat(70_000)).catch(() => undefined);
    await endless;

    const controller = new AbortController();
    const waiting = uriFromFile(path, controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
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
