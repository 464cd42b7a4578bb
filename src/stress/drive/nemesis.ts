import { setTimeout as pause } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { BankctlError } from '../../core/errors.ts';
import type { Throwaway, ThrowawayMember } from '../../database/throwaway-server.ts';
import type { HistoryEvent } from '../history/event.ts';
import type { FaultKind } from '../plan/ledger.ts';
import type { Draw } from '../plan/random.ts';
import { awaitMembers, awaitWrites, primaryOf } from './server-state.ts';

/** What the faults of a run are. */
interface NemesisTask {
  readonly kind: FaultKind;
  readonly server: Throwaway;
  /** A client that is not under load. */
  readonly client: MongoClient;
  readonly database: string;
  /** No fault strikes later than this, nanoseconds since the start of the run. */
  readonly deadlineNs: number;
  readonly draw: Draw;
}

/** What the faults need from their caller. */
interface NemesisHost {
  readonly nowNs: () => number;
  readonly record: (event: HistoryEvent) => void;
  /** Aborted when no further fault should strike. */
  readonly stopped: AbortSignal;
  readonly interrupted: AbortSignal;
}

const shortestQuietMs = 500;
const longestQuietMs = 1500;
/** By then, whatever was under way has its answer, if the killed server gave it one. */
const shortestDownMs = 100;
const longestDownMs = 600;

/**
 * Strikes repeatedly, and returns once the last server is back. `kill` ends the one server by
 * SIGKILL and starts it again on its data; `failover` does so with the primary of three, once
 * another one has taken over. `FaultWatch` describes the events of a fault.
 *
 * SIGKILL is not a power cut: what the process handed to the kernel is not lost with it.
 *
 * @throws `database_failed` if the servers do not come back
 */
export async function runNemesis(task: NemesisTask, host: NemesisHost): Promise<void> {
  const { kind, draw } = task;
  for (let fault = 0; ; fault += 1) {
    const quietMs = shortestQuietMs + draw(2 * fault, longestQuietMs - shortestQuietMs);
    await pause(quietMs, undefined, { signal: host.stopped }).catch(() => undefined);
    if (host.stopped.aborted || host.nowNs() >= task.deadlineNs) return;
    const downMs = shortestDownMs + draw(2 * fault + 1, longestDownMs - shortestDownMs);
    await (kind === 'kill' ? kill(task, host, downMs) : failOver(task, host, downMs));
    if (host.interrupted.aborted) return;
  }
}

async function kill(task: NemesisTask, host: NemesisHost, downMs: number): Promise<void> {
  const [member] = task.server.members;
  if (!member) throw new Error('the throwaway deployment has no server');
  record(host, 'invoke', 'kill', { pid: member.pid() });
  await member.kill();
  await pause(downMs);
  if (host.interrupted.aborted) return;
  record(host, 'info', 'down', {});
  await member.restart();
  await awaitWrites(task.client, task.database, host);
  record(host, 'info', 'kill', { pid: member.pid() });
}

async function failOver(task: NemesisTask, host: NemesisHost, downMs: number): Promise<void> {
  const { client, server } = task;
  const before = await primaryOf(client, host);
  const member = memberAt(server, before);
  record(host, 'invoke', 'failover', { primary: before, pid: member.pid() });
  await member.kill();
  await pause(shortestDownMs);
  record(host, 'info', 'down', {});
  await awaitWrites(client, task.database, host);
  const after = await primaryOf(client, host);
  record(host, 'info', 'failover', { primary: after });
  await pause(downMs);
  if (host.interrupted.aborted) return;
  record(host, 'invoke', 'rejoin', { member: before });
  await member.restart();
  await awaitMembers(client, server.members.length, host);
  record(host, 'info', 'rejoin', { member: before, pid: member.pid() });
}

function memberAt(server: Throwaway, address: string): ThrowawayMember {
  const member = server.members.find(({ port }) => address.endsWith(`:${port}`));
  if (member) return member;
  throw new BankctlError('database_failed', `The primary ${address} is not one of the servers.`);
}

function record(
  { nowNs, record: take }: NemesisHost,
  type: 'invoke' | 'info',
  f: string,
  value: HistoryEvent['value'],
): void {
  take({ process: 'nemesis', type, f, value, time: nowNs() });
}
