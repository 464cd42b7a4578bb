// Bundles src into dist. Each file costs a start about a millisecond, so what every command needs
// is one file (core), what every command on a database needs is another (bank), the driver is a
// third, and the rest is split so that a path loads only what it needs. All are CommonJS, which
// Node.js 20 can run from compiled code that it kept: see `src/system/compile-cache.ts`.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { build as esbuild, transform } from 'esbuild';
import { lazyBuiltins } from './lazy-builtins.js';
import { lazyRequires } from './lazy-requires.js';
import { licenceTexts, packagesOf } from './licences.js';
import { esbuildPage } from './page.js';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

/** What loads all else, from the cache of compiled code if there is one. */
const start = ['compile-cache', 'environment', 'ownership'].map((name) => `src/system/${name}.ts`);

const core = [
  ...(await sources('core')).filter((path) => !/context|version/.test(path)),
  ...[
    'system/directories',
    'system/heap',
    'system/pipe',
    'system/small-file',
    'system/uri-file',
    'config/config',
    'config/search',
    'config/branch-lookup',
    'config/currencies',
  ],
  ...[
    'cli/execution',
    'cli/session',
    'cli/typed-arguments',
    'commands/option-flags',
    'commands/mongod-host',
    'commands/notice',
    'commands/command-input',
    'commands/command-line',
    'commands/placeholders',
  ],
  ...[
    'stress/setup/options',
    'stress/plan/increments',
    'stress/plan/ledger',
    'stress/plan/random',
    'stress/subjects/shared-model',
  ],
  ...(await sources('bank/operations')),
  'bank/next-step',
  ...['files/rows', 'files/dress', 'files/totals', 'files/operation-rows', 'files/account-rows'],
  ...['render/present', 'render/output', 'render/progress', 'render/formats', 'render/record'],
  ...['render/width', 'render/view', 'render/audit-view'],
  ...['audit/finding', 'doctor/check', 'stress/check/findings'],
].map((name) => (name.endsWith('.ts') ? name : `src/${name}.ts`));

const bank = [
  ...[
    'connection',
    'command-log',
    'database-error',
    'local/local-database',
    'local/local-paths',
    'local/local-state',
  ].map((name) => `src/database/${name}.ts`),
  ...(await sources('bank')),
].filter((path) => !core.includes(path));

/** The files of a folder of src, those of its folders too. */
async function sources(folder) {
  const names = await readdir(`src/${folder}`, { recursive: true });
  return names.filter((name) => name.endsWith('.ts')).map((name) => `src/${folder}/${name}`);
}

/** Where a thread begins. */
const starts = {
  'stress-thread': 'src/stress/drive/thread.ts',
};

/** What main, core and bank load late. */
const lateParts = {
  program: 'src/cli/program.ts',
  'said-once': 'src/system/said-once.ts',
  'config-reader': 'src/config/reader.ts',
  'local-lifecycle': 'src/database/local/local-lifecycle.ts',
  csv: 'src/render/csv.ts',
  paging: 'src/render/paging.ts',
  paint: 'src/render/paint.ts',
  table: 'src/render/table.ts',
  'unicode-width': 'src/render/unicode-width.ts',
};

/** The file of dist that has a module of src. */
const fileOf = new Map([
  ...start.map((path) => [path, 'start']),
  ...core.map((path) => [path, 'core']),
  ...bank.map((path) => [path, 'bank']),
]);
const lateFileOf = new Map(Object.entries(lateParts).map(([file, path]) => [path, file]));

/** The packages of which something is in dist. */
const bundled = new Set();

/** Bundles, and notes of which packages. */
async function build(options) {
  const result = await esbuild({ ...options, metafile: true });
  noteBundled(packagesOf(result.metafile));
  return result;
}

function noteBundled(packages) {
  for (const one of packages) bundled.add(one);
}

const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // What mongodb loads only if it is installed, and what finds its files by their place.
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
};

const own = {
  ...shared,
  minifySyntax: true,
  minifyWhitespace: true,
  define: { BANKCTL_VERSION: JSON.stringify(version) },
};

// Made beside dist and swapped in when it is whole, so that a build that fails breaks nothing.
const outdir = `dist.${process.pid}`;
try {
  await bundle();
  await turnIntoCommonJs();
  await storeHelp();
  await writeFile(`${outdir}/THIRD-PARTY-LICENSES.txt`, await licenceTexts(bundled));
  await rm('dist', { recursive: true, force: true });
  await rename(outdir, 'dist');
} finally {
  await rm(outdir, { recursive: true, force: true });
}
await writeSchema();

async function bundle() {
  await bundleDriver();
  await bundleTogether('start', start);
  await bundleTogether('main', ['src/main.ts']);
  await bundleTogether('core', core);
  await bundleTogether('bank', bank);
  await build({
    ...own,
    entryPoints: { ...starts, ...lateParts },
    outdir,
    outExtension: { '.js': '.cjs' },
    splitting: true,
    plugins: [lazyBuiltins(), lazyRequires(), inOtherFiles(), esbuildPage(noteBundled)],
  });
}

