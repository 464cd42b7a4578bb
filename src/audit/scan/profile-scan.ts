import type { Document } from 'mongodb';
import {
  type AccountReference,
  referenceKey,
  shellReference,
} from '../../bank/operations/names.ts';
import {
  describeProfile,
  isSameProfile,
  labelsText,
  noProfile,
  ownerText,
  type Profile,
} from '../../bank/operations/profile.ts';
import { badProfileFields, readProfile, readProfileChange } from '../../bank/stored-profile.ts';
import { digestOf } from '../../core/digest-table.ts';
import { count, shellWord } from '../../core/text.ts';
import type { Finding } from '../finding.ts';
import type { Audited } from './audited.ts';
import { type Suspect, suspectsOf } from './suspects.ts';

/** Adds what is set by a document, or takes away what the journal says was set. */
export function addProfile(
  { profiles }: Pick<Audited, 'profiles'>,
  { branch, account }: AccountReference,
  profile: Profile,
  sign: 1 | -1,
): void {
  if (isSameProfile(profile, noProfile)) return;
  const text = `${profile.owner ?? ''}\n${labelsText(profile.labels)}`;
  profiles.add(profiles.keyOf(branch, account), ...digestOf(text), sign);
}

/** As `addProfile`, of a document; something that is no profile keeps the sum from being zero. */
export function addStoredProfile(
  audited: Pick<Audited, 'profiles'>,
  reference: AccountReference,
  document: Document,
): void {
  addProfile(audited, reference, readProfile(document) ?? noProfile, 1);
  if (badProfileFields(document).length === 0) return;
  const { profiles } = audited;
  profiles.add(profiles.keyOf(reference.branch, reference.account), 1, 1, 1);
}

/** As `addProfile`, of a posting: what was set before is replaced. */
export function addPostedProfile(
  audited: Pick<Audited, 'profiles'>,
  reference: AccountReference,
  posting: Document,
): void {
  const change = readProfileChange(posting['profile']);
  if (!change) return;
  addProfile(audited, reference, change.after, -1);
  addProfile(audited, reference, change.before, 1);
}

/**
 * Compares owner and labels with what the journal last said of them, for every account whose sum is
 * not zero.
 */
export async function* findProfiles(audited: Audited): AsyncGenerator<readonly Finding[]> {
  const { places, skipped, profiles, host } = audited;
  for (const { branch } of places) {
    if (!branch || skipped.has(branch.collection) || profiles.allZero()) continue;
    let compared = 0;
    for await (const suspects of suspectsOf(audited, branch, profiles)) {
      yield await compare(audited, branch.name, suspects);
      compared += suspects.length;
      host.progress(`Comparing owners and labels of ${branch.name}: ${count(compared, 'account')}`);
    }
  }
}

async function compare(
  audited: Audited,
  branch: string,
  suspects: readonly Suspect[],
): Promise<readonly Finding[]> {
  const { bank, repeated } = audited;
  // Of several documents of a number nobody knows the right one: that is reported already.
  if (repeated.has(bank.branches.get(branch).collection)) return [];
  const accounts = suspects.map(({ account }) => account);
  const said = await lastSaid(audited, branch, accounts);
  return suspects.flatMap(({ account, document }): readonly Finding[] => {
    const reference = { branch, account };
    const stored = readProfile(document) ?? noProfile;
    const [bad] = badProfileFields(document);
    const last = said?.get(account) ?? noProfile;
    const meant = last === 'unknown' || !said ? stored : last;
    if (bad === undefined && isSameProfile(stored, meant)) return [];
    const repair = said ? cureOf(reference, document, stored, meant) : byHand;
    const shared = { account, branch, cause: null, repair };
    const shown = referenceKey(reference);
    if (bad !== undefined) {
      const detail = `The document of ${shown} has no valid ${bad}.`;
      return [{ ...shared, code: 'bad_document', detail }];
    }
    const detail =
      `${shown} has ${describeProfile(stored)}, but the journal says ` +
      `${describeProfile(meant)}.`;
    return [{ ...shared, code: 'outside_label', detail }];
  });
}

/**
 * What the journal last said of each account that it says anything of; `unknown` for one that was
 * adopted with what its document had. Undefined if the journal cannot be read.
 */
async function lastSaid(
  { bank, session, skipped }: Audited,
  branch: string,
  accounts: readonly string[],
): Promise<ReadonlyMap<string, Profile | 'unknown'> | undefined> {
  if (!bank.journal || skipped.has(bank.journal.collection)) return undefined;
  const said = new Map<string, Profile | 'unknown'>();
  const among = { $or: [{ 'postings.profile': { $exists: true } }, { type: 'adopt' }] };
  for await (const batch of bank.scan.postingsOf({ branch, accounts, among }, session)) {
    for (const { type, posting } of batch) {
      const account = String(posting['account_number']);
      const change = readProfileChange(posting['profile']);
      if (change) said.set(account, change.after);
      else if (type === 'adopt' && !said.has(account)) said.set(account, 'unknown');
    }
  }
  return said;
}

const byHand = 'Find out which program wrote it, and correct the document by hand.';

/** The command that makes the one profile the other. */
function cureOf(
  reference: AccountReference,
  { status }: Document,
  stored: Profile,
  meant: Profile,
): string {
  if (status === 'closed') return byHand;
  const added = meant.labels.filter((label) => !stored.labels.includes(label));
  const removed = stored.labels.filter((label) => !meant.labels.includes(label));
  const words = [
    `bankctl label ${shellReference(reference)} --owner ${shellWord(ownerText(meant.owner))}`,
    ...added.map((label) => `--add ${shellWord(label)}`),
    ...removed.map((label) => `--remove ${shellWord(label)}`),
  ];
  return `${words.join(' ')} puts it right.`;
}
