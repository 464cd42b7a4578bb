import type { LedgerModelReport } from '../stress/drive/report.ts';

/** What went wrong, what the faults did, and what stays open, in sentences. */
export function ledgerNotes(model: LedgerModelReport): readonly string[] {
  const {
    unknown,
    unknown_applied: applied = 0,
    retried = 0,
    refused,
    faults,
    first_wrong,
  } = model;
  const why = faults || unknown === 0 ? '' : ', since some workers give up on purpose';
  const were = applied === 1 ? 'was' : 'were';
  const found = Object.entries(model.anomalies).filter(([, count]) => count > 0);
  return [
    ...found.map(([name, count]) => `Model ledger: ${name} ${count}.`),
    ...(first_wrong ? [`Model ledger: ${first_wrong.detail}.`] : []),
    `Model ledger: ${refused} refused by the rules, ${retried} asked again with the same id.`,
    `Model ledger: ${unknown} got no answer${why}; ${applied} of them ${were} applied.`,
    ...(faults
      ? [
          `Model ledger: ${faults.bitten} of ${faults.planned} faults (${faults.kind}) took ` +
            `effect: ${changed(faults.kind)}, and an operation under way felt it.`,
          'A kill -9 is not a power cut: the kernel keeps what the server had written.',
        ]
      : []),
  ];
}

function changed(kind: string): string {
  return kind === 'kill' ? 'the server is another process' : 'another server is primary';
}

/** True for the report of the ledger among those of the other models. */
export function isLedger(model: { readonly model: string }): model is LedgerModelReport {
  return model.model === 'ledger';
}
