#!/usr/bin/env node
// CommonJS, since Node.js takes longer to start its other loader than to print a version.
const { writeSync } = require('node:fs');
const { version } = require('../package.json');

const argv = process.argv.slice(2);
const isForVersion = argv.length === 1 && ['--version', '-V'].includes(argv[0]);
if (!(isForVersion && printed(`${version}\n`))) run();

/** False if stdout does not take it at once: the program itself then waits, or says why. */
function printed(text) {
  try {
    return writeSync(1, text) === text.length;
  } catch {
    return false;
  }
}

async function run() {
  const { createContext, main, useCompileCache } = await import('../dist/main.js');
  useCompileCache(process.env);
  process.exitCode = await main(argv, createContext());
}
