import { Readable } from 'node:stream';
import { type AuditOptions, type AuditResult, runAudit } from '../../src/audit/scan/audit.ts';
import type { Bank } from '../../src/bank/bank.ts';
import { createContext } from '../../src/core/context.ts';
import { timeFormat } from '../../src/core/time.ts';

const context = createContext();

const noFiles = {
  ...{ intended: undefined, opening: undefined, expected: undefined },
  clockSkewMs: 1000,
};

/** Audits a bank without any source of intentions. */
export function auditOf(bank: Bank, options: Partial<AuditOptions> = {}): Promise<AuditResult> {
  const host = {
    context: { ...context, stdin: Readable.from([]), interrupted: new AbortController().signal },
    progress: () => undefined,
    talk: () => undefined,
    formatTime: timeFormat('UTC'),
  };
  const defaults = { branches: [], files: noFiles, trace: false, corrections: true };
  return runAudit(bank, { ...defaults, ...options }, host);
}
