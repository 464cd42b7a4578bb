// Bundles src into dist: one small entry, and chunks that are loaded by the paths that need them.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const manifest = JSON.parse(await readFile('package.json', 'utf8'));

// What mongodb loads only if it is installed, and mongodb-memory-server, which finds its files by
// their place.
const external = [
  'mongodb-memory-server',
  'yauzl',
  '@aws-sdk/credential-providers',
  '@mongodb-js/zstd',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
];

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/main.ts', 'load-thread': 'src/stress/load-thread.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external,
  define: { BANKCTL_VERSION: JSON.stringify(manifest.version) },
  // Packages in CommonJS ask for Node's own modules by require.
  banner: {
    js: "import{createRequire as bankctlRequire}from'node:module';const require=bankctlRequire(import.meta.url);",
  },
});

await build({
  entryPoints: ['src/config/schema.ts'],
  outfile: 'dist/schema-source.mjs',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
});
const { configJsonSchema } = await import('../dist/schema-source.mjs');
await rm('dist/schema-source.mjs');
await mkdir('schema', { recursive: true });
const schema = JSON.stringify(configJsonSchema(), null, 2);
await writeFile('schema/bankctl.config.schema.json', `${schema}\n`);
