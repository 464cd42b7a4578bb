import type { AuditHost } from '../audit/audit-host.ts';
import type { Finding } from '../audit/finding.ts';
import type { AuditOptions, AuditOutcome, AuditResult } from '../audit/scan/audit.ts';
import type { Bank } from '../bank/bank.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { parseDuration } from '../core/duration.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { formatTime, timeFormat } from '../core/time.ts';
import {
  auditView,
  checkedSentence,
  findingColumns,
  unreadSentence,
} from '../render/audit-view.ts';
import { formats } from '../render/formats.ts';
import { type Result, streamOf } from '../render/result.ts';
import { followWrites } from './audit-follow.ts';
import { type AuditData, auditForms } from './audit-schema.ts';
import { sayLeftOut, warnOfNoBank } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { newFileOption, textOption } from './command-input.ts';
import { resultZone } from './notice.ts';
import { openReport, type ReportFile } from './report-file.ts';

/** What `audit` was asked for. */
interface AuditInput extends AuditOptions {
  readonly follow: boolean;
  readonly plan: string | undefined;
  readonly report: string | undefined;
}

export const audit: Command = {
  name: 'audit',
  summary: 'find misplaced, lost and damaged data; change nothing',
  description: [
    'Reads the whole bank as it was at one moment, and changes nothing; others may go on writing.',
    'Every document is compared with the journal: a balance that the journal does not account',
    'for was changed past bankctl, and audit says by how much and between which postings. Also',
    'found are documents that bankctl did not write, and collections of accounts that belong to',
    'no branch. What was meant it learns from --intended or --expected: then it says which money',
    'is in the wrong branch and which is lost, and how certain that is; docs/legacy.md tells more.',
    '',
    'Ends with status 4 if anything is found, with 5 if nothing is but a part could not be read,',
    'and with 0 if all was read and is sound. With -o ndjson or csv each finding is a line, and',
    'what could not be read is said on stderr; with --json, "more" counts findings after 10,000.',
  ].join('\n'),
  arguments: [
    {
      name: 'branch',
      summary: 'only these branches (default: all, and collections of no branch)',
      optional: true,
      variadic: true,
    },
  ],
  options: [
    { flags: '--intended <FILE>', summary: "the application's own log: what was meant" },
    { flags: '--opening <FILE>', summary: 'the balances at the beginning of that log' },
    { flags: '--expected <FILE>', summary: 'a statement: the balances as they should be' },
    { flags: '--trace', summary: "find each write of the log in the server's change history" },
    {
      flags: '--clock-skew <DURATION>',
      summary: "how far the log's clock and the server's may differ",
      defaultValue: '1s',
    },
    { flags: '--follow', summary: 'print each write past bankctl as it happens, until Ctrl-C' },
    { flags: '--plan <FILE>', summary: 'write to FILE what would mend it, for bankctl repair' },
    { flags: '--report <FILE>', summary: 'write a page for people to FILE, as HTML' },
  ],
  examples: [
    'bankctl audit',
    'bankctl audit branch1 branch2 --json',
    'bankctl audit --intended app-log.csv --opening january.csv --plan plan.yaml',
    'bankctl audit --follow',
  ],
  results: auditForms,
  run: async (typed, session) => {
    const input = parseAudit(typed, await session.config());
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    if (input.branches.length === 0) await sayLeftOut(bank, session);
    if (input.follow) return followWrites(session, input.branches);
    return auditBank(input, session);
  },
};

/** @throws `unknown_branch`; `usage` for options that contradict each other */
export function parseAudit(typed: Typed, config: Config): AuditInput {
  const files = {
    intended: textOption(typed, 'intended'),
    opening: textOption(typed, 'opening'),
    expected: textOption(typed, 'expected'),
    clockSkewMs: parseDuration(textOption(typed, 'clockSkew') ?? '1s', '--clock-skew'),
  };
  const input = {
    branches: typed.args.flatMap((name) => name ?? []).map((name) => findBranch(config, name).name),
    files,
    trace: typed.options['trace'] === true,
    follow: typed.options['follow'] === true,
    plan: newFileOption(typed, 'plan'),
    report: newFileOption(typed, 'report'),
  };
  refuseContradictions(input);
  return { ...input, corrections: input.plan !== undefined };
}

function refuseContradictions(input: Omit<AuditInput, 'corrections'>): void {
  const { intended, opening, expected } = input.files;
  const hasSource = intended !== undefined || expected !== undefined;
  const isRun = hasSource || input.plan !== undefined || input.report !== undefined;
  const cases: readonly (readonly [boolean, string, string])[] = [
    [
      input.follow && (isRun || input.trace),
      '--follow shows what happens from now on, and the other options what has happened.',
      'Leave out --follow, or the others.',
    ],
    [
      intended !== undefined && expected !== undefined,
      '--intended and --expected are two sources, of which one audit takes one.',
      'Run one audit with each.',
    ],
    [
      opening !== undefined && intended === undefined,
      '--opening gives the balances at the beginning of a log, but there is no log.',
      'Name the log with --intended.',
    ],
    [
      input.trace && intended === undefined,
      '--trace looks for the calls of a log, but there is no log.',
      'Name the log with --intended.',
    ],
    [
      hasSource && input.branches.length > 0,
      'Where misplaced money is can only be found by looking at all branches.',
      'Leave out the names of the branches.',
    ],
  ];
  const found = cases.find(([applies]) => applies);
  if (found) throw new BankctlError('usage', found[1], found[2]);
}

