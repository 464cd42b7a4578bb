// Puts off what a CommonJS package requires until it is first used. A program that moves money needs
// about half of the driver; the rest would be compiled and run at each start all the same.
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';

/** Packages that the TypeScript compiler, or its like, made: no module needs another's effects. */
const packages =
  /node_modules\/(commander|mongodb|mongodb-connection-string-url|whatwg-url)\/.*\.js$/;

/** At the left margin, so at the top of a module. */
const required =
  /^const (\w+) = (require\((?:"[^"]+"|'[^']+')\)|__importStar\(require\("[^"]+"\)\));$/gm;

/** A plugin of esbuild. */
export function lazyRequires() {
  return {
    name: 'lazy-requires',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(node:)?process$/ }, ({ kind, importer }) =>
        kind === 'require-call'
          ? { path: 'process', suffix: `?${importer.replaceAll('/', ':')}`, namespace: 'global' }
          : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'global' }, ({ path }) => ({
        contents: `module.exports = globalThis.${path};`,
      }));
      onLoad({ filter: packages }, async ({ path }) => ({
        contents: withLazyRequires(await readFile(path, 'utf8')),
        loader: 'js',
        resolveDir: relative('.', path).replace(/\/[^/]+$/, ''),
      }));
    },
  };
}

/** `const a = require("b"); … a.c` becomes `const a = () => require("b"); … a().c`. */
function withLazyRequires(code) {
  let changed = code;
  for (const [statement, name, value] of code.matchAll(required)) {
    const [before, after] = changed.split(statement);
    const uses = new RegExp(`(?<![\\w$'"/]|(?<!\\.\\.)\\.)${name}(?![\\w$])`, 'g');
    // A name that is passed on, or that something else has too, is left as it is.
    const isPlain = [...after.matchAll(uses)].every(
      ({ index }) => after[index + name.length] === '.',
    );
    if (!isPlain || uses.test(before)) continue;
    const rest = after
      .replace(new RegExp(`\\bnew ${name}((?:\\.[\\w$]+)+)`, 'g'), `new (${name}()$1)`)
      .replace(new RegExp(`${uses.source}(?!\\(\\))`, 'g'), `${name}()`);
    changed = `${before}const ${name} = () => ${value};${rest}`;
  }
  return changed;
}
