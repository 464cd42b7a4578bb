// SIGSTOP of the server for 20 s in mid-load, then SIGCONT: nothing lost, nothing twice.
//
// `bankctl stress --model ledger --uri` loads a local database with 16 workers, with a time limit
// that is shorter than the stop, so that operations end without an answer while the server is
// frozen with their commits in it.
//
// Usage: node soak/stop.js [--seconds 20]. Takes about a minute.
import { setTimeout as pause } from 'node:timers/promises';
import { conclude, numberOption } from './bankctl.js';
import { localBank } from './local.js';

const seconds = numberOption('seconds', 20);
const bank = await localBank();
try {
  const { pid, uri } = await bank.status();
  const running = bank.run([
    ...['stress', '--model', 'ledger', '--workers', '16', '--threads', '2', '--uri', uri],
    ...['--duration', `${seconds + 15}s`, '--timeout', '5s', '--json'],
  ]);
  await pause(6000);
  process.kill(pid, 'SIGSTOP');
  await pause(seconds * 1000);
  process.kill(pid, 'SIGCONT');
  const { status, stdout, stderr } = await running;
  if (!stdout.startsWith('{')) {
    conclude('stop', false, stderr.trim());
  } else {
    const { models, verdict, reason } = JSON.parse(stdout);
    const [model] = models;
    const felt = model.unknown > 0 && model.latency_ms.max >= 4000;
    conclude(
      'stop',
      status === 0 && felt,
      `stopped for ${seconds} s under 16 workers; ${model.operations} operations, ` +
        `${model.acknowledged} acknowledged, ${model.unknown} without an answer ` +
        `(${model.unknown_applied} of those applied), longest wait ` +
        `${Math.round(model.latency_ms.max)} ms; ${verdict}${reason ? `: ${reason}` : ''}` +
        (felt ? '.' : '; the stop was not felt.'),
    );
  }
} finally {
  await bank.end();
}
