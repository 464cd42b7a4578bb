// 20 failovers of a replica set of three under 16 workers of the ledger: nothing lost, nothing
// twice, no reading older than what was acknowledged before.
//
// Runs `bankctl stress --model ledger --faults failover` until 20 kills of a primary bit; each of
// the killed servers joins again before the next one goes. In turns with a time limit of 10 s, which
// outlives an election, and of 2 s, which does not.
//
// Usage: node soak/failover.js [--faults 20]. Takes about three minutes.
import { numberOption } from './bankctl.js';
import { soakFaults } from './faults.js';

await soakFaults('failover', {
  kind: 'failover',
  faults: numberOption('faults', 20),
  workers: 16,
  seconds: 30,
  rounds: [[], ['--threads', '2', '--timeout', '2s'], ['--threads', '2'], ['--timeout', '2s']],
});
