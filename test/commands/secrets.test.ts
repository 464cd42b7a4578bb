import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { workspace } from '../workspace.ts';

/** Parts that no message of bankctl's own has, with all that people forget to escape between. */
const secret = fc
  .string({ maxLength: 12, unit: fc.constantFrom(...'abXY:@/?#%&+ "\'<>=,[].;\\`|$!\t') })
  .map((middle) => `Q7zq${middle}qz7Q`);

const places: readonly (readonly [place: string, uri: (secret: string) => string])[] = [
  ['alone', (it) => it],
  ['as a password', (it) => `mongodb://teller:${it}@127.0.0.1:1/`],
  ['escaped', (it) => `mongodb://teller:${encodeURIComponent(it)}@127.0.0.1:1/`],
  ['with srv', (it) => `mongodb+srv://teller:${it}@nowhere.invalid/`],
  ['in quotation marks', (it) => `"mongodb://teller:${it}@127.0.0.1:1/"`],
  ['with its variable', (it) => `BANKCTL_URI=mongodb://teller:${it}@127.0.0.1:1/`],
  // With an @, what follows it is the host, as far as anybody can know.
  ['without an @', (it) => `mongodb://teller:${it.replaceAll('@', '')}`],
  ['of another scheme', (it) => `postgres://teller:${it}@127.0.0.1:1/`],
  ['without a scheme', (it) => `teller:${it}@127.0.0.1:1`],
  ['with a slash too few', (it) => `mongodb:/teller:${it}@127.0.0.1:1/`],
  [
    'in an option',
    (it) => `mongodb://127.0.0.1:1/?proxyHost=h&proxyUsername=u&proxyPassword=${it}`,
  ],
  ['in an escaped option', (it) => `mongodb://127.0.0.1:1/?proxyP%61ssword=${it}`],
  ['for a key', (it) => `mongodb://127.0.0.1:1/?tlsCertificateKeyFilePassword=${it}`],
  ['as a token', (it) => `mongodb://127.0.0.1:1/?authMechanismProperties=AWS_SESSION_TOKEN:${it}`],
  ['as the name of an option', (it) => `mongodb://127.0.0.1:1/?${it}=1`],
  ['as the value of a switch', (it) => `mongodb://127.0.0.1:1/?tls=${it}`],
  ['as a mechanism', (it) => `mongodb://u:p@127.0.0.1:1/?authMechanism=${it}`],
  ['behind a #', (it) => `mongodb://127.0.0.1:1/#${it}`],
];

test('a secret is in no output, wherever it is typed in a connection string', async () => {
  const bank = await workspace();
  const path = join(bank.directory, 'uri');
  const ways = fc.constantFrom('BANKCTL_URI', '--uri', '--uri-file', 'config', 'stress');
  await fc.assert(
    fc.asyncProperty(secret, fc.constantFrom(...places), ways, async (typed, [, uriOf], way) => {
      const uri = uriOf(typed);
      await writeFile(path, way === 'config' ? config(uri) : uri);
      const argv = {
        BANKCTL_URI: ['balance'],
        '--uri': ['balance', '--uri', uri],
        '--uri-file': ['increment', 'branch1', 'A', '1', '--uri-file', path],
        config: ['balance', '--config', path],
        stress: ['stress', '--uri', uri],
      }[way];
      const env = way === 'BANKCTL_URI' ? { BANKCTL_URI: uri } : {};
      const answer = await bank.run([...argv, '--timeout', '20ms', '--json'], {
        env: way === 'config' ? { BANKCTL_URI: 'mongodb://127.0.0.1:1/' } : env,
      });
      expect([2, 3]).toContain(answer.status);
      expect(`${answer.stdout}${answer.stderr}`).not.toMatch(/Q7zq|qz7Q|This is a bug/);
    }),
    { numRuns: 400 },
  );
});

function config(uri: string): string {
  return `uri: ${JSON.stringify(uri)}\nbranches: { branch1: { collection: c } }\n`;
}
