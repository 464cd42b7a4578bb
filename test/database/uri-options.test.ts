import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { databaseNameProblem } from '../../src/config/config.ts';
import { databaseOf } from '../../src/core/uri.ts';
import { withOwnConcerns } from '../../src/core/uri-options.ts';
import { createClient } from '../../src/database/connection.ts';

const weakening = [
  'readConcernLevel=local',
  'journal=false',
  'j=false',
  'w=0',
  'w=1',
  'wtimeoutMS=1',
  'wtimeout=1',
  'readPreference=secondary',
  'readPreferenceTags=dc:ny',
  'readPreferenceTags=',
  'retryWrites=false',
  'retryReads=false',
  'maxStalenessSeconds=120',
  'fsync=false',
];

/** The same option as a person, or an attacker, may write it: in other letters, or escaped. */
const spelling = (option: string) =>
  fc.array(fc.constantFrom('as it is', 'other case', 'escaped'), { minLength: 40 }).map((how) => {
    const [name = '', value = ''] = option.split('=');
    const letters = [...name].map((letter, index) => {
      if (how[index] === 'other case') return swapCase(letter);
      if (how[index] === 'escaped') return `%${letter.charCodeAt(0).toString(16)}`;
      return letter;
    });
    return `${letters.join('')}=${value}`;
  });

function swapCase(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

describe("nothing in the URI weakens bankctl's concerns", () => {
  test('however it is spelt, and how often', async () => {
    const options = fc.array(fc.constantFrom(...weakening).chain(spelling), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(options, fc.boolean(), async (written, slash) => {
        const query = [...written, 'replicaSet=rs0', ...written].join('&');
        const uri = `mongodb://me:pw@a:1,b:2${slash ? '/db' : ''}?${query}`;
        const client = createClient(uri, { timeoutMs: 1000 });
        const { readConcern, writeConcern, readPreference, retryWrites, retryReads, ...rest } =
          client.options;
        expect(readConcern?.level).toBe('majority');
        expect(writeConcern).toEqual(expect.objectContaining({ w: 'majority' }));
        expect(Object.keys(writeConcern ?? {})).toEqual(['w']);
        expect(readPreference).toMatchObject({ mode: 'primary' });
        expect(readPreference.tags).toBeUndefined();
        expect(readPreference.maxStalenessSeconds).toBeUndefined();
        expect([retryWrites, retryReads]).toEqual([true, true]);
        expect(rest).toMatchObject({
          replicaSet: 'rs0',
          serverSelectionTimeoutMS: 1000,
          dbName: slash ? 'db' : 'test',
        });
        await client.close();
      }),
      { numRuns: 300 },
    );
  });

  test('nor the bounds on time', async () => {
    const uri =
      'mongodb://h/?serverSelectionTimeoutMS=99999&socketTimeoutMS=0&connectTimeoutMS=0' +
      '&waitQueueTimeoutMS=0&timeoutMS=1&appName=x&maxPoolSize=1';
    const client = createClient(uri, { timeoutMs: 1000 });
    expect(client.options).toMatchObject({
      serverSelectionTimeoutMS: 1000,
      socketTimeoutMS: 1000,
      connectTimeoutMS: 1000,
      waitQueueTimeoutMS: 1000,
    });
    await client.close();
  });

  test.each(weakening)('%s is named as ignored', (option) => {
    const { uri, ignored } = withOwnConcerns(`mongodb://h/?tls=true&${option}&${option}&appName=x`);
    expect(uri).toBe('mongodb://h/?tls=true&appName=x');
    expect(ignored).toEqual([option.replace(/=.*/, '').toLowerCase()]);
  });

  test('what asks for no less is not worth a word', () => {
    const uri =
      'mongodb://h/db?retryWrites=true&w=majority&readConcernLevel=majority&readPreference=primary';
    expect(withOwnConcerns(uri)).toEqual({ uri: 'mongodb://h/db', ignored: [] });
  });
});

test.each([
  ['promoteValues=false', 'promotevalues'],
  ['promot%65Longs=false', 'promotelongs'],
  ['ignoreUndefined=true', 'ignoreundefined'],
  ['raw=true', 'raw'],
  ['dbName=other', 'dbname'],
  ['monitorCommands=true', 'monitorcommands'],
  ['?w=1', 'of an odd name'],
  ['my secret here=1', 'of an odd name'],
])('what the driver takes from a URI but no connection string has is refused: %s', (text, name) => {
  expect(() => withOwnConcerns(`mongodb://h/?${text}`)).toThrow(
    expect.objectContaining({
      code: 'invalid_uri',
      message: `The connection string cannot be used: option ${name} is not supported.`,
    }),
  );
});

test('the database that is found in a URI is the one that the driver finds', async () => {
  const unit = fc.constantFrom(
    ...'abZ09_-~;=&|^{}<\\+,$!*(',
    '%41',
    '%2e',
    '%C3%A9',
    'é',
    '.',
    '/',
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit, maxLength: 6 }), fc.boolean(), async (path, query) => {
      const uri = `mongodb://me:pw@a:1,b:2/${path}${query ? '?appName=a/b' : ''}`;
      const found = databaseOf(uri);
      const client = createClient(uri, { timeoutMs: 1000 });
      const { dbName } = client.options;
      await client.close();
      const problem = databaseNameProblem(found ?? 'test');
      if (problem === undefined) expect(found ?? 'test').toBe(dbName);
    }),
    { numRuns: 1000 },
  );
});
