import { arch, cpus, release, type } from 'node:os';
import { version as nodeVersion } from 'node:process';
import { BankctlError } from '../core/errors.ts';
import { redact } from '../core/redaction.ts';
import { bankctlVersion } from '../core/version.ts';
import type { Fact, ReportData } from '../render/html/report-data.ts';
import type { EventTimeline } from '../stress/check/timeline.ts';
import type { StressResult } from '../stress/result.ts';
import type { StressMode } from '../stress/setup/options.ts';
import type { Session, Typed } from './command.ts';
import { newFileOption, textOption } from './command-input.ts';
import { openReport } from './report-file.ts';

/** A run that is over, and what only some of it shows. */
export interface StressRun {
  readonly result: StressResult;
  /** The version of the mongod; undefined if there was none. */
  readonly serverVersion?: string | undefined;
  /** For the report: the timelines of the result's models, in order. Called at most once. */
  readonly timelines?: () => readonly (EventTimeline | undefined)[];
  /** What an exploration of the ledger covered, in sentences. */
  readonly covered?: readonly string[];
}

/**
 * Runs something whose result goes into the file of `--report`, if there is one. The file is
 * opened before anything else happens, so that a path that cannot be written costs no run.
 *
 * @throws `not_writable`, and what the work throws
 */
export async function withReport(
  typed: Typed,
  session: Session,
  mode: StressMode,
  work: () => Promise<StressRun>,
): Promise<StressRun> {
  const path = newFileOption(typed, 'report');
  if (path === undefined) return work();
  if (path === textOption(typed, 'history')) {
    throw new BankctlError(
      'usage',
      `--report and --history both name ${path}.`,
      'Name two different files.',
    );
  }
  const file = await openReport(path, session.context.interrupted);
  try {
    const run = await work();
    const [{ renderReport }, { buildReport }, page] = await Promise.all([
      import('../render/html/document.ts'),
      import('../render/html/report-builder.ts'),
      import('virtual:report-page'),
    ]);
    const report = {
      ...buildReport(run.result, mode, run.timelines?.() ?? []),
      ...circumstances(run, typed, session),
    };
    await file.write(renderReport(report, page));
    session.talk('report_written', `Wrote the report ${path}.`);
    return run;
  } finally {
    await file.close();
  }
}

/** True if the run is to have a report. */
export function wantsReport(typed: Typed): boolean {
  return textOption(typed, 'report') !== undefined;
}

/** What a run ran on and with, and how to run it again. */
function circumstances(
  { result, serverVersion }: StressRun,
  typed: Typed,
  session: Session,
): Pick<ReportData, 'environment' | 'command' | 'made_at'> {
  const { seed = null } = result;
  const facts: readonly (Fact | undefined)[] = [
    { name: 'bankctl', value: bankctlVersion() },
    serverVersion === undefined ? undefined : { name: 'mongod', value: serverVersion },
    { name: 'node', value: nodeVersion },
    { name: 'platform', value: `${type()} ${release()} ${arch()}, ${cpus().length} processors` },
    seed === null ? undefined : { name: 'seed', value: String(seed) },
    { name: 'options', value: optionWords(typed, session, null).join(' ') || 'none' },
  ];
  return {
    environment: facts.filter((fact) => fact !== undefined),
    command: ['bankctl stress', ...optionWords(typed, session, seed)].join(' '),
    made_at: new Date(session.context.nowMs()).toISOString(),
  };
}

/** Options that change where the output goes, not what is run; the seed is added separately. */
const notRepeated: ReadonlySet<string> = new Set(['report', 'history', 'keep', 'seed']);

/** The words after `bankctl stress` that run the same again, without passwords. */
function optionWords(
  { args, options }: Typed,
  { globals }: Session,
  seed: number | null,
): readonly string[] {
  const typed = Object.entries(options).flatMap(([name, value]) => {
    if (notRepeated.has(name) || value === undefined) return [];
    return typeof value === 'string' ? [`--${name}`, shellWord(value)] : [`--${name}`];
  });
  return [
    ...args.flatMap((argument) => (argument === undefined ? [] : [shellWord(argument)])),
    ...typed,
    ...(seed === null ? [] : ['--seed', String(seed)]),
    ...(globals.uri === undefined ? [] : ['--uri', shellWord(redact(globals.uri))]),
    ...(globals.uriFile === undefined ? [] : ['--uri-file', shellWord(globals.uriFile)]),
  ];
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
