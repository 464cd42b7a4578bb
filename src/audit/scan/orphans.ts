import type { Document } from 'mongodb';
import { balanceFromDecimal } from '../../bank/decimal.ts';
import type { BranchConfig } from '../../config/config.ts';
import { formatAmount } from '../../core/money.ts';
import type { Finding } from '../finding.ts';
import type { Audited } from './audited.ts';

/** Later than any posting. */
const endOfTimes = new Date(Date.UTC(9999, 11, 31));

/**
 * Finds accounts that the journal has postings of and that have no document, if the fingerprints
 * say that there may be some.
 */
export async function* findOrphans(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { bank, session, places, skipped, fingerprints, host } = audited;
  for (const { branch } of places) {
    if (!branch || skipped.has(branch.collection) || fingerprints.allZero()) continue;
    host.progress(`Looking for accounts of ${branch.name} that are gone`);
    const batches = bank.journal?.accountsAt(endOfTimes, { branch: branch.name }, session);
    for await (const batch of batches ?? []) {
      const suspects = new Map<string, Document>();
      for (const { _id, last } of batch) {
        const account = String(_id['account_number']);
        if (fingerprints.isZero(fingerprints.keyOf(branch.name, account))) continue;
        suspects.set(account, last);
      }
      if (suspects.size === 0) continue;
      const of = { branch: branch.name, accounts: [...suspects.keys()] };
      const documents = await bank.scan.documentsOf(of, session);
      yield [...suspects]
        .filter(([account]) => (documents.get(account)?.own ?? 0) === 0)
        .map(([account, last]) => orphan(branch, account, last));
    }
  }
}

function orphan({ name, currency }: BranchConfig, account: string, last: Document): Finding {
  const minor = balanceFromDecimal(last['balance'], currency);
  const amount = minor === undefined ? undefined : formatAmount(minor, currency);
  return {
    code: 'orphan_posting',
    account,
    branch: name,
    ...(amount === undefined ? {} : { amount, currency: currency.code }),
    detail:
      `The journal has postings of ${name}:${account} up to version ${last['version']}` +
      `${amount === undefined ? '' : `, with the balance ${amount} ${currency.code}`}, but no ` +
      `document of it has the stamp of ${name}.`,
    cause: null,
    repair: 'Restore the document from a backup; its balance and version are in the journal.',
  };
}
