import { setTimeout as pause } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import { accountBalance } from '../../bank/balances.ts';
import type { Bank } from '../../bank/bank.ts';
import type { Outcome } from '../../bank/judge.ts';
import { type Ledger, openLedger } from '../../bank/ledger.ts';
import { referenceKey } from '../../bank/operations/names.ts';
import type { Operation } from '../../bank/operations/operation.ts';
import { BankctlError } from '../../core/errors.ts';
import type { HistoryEvent } from '../history/event.ts';
import { planAmount } from '../plan/increments.ts';
import {
  type LedgerPlan,
  type LedgerPlanOptions,
  type LedgerStep,
  makeLedgerPlan,
} from '../plan/ledger.ts';
import { openStressBank, readBank, stressAuthor } from '../subjects/ledger.ts';
import type { CrewTask, Work, WorkHost, Workload } from './crew.ts';
import { type LedgerRequest, type LedgerWrite, postedValue, reversalOf } from './ledger-events.ts';

/**
 * A day at the bank, through the real write path. Each thread has a ledger of its own, so that
 * batches of several ledgers meet in the server like those of several processes.
 */
export const ledgerWorkload: Workload<LedgerPlanOptions, HistoryEvent, undefined> = {
  name: 'ledger',
  appName: 'bankctl stress ledger',
  monitorCommands: false,
  // Reads run alongside the ledger's one batch.
  spareConnections: 4,
  start: startLedger,
};

/** What the workers of one thread share. */
interface Shared extends Pick<WorkHost<HistoryEvent>, 'nowNs' | 'record'> {
  readonly bank: Bank;
  readonly ledger: Ledger;
  readonly plan: LedgerPlan;
  /** Work that its worker no longer waits for, and that the end of the run waits for. */
  readonly background: Set<Promise<unknown>>;
}

async function startLedger(
  { plan: options, workers, database, timeoutMs }: CrewTask<LedgerPlanOptions>,
  { client, nowNs, record, freshSeed }: WorkHost<HistoryEvent>,
): Promise<Work<undefined>> {
  const plan = makeLedgerPlan(options);
  const draw = () => freshSeed() / 2 ** 31;
  const bank = await openStressBank(client, database, plan, { timeoutMs, draw });
  const ledger = openLedger(bank, { by: stressAuthor });
  const background = new Set<Promise<unknown>>();
  const shared = { bank, ledger, plan, nowNs, record, background };
  const performers = new Map(workers.map((worker) => [worker, createWorker(worker, shared)]));
  return {
    perform: async (index) => {
      const nth = Math.floor(index / plan.workers);
      await performers.get(index % plan.workers)?.(plan.at(index), nth);
    },
    finish: async () => {
      await Promise.all(background);
      return undefined;
    },
  };
}

/** How an operation ended, as a history records it. */
interface End extends Pick<HistoryEvent, 'error' | 'gave_up' | 'said' | 'replayed'> {
  readonly type: 'ok' | 'fail' | 'info';
  readonly value: HistoryEvent['value'];
}

interface Remembered extends LedgerWrite {
  answered: boolean;
}

/** Operations that a worker may repeat or reverse. */
const maxRemembered = 16;

/**
 * Makes a worker, which does the steps of the plan one after another. A worker whose operation got
 * no answer continues as another process, since nobody knows whether the first one is still busy
 * (Jepsen's rule).
 */
function createWorker(
  worker: number,
  shared: Shared,
): (step: LedgerStep, nth: number) => Promise<void> {
  const { nowNs, record, plan } = shared;
  const memory: Remembered[] = [];
  let process = worker + 1;
  return async (step, nth) => {
    const request = requestOf(step, `w${worker + 1}-${nth}`, memory);
    const { f, value } = request;
    const begunNs = nowNs();
    const begun = record({ process, type: 'invoke', f, value, time: begunNs }, begunNs);
    if (begun) await begun;
    const { type, value: answer, ...more } = await carryOut(step, request, shared);
    const endedNs = nowNs();
    const ended = record({ process, type, f, value: answer, ...more, time: endedNs }, endedNs);
    if (ended) await ended;
    if (type === 'info') process += plan.workers;
    if ('operation' in request) remember(memory, request, type !== 'info');
  };
}

function remember(memory: Remembered[], write: LedgerWrite, answered: boolean): void {
  const known = memory.find(({ operation }) => operation.id === write.operation.id);
  if (known) known.answered ||= answered;
  else memory.push({ ...write, answered });
  if (memory.length > maxRemembered) memory.shift();
}

