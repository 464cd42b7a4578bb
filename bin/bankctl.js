#!/usr/bin/env node
// CommonJS, since Node.js takes longer to start its other loader than to print a version.
const { writeSync } = require('node:fs');
const { join } = require('node:path');
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
  const { compiledProgram } = require('../dist/start.cjs');
  const { load, keep } = compiledProgram(join(__dirname, '../dist'), require, process.env, argv[0]);
  const { createContext, main } = load('main.cjs');
  const status = await main(argv, createContext());
  if (status === 0) keep();
  // A driver that is closed still waits for a server that took a connection and says nothing.
  process.exit(status);
}
