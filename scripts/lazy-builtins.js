// Loads Node's own modules when a function of them is first called. To load node:crypto takes a
// tenth of a short command, and node:process as a module reads every property that a process has.
import { isBuiltin } from 'node:module';

/** Those that a start of Node.js has not loaded by itself. */
const late =
  /^node:(child_process|crypto|net|os|process|readline|stream|timers\/promises|v8|vm|zlib)$/;

/** A plugin of esbuild. */
export function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: late }, ({ path, kind, importer }) => {
        const isOwn = kind === 'import-statement' && !importer.includes('node_modules');
        // One for each importer, so that esbuild does not give it a file of its own.
        return isOwn
          ? { path, suffix: `?${importer.replaceAll('/', ':')}`, namespace: 'lazy-builtins' }
          : undefined;
      });
      onLoad({ filter: /.*/, namespace: 'lazy-builtins' }, async ({ path }) => ({
        contents: path === 'node:process' ? processModule() : await lazyModule(path),
      }));
    },
  };
}

/** What is not used of it is left out by esbuild, since none of it has an effect. */
async function lazyModule(name) {
  if (!isBuiltin(name)) throw new Error(`There is no ${name}.`);
  const functions = Object.entries(await import(name))
    .filter(([key, value]) => key !== 'default' && typeof value === 'function')
    .map(([key]) => key);
  return [
    `const loaded = () => process.getBuiltinModule('${name}');`,
    ...functions.map(
      (key) =>
        `export function ${key}(...args) { const { ${key}: it } = loaded(); ` +
        'return new.target ? new it(...args) : it(...args); }',
    ),
  ].join('\n');
}

function processModule() {
  const names = Object.keys(process).filter((name) => /^[a-z]\w*$/i.test(name));
  return names
    .map((name) => `export const ${name} = /* @__PURE__ */ (() => process.${name})();`)
    .join('\n');
}
