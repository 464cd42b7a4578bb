// 50 times kill -9 of mongod under 16 workers of the ledger: nothing lost, nothing twice.
//
// Runs `bankctl stress --model ledger --faults kill` until 50 kills bit. In turns with one and with
// two threads, and with a time limit of 10 s, which outlives a restart, and of 1 s, which does not,
// so that many operations end without an answer. A kill -9 is not a power cut.
//
// Usage: node soak/mongod-kill.js [--faults 50]. Takes about three minutes.
import { numberOption } from './bankctl.js';
import { soakFaults } from './faults.js';

await soakFaults('mongod-kill', {
  kind: 'kill',
  faults: numberOption('faults', 50),
  workers: 16,
  seconds: 20,
  rounds: [[], ['--threads', '2', '--timeout', '1s'], ['--threads', '2'], ['--timeout', '1s']],
});
