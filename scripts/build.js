// Bundles src into dist: one small entry, and chunks that are loaded by the paths that need them.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import * as mongodb from 'mongodb';
import { esbuildPage } from './page.js';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // What mongodb loads only where it is installed, and what finds its files by their place.
  external: [
    '@aws-sdk/credential-providers',
    '@mongodb-js/zstd',
    'gcp-metadata',
    'kerberos',
    'mongodb-client-encryption',
    'mongodb-memory-server',
    'snappy',
    'socks',
    'yauzl',
  ],
  // Packages in CommonJS ask for Node's own modules by require.
  banner: {
    js: "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);",
  },
};

// Made beside dist and swapped in when it is whole, so that a build that fails breaks nothing.
const outdir = `dist.${process.pid}`;

try {
  await bundle();
  await rm('dist', { recursive: true, force: true });
  await rename(outdir, 'dist');
} finally {
  await rm(outdir, { recursive: true, force: true });
}
await writeSchema();

async function bundle() {
  // The driver is one file of its own, as small as it gets: reading it is most of a start.
  const names = Object.keys(mongodb).filter((name) => /^[A-Z]\w*$/.test(name));
  await build({
    ...shared,
    stdin: { contents: `export { ${names.join(', ')} } from 'mongodb';`, resolveDir: '.' },
    outfile: `${outdir}/driver.js`,
    minify: true,
  });

  const driver = {
    name: 'driver',
    setup({ onResolve }) {
      onResolve({ filter: /^mongodb$/ }, () => ({ path: './driver.js', external: true }));
    },
  };
  await build({
    ...shared,
    entryPoints: {
      main: 'src/main.ts',
      'load-thread': 'src/stress/load-thread.ts',
      'ledger-thread': 'src/stress/ledger/ledger-thread.ts',
    },
    outdir,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    define: { BANKCTL_VERSION: JSON.stringify(version) },
    plugins: [driver, esbuildPage],
  });
}

// The JSON Schema is made by the definition that validates the config.
async function writeSchema() {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: ['src/config/schema.ts'],
    banner: {},
    write: false,
  });
  const source = Buffer.from(outputFiles[0].contents).toString('base64');
  const { configJsonSchema } = await import(`data:text/javascript;base64,${source}`);
  await mkdir('schema', { recursive: true });
  await writeFile(
    'schema/bankctl.config.schema.json',
    `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  );
}