function requestOf(
  step: LedgerStep,
  id: string,
  memory: readonly Remembered[],
): LedgerRequest | LedgerWrite {
  switch (step.kind) {
    case 'snapshot':
      return { f: 'snapshot', value: {} };
    case 'read':
      return { f: 'read', value: { account: referenceKey(step.account) } };
    case 'retry': {
      // What was never answered is asked for again first.
      const past = memory.find(({ answered }) => !answered) ?? pick(memory, step.back);
      if (!past) return { f: 'snapshot', value: {} };
      return { ...past, operation: { ...past.operation, idGiven: true } };
    }
    case 'reverse': {
      const past = pick(
        memory.filter(({ operation }) => operation.type !== 'reverse'),
        step.back,
      );
      if (!past) return { f: 'snapshot', value: {} };
      const reverses = past.operation.id;
      const { idGiven } = step;
      const operation = { type: 'reverse', reverses, id, idGiven, memo: undefined } as const;
      return { ...reversalOf(past, id, reverses), operation };
    }
    case 'increment': {
      const { account, amountMinor, idGiven } = step;
      const value = { id, account: referenceKey(account), amount: planAmount(amountMinor) };
      const more = { id, idGiven, memo: undefined, create: false };
      return {
        f: 'increment',
        value,
        operation: { type: 'increment', ...account, amountMinor, ...more },
      };
    }
    case 'transfer': {
      const { account: from, to, amountMinor, idGiven } = step;
      const amount = planAmount(amountMinor);
      const value = { id, from: referenceKey(from), to: referenceKey(to), amount };
      const operation: Operation = {
        type: 'transfer',
        from,
        to,
        amountMinor,
        id,
        idGiven,
        memo: undefined,
      };
      return { f: 'transfer', value, operation };
    }
  }
}

function pick(memory: readonly Remembered[], back: number): Remembered | undefined {
  return memory[Math.floor(back * memory.length)];
}

async function carryOut(
  step: LedgerStep,
  request: LedgerRequest | LedgerWrite,
  host: Shared,
): Promise<End> {
  const { value } = request;
  try {
    if ('operation' in request) {
      const answer = host.ledger.post(request.operation);
      const patienceMs = 'patienceMs' in step ? step.patienceMs : undefined;
      const outcome = await patiently(answer, patienceMs, host);
      return outcome ? endOf(request, outcome) : { type: 'info', value, gave_up: true };
    }
    if (request.f === 'snapshot') {
      return { type: 'ok', value: { ...(await readBank(host.bank, host.plan)) } };
    }
    if (step.kind !== 'read') throw new Error(`${step.kind} has no request`);
    const { branch, account } = step.account;
    const { balance, version } = await accountBalance(host.bank, branch, account);
    return { type: 'ok', value: { account: referenceKey(step.account), balance, version } };
  } catch (error) {
    return { type: 'info', value, error: nameOf(error), ...saidOf(request, error) };
  }
}

function endOf(request: LedgerWrite, outcome: Outcome): End {
  if (!outcome.applied) {
    return { type: 'fail', value: request.value, error: outcome.error.code };
  }
  const value = postedValue(request, outcome.entry);
  return { type: 'ok', value, ...(outcome.replayed ? { replayed: true } : {}) };
}

/** @returns undefined if the worker gave up before there was an answer */
async function patiently<T>(
  answer: Promise<T>,
  patienceMs: number | undefined,
  { background }: Shared,
): Promise<T | undefined> {
  if (patienceMs === undefined) return answer;
  const settled = answer.then(
    () => undefined,
    () => undefined,
  );
  background.add(settled);
  void settled.then(() => background.delete(settled));
  const giveUp = new AbortController();
  try {
    return await Promise.race([
      answer,
      pause(patienceMs, undefined, { signal: giveUp.signal }).catch(() => undefined),
    ]);
  } finally {
    giveUp.abort();
  }
}

/** The code of an error, or the name that the driver gives it. */
function nameOf(error: unknown): string {
  if (error instanceof BankctlError) return error.code;
  if (error instanceof MongoError && error.code !== undefined) return `${error.name} ${error.code}`;
  return error instanceof Error ? error.name : String(error);
}

/**
 * The ledger says of every failure but one that nothing was applied. A history sticks to what a
 * client can know, and records `info`; what the ledger said is added, and checked.
 */
function saidOf(request: LedgerRequest | LedgerWrite, error: unknown): Pick<End, 'said'> {
  const isUnknown = error instanceof BankctlError && error.code === 'outcome_unknown';
  return 'operation' in request && !isUnknown ? { said: 'not_applied' } : {};
}
