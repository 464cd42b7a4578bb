import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { commands } from '../src/commands/index.ts';
import { manPage } from './man-page.ts';
import { installed } from './shells/debian-packages.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const path = join(root, 'man', 'bankctl.1');
const { version, man, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The page is made from the list of commands; `npm run docs` writes it anew. */
test('man/bankctl.1 is what the program says', async () => {
  await expect(manPage(version)).toMatchFileSnapshot(path);
});

test('the package has it where man looks', () => {
  expect([man, files.includes('man')]).toEqual(['man/bankctl.1', true]);
});

test('mandoc finds nothing wrong with it, and shows every command', async () => {
  const mandoc = await installed('mandoc');
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-man-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const page = join(directory, 'bankctl.1');
  await writeFile(page, manPage(version));
  const env = { ...process.env, ...mandoc.env };
  const lint = await run(mandoc.path, ['-T', 'lint', '-W', 'warning', page], { env }).catch(
    (error: { readonly stdout: string }) => error,
  );
  // It has no date: the page changes with the program, not with the calendar.
  const warnings = lint.stdout.split('\n').filter((line) => !/^$|missing date/.test(line));
  expect(warnings).toEqual([]);
  const { stdout } = await run(mandoc.path, ['-T', 'utf8', '-O', 'width=80', page], { env });
  const text = stdout.replaceAll(new RegExp(`.${'\b'}`, 'g'), '');
  for (const { name, examples } of commands) {
    expect(text).toMatch(new RegExp(`^ +${name}$`, 'm'));
    expect(text.replace(/\s+/g, ' ')).toContain(examples[0]?.replace(/\s+/g, ' '));
  }
  expect(text).toMatch(/-o, --output FORMAT/);
  expect(text).toMatch(/--uri-file PATH/);
});
