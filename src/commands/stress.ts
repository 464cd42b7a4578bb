import { checkUri, hasPassword, readUriFile } from '../database/uri.ts';
import { parseDuration } from '../duration.ts';
import { BankctlError, Status } from '../errors.ts';
import { mongodHost } from '../mongod-host.ts';
import type { LoadHost, LoadReport } from '../stress/load.ts';
import type { LoadModelName } from '../stress/load-models.ts';
import type { LoadOptions } from '../stress/load-options.ts';
import type { Command, Session, SingleResult, Typed } from './command.ts';
import { textOption, wholeNumberOption } from './typed.ts';

export const stress: Command = {
  name: 'stress',
  summary: 'show the wrong-collection bug, and that the branch models do not have it',
  description:
    'Drives the same seeded plan of increments against the shared model, which has the bug, and\n' +
    'against the branch models, on a throwaway server, and tells where every write went.\n' +
    'With --uri it makes up a database there, and drops it at the end.',
  arguments: [
    { name: 'action', summary: 'judge a stored history again', optional: true, choices: ['check'] },
    { name: 'file', summary: 'the history, as --history wrote it', optional: true },
  ],
  options: [
    { flags: '--workers <N>', summary: 'concurrent workers, 1 to 1024', defaultValue: '8' },
    {
      flags: '--threads <N>',
      summary: 'threads that the workers are spread over',
      defaultValue: '1',
    },
    { flags: '--ops <N>', summary: 'increments for each model (default: 1000)' },
    { flags: '--duration <TIME>', summary: 'begin no increment later than this, such as 10s' },
    { flags: '--branches <N>', summary: 'branches of the bank, 2 to 64', defaultValue: '2' },
    { flags: '--seed <N>', summary: 'the plan of an earlier run again' },
    { flags: '--model <NAME>', summary: 'only this model', choices: ['shared', 'branch'] },
    { flags: '--history <FILE>', summary: 'write every event to a file, one line of JSON each' },
    { flags: '--keep', summary: 'leave the databases on the server of --uri' },
  ],
  examples: [
    'bankctl stress',
    'bankctl stress --workers 32 --threads 2 --duration 10s',
    'bankctl stress --model branch --seed 42 --json',
    'bankctl stress check history.ndjson',
  ],
  run: runStress,
};

async function runStress(typed: Typed, session: Session): Promise<SingleResult> {
  if (typed.args[0] === 'check') return check(typed, session);
  const options = parseStress(typed, session);
  const [{ runLoad }, { loadView }, { createPaint }] = await Promise.all([
    import('../stress/load.ts'),
    import('../render/load-view.ts'),
    import('../render/paint.ts'),
  ]);
  const report = await runLoad(options, loadHost(session));
  session.progress(undefined);
  const { context, globals } = session;
  return {
    kind: 'single',
    data: report,
    view: loadView(report, createPaint(globals.colour), context.width),
    status: statuses[report.verdict],
  };
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
    import('../stress/history/check-history.ts'),
    import('../render/load-view.ts'),
    import('../render/paint.ts'),
  ]);
  const report = await checkHistory(file, session.context.interrupted);
  return {
    kind: 'single',
    data: report,
    view: historyView(report, createPaint(session.globals.colour)),
    status: statuses[report.verdict],
  };
}

const statuses = {
  demonstrated: Status.done,
  clean: Status.done,
  not_reproduced: Status.undecided,
  violation: Status.violation,
  undecided: Status.undecided,
} as const satisfies Record<LoadReport['verdict'], Status>;

/** @throws `usage`, `invalid_uri` */
export function parseStress(typed: Typed, session: Session): LoadOptions {
  const { context, globals } = session;
  const number = (name: string, least: number, most: number) =>
    wholeNumberOption(typed, name, { least, most });
  const duration = textOption(typed, 'duration');
  const model = textOption(typed, 'model');
  return {
    seed: number('seed', 0, 2 ** 32 - 1) ?? context.freshSeed(),
    workers: number('workers', 1, 1024),
    threads: number('threads', 1, 64),
    operations: number('ops', 1, 10_000_000),
    durationMs: duration === undefined ? undefined : parseDuration(duration, '--duration'),
    branches: number('branches', 2, 64),
    models: isModel(model) ? [model] : undefined,
    keep: typed.options['keep'] === true,
    history: textOption(typed, 'history'),
    uri: stressUri(session),
    timeoutMs: globals.timeoutMs,
  };
}

/** Only what is on the command line: stress is not for the deployment of the config. */
function stressUri({ globals, talk }: Session): string | undefined {
  if (globals.uriFile !== undefined) return readUriFile(globals.uriFile);
  if (globals.uri === undefined) return undefined;
  if (hasPassword(globals.uri)) {
    talk('A password on the command line is seen by others: use --uri-file.');
  }
  return checkUri(globals.uri);
}

function isModel(name: string | undefined): name is LoadModelName {
  return name === 'shared' || name === 'branch';
}

function loadHost(session: Session): LoadHost {
  return {
    ...mongodHost(session),
    freshId: session.context.freshId,
    counted: (model, done, total, wrong) => {
      const share = total === undefined ? `${done}` : `${done} of ${total}`;
      session.progress(`Model ${model}: ${share} increments, ${wrong} wrong`);
    },
  };
}
