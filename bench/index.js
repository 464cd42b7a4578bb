// Every figure as a ratio measured in one run on one machine; see docs/benchmarks.md.
import { adopt } from './adopt.js';
import { apply } from './apply.js';
import { audit } from './audit.js';
import { exhaustiveRate } from './exhaustive-rate.js';
import { branchRate } from './load-rate.js';
import { writers } from './writers.js';
import { startup, warmIncrement } from './startup.js';

const parts = {
  startup,
  increment: warmIncrement,
  apply,
  audit,
  adopt,
  stress: branchRate,
  exhaustive: exhaustiveRate,
  writers,
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`No benchmark ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}.`);
  process.exitCode = 2;
} else {
  for (const [name, measure] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure();
  }
}
