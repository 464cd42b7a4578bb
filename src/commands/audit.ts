import type { Finding } from '../audit/finding.ts';
import type { AuditOptions, AuditResult } from '../audit/scan/audit.ts';
import { findBranch } from '../config/branch-lookup.ts';
import type { Config } from '../config/config.ts';
import { parseDuration } from '../core/duration.ts';
import { BankctlError, Status } from '../core/errors.ts';
import { timeFormat } from '../core/time.ts';
import type { Result } from '../render/result.ts';
import { type ColumnOf, gridView } from '../render/view.ts';
import { followWrites } from './audit-follow.ts';
import { sayLeftOut, warnOfNoBank } from './bank-notices.ts';
import type { Command, Session, Typed } from './command.ts';
import { textOption } from './command-input.ts';
import { resultZone } from './notice.ts';

/** What `audit` was asked for. */
interface AuditInput extends AuditOptions {
  readonly follow: boolean;
  readonly plan: string | undefined;
  readonly report: string | undefined;
}

export const audit: Command = {
  name: 'audit',
  summary: 'find misplaced, lost and damaged data; change nothing',
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
  run: async (typed, session) => {
    const input = parseAudit(typed, await session.config());
    const bank = await session.bank();
    await warnOfNoBank(bank, session);
    if (input.branches.length === 0) sayLeftOut(bank, session);
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
    plan: textOption(typed, 'plan'),
    report: textOption(typed, 'report'),
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
  const [{ runAudit }, { writePlan }] = await Promise.all([
    import('../audit/scan/audit.ts'),
    import('../audit/plan/plan-file.ts'),
  ]);
  const { context, progress, talk } = session;
  const host = { context, progress, talk, formatTime: timeFormat(await resultZone(session)) };
  const result = await runAudit(bank, input, host);
  progress(undefined);
  if (input.plan !== undefined) await writePlan(input.plan, result.corrections, bank, host);
  return toResult(result);
}

const findingColumns: readonly ColumnOf<Finding>[] = [
  { name: 'code', cell: ({ code }) => code },
  { name: 'branch', cell: ({ branch, from }) => branch ?? from ?? '' },
  { name: 'account', cell: ({ account }) => account ?? '' },
  { name: 'amount', cell: ({ amount }) => amount ?? '', align: 'right' },
  { name: 'detail', cell: ({ detail }) => detail },
];

function toResult({ findings, checked, unread, more }: AuditResult): Result {
  const hasMore = Object.keys(more).length > 0;
  return {
    kind: 'single',
    data: { findings, checked, unread, ...(hasMore && { more }) },
    view: gridView(findings, findingColumns),
    status: statusOf(findings, unread),
  };
}

function statusOf(findings: readonly unknown[], unread: readonly unknown[]): Status {
  if (findings.length > 0) return Status.violation;
  return unread.length > 0 ? Status.undecided : Status.done;
}
