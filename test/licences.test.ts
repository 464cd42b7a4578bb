import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The directories of the packages that the program and its page are bundled of. */
async function bundledPackages(): Promise<readonly string[]> {
  const manifest: { dependencies: Record<string, string> } = JSON.parse(read('package.json'));
  // What mongodb loads only where it is installed, and what is installed beside bankctl.
  const absent = ['@aws-sdk/*', '@mongodb-js/zstd', 'gcp-metadata', 'kerberos', 'snappy', 'socks'];
  const beside = ['mongodb-client-encryption', 'mongodb-memory-server', 'yauzl'];
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts', 'src/render/html/page/page.ts'],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    outdir: 'unused',
    metafile: true,
    logLevel: 'error',
    external: [...absent, ...beside, 'virtual:report-page'],
  });
  expect(Object.keys(manifest.dependencies)).toEqual(
    expect.arrayContaining(beside.filter((name) => name !== 'mongodb-client-encryption')),
  );
  const inPackage = /^node_modules\/(?:@[^/]+\/)?[^/]+/;
  const found = Object.keys(metafile.inputs).flatMap((path) => inPackage.exec(path)?.[0] ?? []);
  return [...new Set(found)].sort();
}

test('the licence of every bundled package is shipped, with its text', async () => {
  const shipped = read('dist/THIRD-PARTY-LICENSES.txt');
  const packages = await bundledPackages();
  expect(packages.length).toBeGreaterThan(20);
  for (const directory of packages) {
    const { name, version } = JSON.parse(read(join(directory, 'package.json')));
    expect(shipped).toContain(`\n${name} ${version} (`);
    const files = readdirSync(join(root, directory)).filter((file) => /^licen[cs]e/i.test(file));
    for (const file of files) expect(shipped).toContain(read(join(directory, file)).trim());
    const [, section = ''] = shipped.split(`\n${name} ${version} (`);
    expect(section).toMatch(/Permission is|Redistribution|TERMS AND CONDITIONS|permission to/);
  }
  expect(JSON.parse(read('package.json')).files).toContain('dist');
});
