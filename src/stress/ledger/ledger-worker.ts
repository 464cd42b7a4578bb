import { setTimeout as pause } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import { accountBalance } from '../../bank/balances.ts';
import type { Bank } from '../../bank/bank.ts';
import type { Outcome } from '../../bank/judge.ts';
import type { Ledger } from '../../bank/ledger.ts';
import { referenceKey } from '../../bank/operations/names.ts';
import type { Operation } from '../../bank/operations/operation.ts';
import { BankctlError } from '../../core/errors.ts';
import type { LineBatches } from '../history/line-batches.ts';
import { readBank } from './ledger-bank.ts';
import {
  accountName,
  type LedgerRequest,
  type LedgerWrite,
  ledgerLine,
  money,
  postedValue,
  reversalOf,
} from './ledger-lines.ts';
import type { LedgerPlan, LedgerStep } from './ledger-plan.ts';

/** What the workers of one thread share. */
export interface WorkerHost {
  readonly bank: Bank;
  readonly ledger: Ledger;
  readonly plan: LedgerPlan;
  readonly lines: LineBatches;
  /** Monotonic, nanoseconds since the start of the run. */
  readonly nowNs: () => number;
  /** Work that its worker no longer waits for, and that the end of the run waits for. */
  readonly background: Set<Promise<unknown>>;
}

/** A worker of the plan, one operation at a time. */
export interface LedgerWorker {
  /** Does a step of the plan. */
  readonly perform: (step: LedgerStep, nth: number) => Promise<void>;
}

/** How an operation ended, as a history has it. */
interface End {
  readonly type: 'ok' | 'fail' | 'info';
  readonly value: unknown;
  readonly more?: Readonly<Record<string, unknown>>;
}

interface Remembered extends LedgerWrite {
  answered: boolean;
}

/** Operations that a worker may repeat or reverse. */
const mostRemembered = 16;

/**
 * Makes a worker. One whose operation got no answer goes on as another process, since nobody
 * knows whether the first one is still at it (Jepsen's rule).
 */
export function createWorker(worker: number, host: WorkerHost): LedgerWorker {
  const memory: Remembered[] = [];
  let process = worker + 1;
  return {
    perform: async (step, nth) => {
      const request = requestOf(step, `w${worker + 1}-${nth}`, memory);
      const begun = host.lines.add(ledgerLine(process, 'invoke', request, host.nowNs()));
      if (begun) await begun;
      const end = await carryOut(step, request, host);
      const line = { f: request.f, value: end.value };
      const ended = host.lines.add(
        ledgerLine(process, end.type, line, host.nowNs(), end.more ?? {}),
      );
      if (ended) await ended;
      if (end.type === 'info') process += host.plan.workers;
      if ('operation' in request) remember(memory, request, end.type !== 'info');
    },
  };
}

function remember(memory: Remembered[], write: LedgerWrite, answered: boolean): void {
  const known = memory.find(({ operation }) => operation.id === write.operation.id);
  if (known) known.answered ||= answered;
  else memory.push({ ...write, answered });
  if (memory.length > mostRemembered) memory.shift();
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
      return { f: 'read', value: { account: accountName(step.account) } };
    case 'retry': {
      // What was never answered is asked again first.
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
      const value = { id, account: accountName(account), amount: money(amountMinor) };
      const more = { id, idGiven, memo: undefined, create: false };
      return {
        f: 'increment',
        value,
        operation: { type: 'increment', ...account, amountMinor, ...more },
      };
    }
    case 'transfer': {
      const { account: from, to, amountMinor, idGiven } = step;
      const amount = money(amountMinor);
      const value = { id, from: accountName(from), to: accountName(to), amount };
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
  host: WorkerHost,
): Promise<End> {
  const { value } = request;
  try {
    if ('operation' in request) {
      const answer = host.ledger.post(request.operation);
      const patienceMs = 'patienceMs' in step ? step.patienceMs : undefined;
      const outcome = await patiently(answer, patienceMs, host);
      return outcome ? endOf(request, outcome) : { type: 'info', value, more: { gave_up: true } };
    }
    if (request.f === 'snapshot')
      return { type: 'ok', value: await readBank(host.bank, host.plan) };
    if (step.kind !== 'read') throw new Error(`${step.kind} has no request`);
    const { branch, account } = step.account;
    const { balance, version } = await accountBalance(host.bank, branch, account);
    return { type: 'ok', value: { account: referenceKey(step.account), balance, version } };
  } catch (error) {
    return { type: 'info', value, more: { error: nameOf(error), ...saidOf(request, error) } };
  }
}

function endOf(request: LedgerWrite, outcome: Outcome): End {
  if (!outcome.applied) {
    return { type: 'fail', value: request.value, more: { error: outcome.error.code } };
  }
  const value = postedValue(request, outcome.entry);
  return { type: 'ok', value, more: outcome.replayed ? { replayed: true } : {} };
}

/** @returns undefined where the worker gave up before there was an answer */
async function patiently<T>(
  answer: Promise<T>,
  patienceMs: number | undefined,
  { background }: WorkerHost,
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
 * The ledger says of every failure but one that nothing was applied. A history keeps to what a
 * client can know, and has it as `info`; what the ledger said is added, and held against it.
 */
function saidOf(request: LedgerRequest | LedgerWrite, error: unknown) {
  const isUnknown = error instanceof BankctlError && error.code === 'outcome_unknown';
  return 'operation' in request && !isUnknown ? { said: 'not_applied' } : {};
}
