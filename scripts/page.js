// Bundles the program and the looks of a report as text, for the module `virtual:report-page`.
import { readFile } from 'node:fs/promises';
import { build, transform } from 'esbuild';
import { packagesOf } from './licences.js';

const name = 'virtual:report-page';
const folder = new URL('../src/render/html/page/', import.meta.url);

/** A module that exports both as strings. */
async function pageModule(found = () => undefined) {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL('page.ts', folder).pathname],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'iife',
    target: ['chrome105', 'firefox121', 'safari15.4'],
    // It stands in an element whose end nothing in it may spell.
    supported: { 'inline-script': false },
    legalComments: 'none',
  });
  found(packagesOf(metafile));
  const chartLooks = new URL('../node_modules/uplot/dist/uPlot.min.css', import.meta.url);
  const css = `${await readFile(chartLooks, 'utf8')}\n${await readFile(new URL('page.css', folder), 'utf8')}`;
  const { code } = await transform(css, { loader: 'css', minify: true });
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script');
  return `export const script = ${JSON.stringify(script)};\nexport const style = ${JSON.stringify(code)};\n`;
}

/** For esbuild; `found` is called with the packages in the page's program. */
export const esbuildPage = (found) => ({
  name: 'report-page',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^${name}$`) }, ({ path }) => ({ path, namespace: name }));
    onLoad({ filter: /.*/, namespace: name }, async () => ({ contents: await pageModule(found) }));
  },
});

/** For vitest. */
export const vitePage = {
  name: 'report-page',
  resolveId: (id) => (id === name ? `\0${name}` : undefined),
  load: (id) => (id === `\0${name}` ? pageModule() : undefined),
};
