import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectory } from '../../src/system/directories.ts';
import { temporaryDirectory } from './host.ts';

test('many who make one directory, and those above it, at once all succeed', async () => {
  for (let round = 0; round < 200; round += 1) {
    const path = join(temporaryDirectory(), 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 8 }, () => makeDirectory(path)));
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
});
