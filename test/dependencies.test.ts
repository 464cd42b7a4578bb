import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('docs/dependencies.md has a line for every dependency, as it is installed', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const pinned: readonly (readonly [name: string, version: string])[] = [
    ...Object.entries<string>(dependencies),
    ...Object.entries<string>(devDependencies),
  ];
  const expected = pinned.map(([name, version]) => {
    const { license } = JSON.parse(read(`node_modules/${name}/package.json`));
    return [name, version, license];
  });
  const line =
    /^\| `(?<name>.+?)` \| (?<version>\S+) \| (?<licence>.+?) \| \d{4}-\d\d-\d\d \| \S.*\. \|$/gm;
  const lines = [...read('docs/dependencies.md').matchAll(line)].map(([, ...cells]) => cells);
  expect(lines.sort()).toEqual(expected.sort());
});