async function auditBank(input: AuditInput, session: Session): Promise<Result> {
  const bank = await session.bank();
  if (!bank.journal) {
    const message =
      'The config keeps no journal, so balances cannot be compared with one: only documents ' +
      'were checked.';
    session.talk('no_journal', message);
  }
  const { context, progress, talk } = session;
  const host = { context, progress, talk, formatTime: timeFormat(await resultZone(session)) };
  if (input.plan !== undefined) {
    const { checkPlanPlace } = await import('../audit/plan/plan-file.ts');
    await checkPlanPlace(input.plan, host);
  }
  const run = { input, session, bank, host };
  return isRowPerItem(session) ? streamAudit(run) : wholeAudit(run);
}

/** One audit, as the command runs it. */
interface AuditRun {
  readonly input: AuditInput;
  readonly session: Session;
  readonly bank: Bank;
  readonly host: AuditHost;
}

/** Opens the file of `--report`, if there is one, before anything is read. */
async function reportOf({ input, session }: AuditRun): Promise<ReportFile | undefined> {
  const { report } = input;
  return report === undefined ? undefined : openReport(report, session.context.interrupted);
}

function isRowPerItem({ globals: { output } }: Session): boolean {
  return output === 'ndjson' || formats[output].isCsv;
}

async function wholeAudit(run: AuditRun): Promise<Result> {
  const { runAudit } = await import('../audit/scan/audit.ts');
  const { input, session, bank, host } = run;
  const report = await reportOf(run);
  const result = await closing(report, async () => {
    const whole = await runAudit(bank, input, host);
    session.progress(undefined);
    await writeFiles(run, whole, report);
    return whole;
  });
  const { findings, checked, unread, more } = result;
  const hasMore = Object.keys(more).length > 0;
  const data: AuditData = { findings, checked, unread, ...(hasMore && { more }) };
  return {
    kind: 'single',
    data,
    view: auditView(result),
    status: statusOf(findings.length, unread.length),
  };
}

/** Every finding is a line, however many there are; the rest of the result goes to stderr. */
async function streamAudit(run: AuditRun): Promise<Result> {
  const { auditInBatches, createRecord } = await import('../audit/scan/audit.ts');
  const { input, session, bank, host } = run;
  const record = createRecord();
  const report = await reportOf(run);
  let status: Status = Status.done;
  async function* batches(): AsyncIterable<readonly Finding[]> {
    try {
      yield* findings();
    } finally {
      await report?.close();
    }
  }
  async function* findings(): AsyncIterable<readonly Finding[]> {
    const audited = auditInBatches(bank, input, host);
    let found = 0;
    for (;;) {
      const next = await audited.next();
      if (next.done === true) {
        session.progress(undefined);
        await writeFiles(run, record.with(next.value), report);
        sayRest(session, next.value);
        status = statusOf(found, next.value.unread.length);
        return;
      }
      record.add(next.value);
      found += next.value.length;
      if (next.value.length > 0) yield next.value;
    }
  }
  return { ...streamOf(batches(), findingColumns), status: () => status };
}

function sayRest(session: Session, { checked, unread }: AuditOutcome): void {
  for (const part of unread) session.say('unread', unreadSentence(part), { ...part });
  session.talk('checked', checkedSentence(checked), { ...checked });
}

async function writeFiles(
  { input, session, bank, host }: AuditRun,
  result: AuditResult,
  report: ReportFile | undefined,
): Promise<void> {
  try {
    if (input.plan !== undefined) {
      const { writePlan } = await import('../audit/plan/plan-file.ts');
      await writePlan(input.plan, result.corrections, bank, host);
    }
  } finally {
    result.close();
  }
  if (!report) return;
  const [{ renderAuditReport }, { style }] = await Promise.all([
    import('../render/html/audit-report.ts'),
    import('virtual:report-page'),
  ]);
  const { database, timezone } = bank.config;
  const branches = bank.config.branches.map(({ name }) => name);
  const madeAt = formatTime(new Date(session.context.nowMs()), timezone);
  await report.write(renderAuditReport({ result, database, branches, madeAt }, { style }));
  session.talk('report_written', `Wrote the report ${input.report}.`);
}

async function closing<T>(report: ReportFile | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await report?.close();
  }
}

function statusOf(findings: number, unread: number): Status {
  if (findings > 0) return Status.violation;
  return unread > 0 ? Status.undecided : Status.done;
}
