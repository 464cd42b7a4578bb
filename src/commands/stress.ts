import { BankctlError } from '../core/errors.ts';
import type { SingleResult } from '../render/result.ts';
import type { Heard } from '../stress/check/check-history.ts';
import type { TimelineCollector } from '../stress/check/timeline.ts';
import type { Command, Session, Typed } from './command.ts';
import { modeOf, verdictStatus } from './stress-mode.ts';
import { wantsReport, withReport } from './stress-report.ts';

export const stress: Command = {
  name: 'stress',
  summary: 'show the wrong-collection bug, and that the branch models do not have it',
  description:
    'Drives the same seeded plan of increments against the shared model, which has the bug, and\n' +
    'against the branch models, on a throwaway server, and tells where every write went.\n' +
    'With --uri it makes up a database there, and drops it at the end.\n\n' +
    'With --model ledger a bank workload goes through the real write path: transfers,\n' +
    'increments, reversals, repeated requests and snapshots. --faults kill ends its server by\n' +
    'SIGKILL and starts it again, over and over; --faults failover ends the primary of three.\n' +
    'SIGKILL is not a power cut: the kernel keeps what the server had written.\n\n' +
    'With --exhaustive it tries every schedule of a few workers, one increment each, instead of\n' +
    'leaving it to luck; --points, --preemptions, --random and --schedule imply it.',
  arguments: [
    { name: 'action', summary: 'judge a stored history again', optional: true, choices: ['check'] },
    { name: 'file', summary: 'the history, as --history wrote it', optional: true },
  ],
  options: [
    { flags: '--workers <N>', summary: 'concurrent workers (default: 8; 2 if exhaustive)' },
    { flags: '--threads <N>', summary: 'threads that the workers are spread over (default: 1)' },
    { flags: '--ops <N>', summary: 'operations for each model (default: 1000)' },
    { flags: '--duration <TIME>', summary: 'begin none later than this (default: 10s if faults)' },
    { flags: '--branches <N>', summary: 'branches of the bank, 2 to 64 (default: 2)' },
    { flags: '--seed <N>', summary: 'the plan, or the sample, of an earlier run again' },
    {
      flags: '--model <LIST>',
      summary: 'these of shared,branch,ledger (default: shared,branch)',
    },
    {
      flags: '--faults <KIND>',
      summary: 'end the server under the ledger again and again',
      choices: ['kill', 'failover'],
    },
    {
      flags: '--replicas <N>',
      summary: 'servers under the ledger, 1 or 3 (default: 3 if failover)',
    },
    { flags: '--exhaustive', summary: 'try every schedule of the workers' },
    {
      flags: '--points <LIST>',
      summary: 'where a worker may be paused (default: switched,written)',
    },
    { flags: '--preemptions <K>', summary: 'only schedules with at most so many preemptions' },
    { flags: '--random <N>', summary: 'draw so many schedules instead of trying all' },
    { flags: '--schedule <ID>', summary: 'replay this one schedule' },
    { flags: '--history <FILE>', summary: 'write every event to a file, one line of JSON each' },
    { flags: '--report <FILE>', summary: 'write a page that shows the run, for any browser' },
    { flags: '--keep', summary: 'leave the databases on the server of --uri' },
  ],
  examples: [
    'bankctl stress',
    'bankctl stress --workers 32 --threads 2 --duration 10s --report load.html',
    'bankctl stress --model branch --seed 42 --json',
    'bankctl stress --exhaustive --points all --report race.html',
    'bankctl stress --exhaustive --workers 3 --preemptions 2',
    'bankctl stress --model ledger --faults kill --threads 2 --history history.ndjson',
    'bankctl stress check history.ndjson',
  ],
  run: runStress,
};

async function runStress(typed: Typed, session: Session): Promise<SingleResult> {
  switch (modeOf(typed)) {
    case 'check':
      return check(typed, session);
    case 'exhaustive': {
      const { runExhaustiveMode } = await import('./stress-exhaustive.ts');
      return runExhaustiveMode(typed, session);
    }
    case 'ledger': {
      const { runLedgerMode } = await import('./stress-ledger.ts');
      return runLedgerMode(typed, session);
    }
    case 'load': {
      const { runLoadMode } = await import('./stress-load.ts');
      return runLoadMode(typed, session);
    }
  }
}

async function check(typed: Typed, session: Session): Promise<SingleResult> {
  const file = typed.args[1];
  if (file === undefined) {
    throw new BankctlError(
      'usage',
      'stress check needs the file of a history.',
      'Type bankctl stress check FILE.',
    );
  }
  const [{ checkHistory }, { historyView }, { createPaint }] = await Promise.all([
    import('../stress/check/check-history.ts'),
    import('../render/load-view.ts'),
    import('../render/paint.ts'),
  ]);
  const report = await withReport(typed, session, async () => {
    const { collectTimeline } = await import('../stress/check/timeline.ts');
    const sections: TimelineCollector[] = [];
    const heard: Heard = (event, anomaly) => {
      if (event.f === 'init') sections.push(collectTimeline());
      sections.at(-1)?.take(event, anomaly);
    };
    const result = await checkHistory(
      file,
      session.context.interrupted,
      wantsReport(typed) ? heard : undefined,
    );
    const reported = async () => {
      const { fromHistory } = await import('../render/html/from-history.ts');
      const timelines = sections.map(({ timeline }) => timeline());
      return { ...fromHistory(result, timelines), seed: null, serverVersion: undefined };
    };
    return { result, reported };
  });
  return {
    kind: 'single',
    data: report,
    view: historyView(report, createPaint(session.globals.colour)),
    status: verdictStatus[report.verdict],
  };
}
