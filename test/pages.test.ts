import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replayed, takeExample } from './console-page.ts';
import { workspace } from './workspace.ts';

const docs = join(import.meta.dirname, '..', 'docs');

/** `npm run docs` writes what the commands print now into the page. */
test('docs/tutorial.md shows what its commands print', async () => {
  const bank = await workspace();
  await takeExample('tutorial', bank);
  const path = join(docs, 'tutorial.md');
  const page = await replayed(await readFile(path, 'utf8'), bank);
  await expect(page).toMatchFileSnapshot(path);
});
