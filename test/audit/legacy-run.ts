import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../src/audit/finding.ts';
import type { Workspace } from '../workspace.ts';

/** One call of a legacy program, and what truly became of it. */
export interface LegacyCall {
  readonly branch: string;
  readonly account: string;
  readonly cents: number;
  /** The collection that its write went to; undefined if it matched nothing. */
  readonly landed: string | undefined;
}

/** A call as the program's log has it. */
export interface LoggedCall extends LegacyCall {
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Makes the calls, several at once, as the program would, and keeps its log. */
export async function runLegacy(
  { db }: Pick<Workspace, 'db'>,
  calls: readonly LegacyCall[],
  workers = 4,
): Promise<readonly LoggedCall[]> {
  const log: LoggedCall[] = [];
  const left = [...calls.entries()];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, call] = next;
      const startMs = Date.now();
      // What is lost is sent to a collection that has no such account.
      await db
        .collection(call.landed ?? 'nowhere')
        .updateOne({ account_number: call.account }, { $inc: { balance: call.cents / 100 } });
      log.push({ ...call, id: `call-${index}`, startMs, endMs: Date.now() });
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return log.toSorted((left, right) => left.startMs - right.startMs);
}

/** A row of the log, with what is to be different in it. */
export interface LogOptions {
  readonly shiftMs?: number;
  readonly times?: 'both' | 'start' | 'none';
  readonly modified?: boolean;
}

/** Writes the log, and audits with it and an opening. */
export async function traceLegacy(
  bank: Pick<Workspace, 'directory' | 'run'>,
  log: readonly LoggedCall[],
  { shiftMs = 0, times = 'both', modified = false }: LogOptions = {},
  argv: readonly string[] = ['--opening', 'opening.csv'],
) {
  const time = (ms: number) => new Date(ms + shiftMs).toISOString();
  const rows = log.map(({ id, branch, account, cents, startMs, endMs, landed }) => [
    ...[id, branch, account, (cents / 100).toFixed(2)],
    ...(times === 'none' ? [] : [time(startMs)]),
    ...(times === 'both' ? [time(endMs)] : []),
    ...(modified ? [landed === undefined ? 0 : 1] : []),
  ]);
  const head = [
    'id,branch,account,amount',
    ...(times === 'none' ? [] : ['time']),
    ...(times === 'both' ? ['end_time'] : []),
    ...(modified ? ['modified'] : []),
  ].join();
  await writeFile(join(bank.directory, 'log.csv'), [head, ...rows, ''].join('\n'));
  const { status, stdout, stderr } = await bank.run([
    ...['audit', '--json', '--intended', 'log.csv', '--trace', ...argv],
  ]);
  if (stdout === '') throw new Error(stderr);
  const { findings, unread }: { findings: Finding[]; unread: { reason: string }[] } =
    JSON.parse(stdout);
  const traced = findings.filter(({ fates }) => fates !== undefined);
  const outside = findings.filter(({ cause }) =>
    /^The log is not whole, a clock/.test(cause ?? ''),
  );
  return { status, stderr, findings, unread, traced, outside };
}

/** The fate of a call, as findings name it. */
export function truthOf({ landed }: LegacyCall): string {
  return landed ?? 'lost';
}

/** Says which statements are false. */
export function falseStatements(
  log: readonly LoggedCall[],
  traced: readonly Finding[],
): readonly string[] {
  const truths = new Map(log.map((call) => [call.id, truthOf(call)]));
  return traced.flatMap(({ operation = '', fates = [], detail }) =>
    fates.includes(truths.get(operation) ?? '')
      ? []
      : [`${detail} It is ${truths.get(operation)}.`],
  );
}
