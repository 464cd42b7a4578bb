// Every figure as a ratio measured in one run on one machine; see docs/performance.md.
import { adopt } from './adopt.js';
import { apply } from './apply.js';
import { audit } from './audit.js';
import { exhaustiveRate } from './exhaustive-rate.js';
import { growth } from './growth.js';
import { increments } from './increments.js';
import { branchRate } from './load-rate.js';
import { reads } from './reads.js';
import { replicaSet } from './replica-set.js';
import { measured, writePages } from './report.js';
import { sharding } from './sharding.js';
import { sizes } from './sizes.js';
import { installation, startup, warmIncrement } from './startup.js';
import { writers } from './writers.js';

const parts = {
  startup,
  increment: warmIncrement,
  increments,
  install: installation,
  apply,
  audit,
  reads,
  adopt,
  stress: branchRate,
  exhaustive: exhaustiveRate,
  growth,
  writers,
  replicas: replicaSet,
  sharding,
  sizes,
};
/** `page` writes the figures that are kept into the pages. */
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts) && name !== 'page');
if (unknown.length > 0) {
  const known = [...Object.keys(parts), 'page'].join(', ');
  console.error(`No benchmark ${unknown.join(', ')}; there are ${known}.`);
  process.exitCode = 2;
} else {
  for (const [name, measure] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) await measured(name, measure);
  }
  await writePages();
}