/** The driver without what a command does not use, as far as it can be left out or put off. */
async function bundleDriver() {
  const names = await namesOfDriver();
  await build({
    ...shared,
    stdin: { contents: `export { ${names.join(', ')} } from 'mongodb';`, resolveDir: '.' },
    outfile: `${outdir}/driver.cjs`,
    minify: true,
    plugins: [lazyRequires(), inFile('tr46')],
  });
  // The tables of international domain names, which no URI with the scheme mongodb needs.
  await build({
    ...shared,
    format: 'cjs',
    stdin: { contents: "module.exports = require('tr46');", resolveDir: 'node_modules/whatwg-url' },
    outfile: `${outdir}/tr46.cjs`,
    minify: true,
  });
}

/** What the program takes of the driver, apart from types. */
async function namesOfDriver() {
  const imports = /^import \{([^}]*)\} from 'mongodb';/gm;
  const codes = await Promise.all((await sources('.')).map((path) => readFile(path, 'utf8')));
  const names = codes
    .flatMap((code) => [...code.matchAll(imports)].flatMap(([, list]) => list.split(',')))
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '));
  return [...new Set(names)].sort();
}

/** Leaves a package to a file of its own, which is read when it is required. */
function inFile(name) {
  return {
    name: `in-file-${name}`,
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({
        path: `./${name}.cjs`,
        external: true,
      }));
    },
  };
}

/** esbuild splits ES modules only, and tells the exports of no others. */
async function turnIntoCommonJs() {
  for (const name of await readdir(outdir)) {
    const path = join(outdir, name);
    const code = await readFile(path, 'utf8');
    await writeFile(path, inAscii(name === 'tr46.cjs' ? code : await commonJs(code)));
  }
}

async function commonJs(module) {
  const { code } = await transform(module, {
    format: 'cjs',
    platform: 'node',
    target: shared.target,
    minifyWhitespace: true,
    // Loaded late, and by require as all else.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  });
  // What one file of dist asks of another is a plain object of exports, so it needs no copies.
  const plain = code
    .replace(/\bmodule\.exports=__toCommonJS\((\w+)\)/, 'module.exports=$1')
    .replace(/\b__toESM\((require\("\.\/[^"]+"\))\)/g, '$1');
  return `"use strict";${plain}`;
}

/** What esbuild leaves in patterns and templates. One other letter makes a text twice as large. */
function inAscii(code) {
  return code.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The help of all commands, at the widths of a pipe and of a wide terminal: see `storedHelp`. */
async function storeHelp() {
  const { main } = await import(resolve(outdir, 'main.cjs'));
  for (const width of [80, 100]) {
    const stdout = new PassThrough();
    await main(['--help'], { stdout, stderr: process.stderr, width, env: {} });
    stdout.end();
    await writeFile(`${outdir}/help-${width}.txt`, await text(stdout));
  }
}

/** Modules as one file that exports all that they export. */
async function bundleTogether(name, modules) {
  const together = await build({
    ...own,
    stdin: {
      contents: modules.map((path) => `export * from './${path}';`).join('\n'),
      resolveDir: '.',
      sourcefile: `${name}.ts`,
    },
    outfile: `${outdir}/${name}.cjs`,
    plugins: [lazyBuiltins(), inOtherFiles(name)],
  });
  const [exported] = exportsOf(together);
  const { external: _, ...plain } = own;
  const alone = { ...plain, bundle: false, write: false, outdir };
  const each = await build({ ...alone, entryPoints: modules });
  // What two modules export under one name, the language leaves out without a word.
  const lost = exportsOf(each)
    .flat()
    .filter((one) => !exported.includes(one));
  if (lost.length > 0) throw new Error(`Two modules of ${name} export ${lost.join(', ')}.`);
}

function exportsOf({ metafile }) {
  return Object.values(metafile.outputs).map((output) => output.exports);
}

/** Leaves the imports of what is in another file of dist to that file. */
function inOtherFiles(self) {
  return {
    name: 'in-other-files',
    setup({ onResolve }) {
      onResolve({ filter: /^mongodb$/ }, () => ({ path: './driver.cjs', external: true }));
      onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir, importer, kind }) => {
        const module = relative('.', join(resolveDir, path));
        const file = fileOf.get(module) ?? (self && lateFileOf.get(module));
        if (self === 'core' && file === 'bank' && kind === 'import-statement') {
          throw new Error(`${importer} would load the driver at every start, for ${module}.`);
        }
        return file && file !== self ? { path: `./${file}.cjs`, external: true } : undefined;
      });
    },
  };
}

/** The JSON Schema is made by the definition that validates the config. */
async function writeSchema() {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: ['src/config/schema.ts'],
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
