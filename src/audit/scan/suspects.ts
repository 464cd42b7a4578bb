import type { Document } from 'mongodb';
import { plainAccounts } from '../../bank/plain-documents.ts';
import type { BranchConfig } from '../../config/config.ts';
import type { Audited } from './audited.ts';
import type { Fingerprints } from './fingerprints.ts';

/** A document of a branch, whose sum is not zero. */
export interface Suspect {
  readonly account: string;
  readonly document: Document;
}

/** How many accounts' postings are fetched together. */
const accountsAtOnce = 500;

/** Reads the documents of a branch again, for those whose sums are not zero, in batches. */
export async function* suspectsOf(
  { bank, session }: Audited,
  branch: BranchConfig,
  sums: Fingerprints,
): AsyncGenerator<readonly Suspect[]> {
  const readPlain = plainAccounts(branch);
  let suspects: Suspect[] = [];
  for await (const batch of bank.scan.accounts(branch.collection, session)) {
    for (const bytes of batch) {
      const plain = readPlain(bytes);
      if (plain && sums.isZero(sums.keyOf(branch.name, plain.account))) continue;
      const document = bank.scan.decode(bytes);
      const account = accountOf(branch, document);
      if (account === undefined || sums.isZero(sums.keyOf(branch.name, account))) continue;
      suspects.push({ account, document });
      if (suspects.length < accountsAtOnce) continue;
      yield suspects;
      suspects = [];
    }
  }
  if (suspects.length > 0) yield suspects;
}

function accountOf(branch: BranchConfig, document: Document): string | undefined {
  const account: unknown = document['account_number'];
  return document['branch'] === branch.name && typeof account === 'string' ? account : undefined;
}
