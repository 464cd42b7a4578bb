// What mongod-kill.js and failover.js share: runs of the ledger under one kind of fault, one after
// another with a seed each, until there were enough faults. Whatever a run does not prove, or a
// fault that did not bite, counts as a failure.
import { bankctl, conclude } from './bankctl.js';

const anomalyNames = ['lost', 'duplicate', 'phantom', 'torn', 'wrong_total', 'negative'].concat([
  'misplaced',
  'stale',
  'regressed',
  'gap',
  'drift',
]);

/** @param rounds options of the runs, which take turns */
export async function soakFaults(name, { kind, faults, workers, seconds, rounds }) {
  const sums = { operations: 0, acknowledged: 0, refused: 0, unknown: 0, unknown_applied: 0 };
  let [planned, bitten, runs, longestMs] = [0, 0, 0, 0];
  const failures = [];
  while (bitten < faults && failures.length < 3) {
    const options = rounds[runs % rounds.length];
    runs += 1;
    const { status, stdout, stderr } = await bankctl([
      ...['stress', '--model', 'ledger', '--faults', kind, '--workers', String(workers)],
      ...['--duration', `${seconds}s`, '--seed', String(runs), ...options, '--json'],
    ]);
    if (status !== 0) failures.push(`run ${runs} ended with ${status}`);
    if (!stdout.startsWith('{')) {
      failures.push(stderr.trim());
      continue;
    }
    const { models, verdict, reason } = JSON.parse(stdout);
    const [model] = models;
    for (const key of Object.keys(sums)) sums[key] += model[key];
    planned += model.faults.planned;
    bitten += model.faults.bitten;
    longestMs = Math.max(longestMs, model.latency_ms.max);
    const found = anomalyNames.filter((anomaly) => model.anomalies[anomaly] > 0);
    if (found.length > 0) failures.push(`${found.join(', ')}: ${model.first_wrong?.detail}`);
    if (verdict !== 'clean') failures.push(`seed ${runs}: ${verdict} ${reason ?? ''}`);
    process.stderr.write(`${name}: ${bitten} of ${faults} faults, ${sums.operations} operations\n`);
  }
  conclude(
    name,
    failures.length === 0 && bitten >= faults,
    `${bitten} of ${planned} faults bit in ${runs} runs under ${workers} workers; ` +
      `${sums.operations} operations, ${sums.acknowledged} acknowledged, ${sums.refused} refused, ` +
      `${sums.unknown} without an answer (${sums.unknown_applied} of those applied), ` +
      `longest wait ${Math.round(longestMs)} ms; ` +
      (failures.length === 0 ? 'no anomaly.' : failures.join('; ')),
  );
}
