import { isServerError } from '../../database/driver-errors.ts';
import type { Finding } from '../finding.ts';
import type { Audited } from './audited.ts';

const noGuards = 'The user has no permission to read its indexes and validator.';

/** Finds indexes and validators that are missing from collections that exist. */
export async function* findUnguarded(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { bank, places } = audited;
  for (const { branch } of places) {
    if (branch) yield await findOne(audited, branch.collection, branch.name);
  }
  if (bank.journal) yield await findOne(audited, bank.journal.collection, undefined);
}

async function findOne(
  { bank, unread }: Audited,
  collection: string,
  branch: string | undefined,
): Promise<readonly Finding[]> {
  try {
    const { indexes, validator } = await bank.scan.unguarded(branch);
    const shared = { account: null, ...(branch === undefined ? {} : { branch }), cause: null };
    const repair = 'bankctl init makes it, once every document is as bankctl writes it.';
    return [
      ...indexes.map(
        (fields): Finding => ({
          ...{ code: 'missing_index', ...shared, repair },
          detail: `The collection ${collection} has no index on ${fields} that guards it.`,
        }),
      ),
      ...(validator
        ? [
            {
              ...{ code: 'missing_validator' as const, ...shared, repair },
              detail: `The collection ${collection} has no validator that refuses wrong documents.`,
            },
          ]
        : []),
    ];
  } catch (error) {
    if (!isServerError(error, 'unauthorized')) throw error;
    const part = branch === undefined ? { collection } : { branch, collection };
    unread.push({ ...part, reason: noGuards });
    return [];
  }
}
