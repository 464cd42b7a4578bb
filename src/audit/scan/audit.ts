import type { Bank } from '../../bank/bank.ts';
import { visible } from '../../core/text.ts';
import type { AuditHost } from '../audit-host.ts';
import type { Correction } from '../correction.ts';
import { type Evidence, type EvidenceFiles, openEvidence } from '../evidence/evidence.ts';
import type { Finding, FindingCode } from '../finding.ts';
import { type Traced, traceWrites } from '../trace/trace.ts';
import type { Audited } from './audited.ts';
import { scanDocuments } from './document-scan.ts';
import { createFingerprints } from './fingerprints.ts';
import { findUnguarded } from './guards.ts';
import { scanJournal } from './journal-scan.ts';
import { findOrphans } from './orphans.ts';
import { createOutsideCorrections } from './outside-corrections.ts';
import { findPlaces, type Unread } from './places.ts';
import { findProfiles } from './profile-scan.ts';
import { reconcile } from './reconciliation.ts';

/** What is audited, and by what. */
export interface AuditOptions {
  /** Names of branches; if there are none, all branches and the strays. */
  readonly branches: readonly string[];
  readonly files: EvidenceFiles;
  readonly trace: boolean;
  /** Whether corrections are collected. */
  readonly corrections: boolean;
  /** See `findOrphans`. */
  readonly maxSuspects?: number;
}

/** What is known when an audit is over, besides its findings. */
export interface AuditOutcome {
  readonly checked: { readonly accounts: number; readonly operations: number };
  readonly unread: readonly Unread[];
  /** One for each account number; none unless asked for. Some wait on disk until `close`. */
  readonly corrections: Iterable<Correction>;
  /** Called when the corrections were read. Repeatable. */
  readonly close: () => void;
}

/** An audit whose findings fit in memory. */
export interface AuditResult extends AuditOutcome {
  readonly findings: readonly Finding[];
  /** Of each kind, how many findings there are besides those. */
  readonly more: Readonly<Partial<Record<FindingCode, number>>>;
}

/** How many findings are kept. */
const maxFindings = 10_000;

/** Keeps findings as they are made, up to a number; counts the others. */
interface FindingRecord {
  readonly add: (findings: readonly Finding[]) => void;
  readonly with: (outcome: AuditOutcome) => AuditResult;
}

/** An empty record. */
export function createRecord(): FindingRecord {
  const findings: Finding[] = [];
  const more: Partial<Record<FindingCode, number>> = {};
  return {
    add: (some) => {
      for (const finding of some) {
        if (findings.length < maxFindings) findings.push(finding);
        else more[finding.code] = (more[finding.code] ?? 0) + 1;
      }
    },
    with: (outcome) => ({ ...outcome, findings, more }),
  };
}

/**
 * Reads the whole bank in one snapshot and changes nothing.
 * @throws what the evidence's files are refused for; `snapshot_too_old`
 */
export async function runAudit(
  bank: Bank,
  options: AuditOptions,
  host: AuditHost,
): Promise<AuditResult> {
  const record = createRecord();
  const batches = auditInBatches(bank, options, host);
  for (;;) {
    const next = await batches.next();
    if (next.done === true) return record.with(next.value);
    record.add(next.value);
  }
}

/** As `runAudit`, for any number of findings. */
export async function* auditInBatches(
  bank: Bank,
  options: AuditOptions,
  host: AuditHost,
): AsyncGenerator<readonly Finding[], AuditOutcome> {
  const evidence = await openEvidence(options.files, bank, host);
  try {
    const batches = auditWith(evidence, bank, options, host);
    for (;;) {
      const next = await batches.next();
      if (next.done === true) return next.value;
      yield next.value.map(onOneLine);
    }
  } finally {
    await evidence?.close();
  }
}

/** Names that other programs stored may hold anything; its sentences show what a terminal may. */
function onOneLine(finding: Finding): Finding {
  const { detail, cause, repair } = finding;
  const shown = (text: string | null) => (text === null ? null : visible(text));
  return { ...finding, detail: visible(detail), cause: shown(cause), repair: shown(repair) };
}

async function* auditWith(
  evidence: Evidence | undefined,
  bank: Bank,
  options: AuditOptions,
  host: AuditHost,
): AsyncGenerator<readonly Finding[], AuditOutcome> {
  const { places, unread, capped } = await findPlaces(bank, options.branches);
  const session = bank.startSession({ snapshot: bank.journal !== undefined });
  const live = bank.startSession();
  const audited: Audited = {
    ...{ bank, session, host, places, unread: [...unread] },
    sessionOf: ({ collection }) => (capped.has(collection) ? live : session),
    observers: evidence ? [evidence.observer] : [],
    fingerprints: createFingerprints(Math.floor(bank.draw() * 2 ** 31)),
    profiles: createFingerprints(Math.floor(bank.draw() * 2 ** 31)),
    checked: { accounts: 0, operations: 0 },
    repeated: new Set(),
    altered: new Set(),
    skipped: new Set(unread.flatMap(({ collection }) => collection ?? [])),
  };
  // What a source of intentions does not name may well have been meant.
  const outside = createOutsideCorrections(options.corrections && !evidence);
  let isOver = false;
  try {
    yield* findUnguarded(audited);
    yield* scanDocuments(audited);
    yield* scanJournal(audited);
    yield* findProfiles(audited);
    const isWhole = audited.unread.length === 0;
    if (bank.journal && !audited.skipped.has(bank.journal.collection)) {
      yield* reconcile(audited, outside);
      yield* findOrphans(audited, options.maxSuspects);
    }
    // The sums are judged last: what the history contradicts is not certain.
    const traced = await traceCalls(evidence, bank, options, host);
    const doubted = new Set([...traced.contradicted, ...audited.altered]);
    const conclusion = await evidence?.conclude(isWhole, doubted);
    yield conclusion?.findings ?? [];
    yield traced.findings;
    const reasons = [...(conclusion?.unjudged ?? []), ...traced.unseen];
    audited.unread.push(...reasons.map((reason) => ({ reason })));
    const { checked, altered } = audited;
    const corrections = {
      *[Symbol.iterator]() {
        for (const correction of conclusion?.corrections ?? outside.all()) {
          if (!altered.has(correction.account)) yield correction;
        }
      },
    };
    isOver = true;
    return { checked, unread: audited.unread, corrections, close: outside.close };
  } finally {
    if (!isOver) outside.close();
    await session.endSession();
    await live.endSession();
  }
}

async function traceCalls(
  evidence: Evidence | undefined,
  bank: Bank,
  { trace, files: { clockSkewMs } }: AuditOptions,
  host: AuditHost,
): Promise<Traced> {
  if (!trace || !evidence?.calls) return { findings: [], contradicted: new Set(), unseen: [] };
  const { calls, numbers, basis } = evidence;
  return traceWrites(bank, { calls, numbers, basis, clockSkewMs }, host);
}
