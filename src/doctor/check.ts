import type { BankctlError } from '../core/errors.ts';

/** What `doctor` looks at, in this order. */
export const checkNames = [
  'config',
  'local_database',
  'mongod',
  'connection',
  'server',
  'replica_set',
  'majority',
  'clock',
  'disk',
  'identity',
  'collections',
  'permissions',
] as const;

/** The name of a check. */
export type CheckName = (typeof checkNames)[number];

/** What came of one check; keys as in the JSON result. */
export interface Check {
  readonly check: CheckName;
  /** A warning is nothing wrong yet; what could not be looked at is skipped. */
  readonly state: 'ok' | 'warning' | 'problem' | 'skipped';
  /** One sentence: what was found. */
  readonly detail: string;
  /** What to type or to do; null if nothing. */
  readonly cure: string | null;
  /** A code of the error table; null unless it is a problem. */
  readonly code: string | null;
}

/** Nothing to do. */
export function ok(check: CheckName, detail: string): Check {
  return { check, state: 'ok', detail, cure: null, code: null };
}

/** It works, but may not for long, or not as meant. */
export function warning(check: CheckName, detail: string, cure: string): Check {
  return { check, state: 'warning', detail, cure, code: null };
}

/** It could not be looked at. */
export function skipped(check: CheckName, detail: string): Check {
  return { check, state: 'skipped', detail, cure: null, code: null };
}

/** The error that a command would end with. */
export function problem(
  check: CheckName,
  { code, message, hint }: Pick<BankctlError, 'code' | 'message' | 'hint'>,
): Check {
  return { check, state: 'problem', detail: message, cure: hint, code };
}
