// Sessions of whole commands against the reference model of test/model, for hours if need be: what
// bankctl says, stores and does must be what the model and each other relation of it say.
//
// Usage: node soak/model.js [--sessions 10000] [--seed S] [--survey] [--no-faults]
// [--shrink TRIES] [--having REGEXP]. Plays some sessions a second. Ends at the first difference,
// shrunk to a short session in at most TRIES tries; --survey goes on, and shows the first of each
// kind; --having passes over sessions whose plan has no match, such as '"what":"duplicate"'.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { esbuildPage } from '../scripts/page.js';

const outdir = `dist.model.${process.pid}`;
try {
  await build({
    entryPoints: ['test/model/cli.ts'],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    plugins: [esbuildPage()],
  });
  await import(new URL(`../${outdir}/cli.js`, import.meta.url).href);
} finally {
  await rm(outdir, { recursive: true, force: true });
}
