import { isServerError } from '../../database/driver-errors.ts';
import type { Finding } from '../finding.ts';
import type { Audited } from './audited.ts';

const noGuards = 'The user has no permission to read its indexes and validator.';

/** Finds indexes and validators that are missing from collections that exist. */
export async function* findUnguarded(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { bank, places, skipped } = audited;
  for (const { branch } of places) {
    if (branch) yield await findOne(audited, branch.collection, branch.name);
  }
  if (!bank.journal || skipped.has(bank.journal.collection)) return;
  const lacks = await findOne(audited, bank.journal.collection, undefined);
  yield lacks;
  // The validator lets in nothing else, and to look for it takes as long as to read the journal.
  if (lacks.some(({ code }) => code === 'missing_validator')) yield await findStrangers(audited);
}

/** Documents of a journal's collection that no version of bankctl wrote. */
async function findStrangers({ bank, session }: Audited): Promise<readonly Finding[]> {
  const found = await bank.scan.strangers(maxExamples + 1, session);
  if (!bank.journal || found.length === 0) return [];
  const more = found.length > maxExamples ? ', …' : '';
  const examples = found.slice(0, maxExamples).map((id) => `_id ${id}`);
  return [
    {
      ...{ code: 'bad_document', account: null, cause: null },
      detail:
        `The journal's collection ${bank.journal.collection} holds what is no operation: ` +
        `${examples.join(', ')}${more}.`,
      repair:
        "If it is another program's, give the journal another name with journal: NAME in the " +
        'config; otherwise delete those documents.',
    },
  ];
}

const maxExamples = 5;

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
