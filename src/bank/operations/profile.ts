import { BankctlError } from '../../core/errors.ts';
import { quote, unseenInName, unseenInProse } from '../../core/text.ts';
import { type AccountReference, referenceKey, shellReference, textProblem } from './names.ts';

/** Whose an account is, and the words that it is found by. No rule about money looks at it. */
export interface Profile {
  /** Null if it has none. */
  readonly owner: string | null;
  /** In the order of their code units, each once. */
  readonly labels: readonly string[];
}

/** What an operation did to a profile. */
export interface ProfileChange {
  readonly before: Profile;
  readonly after: Profile;
}

/** What is asked of a profile; what is absent stays as it is. Lists are as in `Profile`. */
export interface ProfileEdit {
  /** Null takes the owner off. */
  readonly owner?: string | null;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** A change of a profile, as in JSON results. */
export interface ShownProfile {
  readonly owner_before: string | null;
  readonly owner: string | null;
  readonly labels_before: readonly string[];
  readonly labels: readonly string[];
}

/** The profile of an account that never had one. */
export const noProfile: Profile = Object.freeze({ owner: null, labels: Object.freeze([]) });

const noOwner = '-';
const maxOwnerLength = 200;
const maxLabelLength = 40;
/** The maximum number of labels of an account. */
export const maxLabels = 20;

/** An owner in Unicode NFC; null for `-`, which stands for none. @throws `invalid_owner` */
export function parseOwner(text: string): string | null {
  if (text === noOwner) return null;
  const owner = text.normalize('NFC');
  const problem = ownerProblem(owner);
  if (problem === undefined) return owner;
  const hint = text === '' ? 'Give a name; - stands for no owner.' : undefined;
  throw new BankctlError('invalid_owner', `The owner ${quote(text)} ${problem}.`, hint);
}

function ownerProblem(owner: string): string | undefined {
  return (
    textProblem(owner, maxOwnerLength, unseenInProse(owner)) ??
    (owner === owner.trim() ? undefined : 'begins or ends with a space')
  );
}

/** True for what `parseOwner` can give. */
export function isOwner(text: string): boolean {
  return text !== noOwner && isNormal(text) && ownerProblem(text) === undefined;
}

function isNormal(text: string): boolean {
  return text === text.normalize('NFC');
}

/** The inverse of `parseOwner`. */
export function ownerText(owner: string | null): string {
  return owner ?? noOwner;
}

/**
 * Labels in Unicode NFC, from a list with spaces or commas between them.
 * @throws `invalid_label`
 */
export function parseLabels(text: string): readonly string[] {
  const labels = text
    .normalize('NFC')
    .split(betweenLabels)
    .filter((label) => label !== '');
  if (labels.length === 0) {
    throw new BankctlError('invalid_label', `There is no label in ${quote(text)}.`);
  }
  for (const label of labels) {
    const problem = labelProblem(label);
    if (problem !== undefined) {
      throw new BankctlError('invalid_label', `The label ${quote(label)} ${problem}.`);
    }
  }
  const sorted = sortLabels(labels);
  if (sorted.length <= maxLabels) return sorted;
  const message = `${sorted.length} labels are given at once, but the maximum is ${maxLabels}.`;
  throw new BankctlError('invalid_label', message);
}

const betweenLabels = /[\p{Zs},]+/u;

function labelProblem(label: string): string | undefined {
  return textProblem(label, maxLabelLength, unseenInName(label));
}

/** True for what `parseLabels` can give, in any order, or for none. */
export function areLabels(labels: readonly string[]): boolean {
  const isLabel = (label: string) =>
    isNormal(label) && !betweenLabels.test(label) && labelProblem(label) === undefined;
  return labels.length <= maxLabels && labels.every(isLabel);
}

/** The inverse of `parseLabels`. */
export function labelsText(labels: readonly string[]): string {
  return labels.join(' ');
}

/** Labels in the one order in which they are kept, each once. */
export function sortLabels(labels: readonly string[]): readonly string[] {
  return [...new Set(labels)].sort();
}

/** True if owner and labels are the same. */
export function isSameProfile(left: Profile, right: Profile): boolean {
  return left.owner === right.owner && labelsText(left.labels) === labelsText(right.labels);
}

/**
 * The profile after an edit.
 *
 * @param mayStay the edit may leave it as it is
 * @throws `labels_unchanged`, `too_many_labels`
 */
export function editProfile(
  account: AccountReference,
  before: Profile,
  { owner = before.owner, add = [], remove = [] }: ProfileEdit,
  mayStay = false,
): Profile {
  const labels = sortLabels([...before.labels, ...add]).filter((it) => !remove.includes(it));
  const shown = referenceKey(account);
  if (!mayStay && isSameProfile(before, { owner, labels })) {
    throw new BankctlError(
      'labels_unchanged',
      `Nothing would change: ${shown} has ${describeProfile(before)}.`,
      `See it with bankctl accounts ${shellReference(account)}.`,
    );
  }
  if (labels.length > maxLabels) {
    const message = `${shown} would have ${labels.length} labels, but the maximum is ${maxLabels}.`;
    const hint = `Remove one with bankctl label ${shellReference(account)} --remove WORD.`;
    throw new BankctlError('too_many_labels', message, hint);
  }
  return { owner, labels };
}

/** A profile as words of a sentence: `the owner "Ada" and no labels`. */
export function describeProfile({ owner, labels }: Profile): string {
  const whose = owner === null ? 'no owner' : `the owner ${quote(owner)}`;
  const words = labels.length === 0 ? 'no labels' : `the labels ${labels.map(quote).join(', ')}`;
  return `${whose} and ${words}`;
}

/**
 * The profile once a change is taken back: what the change set is as it was before, and whatever
 * was changed besides stays.
 * @throws `labels_changed` if what it set was changed again since; `too_many_labels`
 */
export function undoChange(
  account: AccountReference,
  now: Profile,
  { before, after }: ProfileChange,
): Profile {
  const setOwner = before.owner !== after.owner;
  const added = after.labels.filter((label) => !before.labels.includes(label));
  const removed = before.labels.filter((label) => !after.labels.includes(label));
  const gone = added.find((label) => !now.labels.includes(label));
  const back = removed.find((label) => now.labels.includes(label));
  const reasons = [
    ...(setOwner && now.owner !== after.owner ? [`the owner is ${shownOwner(now.owner)}`] : []),
    ...(gone === undefined ? [] : [`the label ${quote(gone)} is gone`]),
    ...(back === undefined ? [] : [`the label ${quote(back)} is back`]),
  ];
  if (reasons.length > 0) {
    throw new BankctlError(
      'labels_changed',
      `What the operation set on ${referenceKey(account)} was changed since: ` +
        `${reasons.join(', ')}.`,
      `Say what it shall have now, with bankctl label ${shellReference(account)}.`,
    );
  }
  const owner = setOwner ? { owner: before.owner } : {};
  return editProfile(account, now, { ...owner, add: removed, remove: added });
}

function shownOwner(owner: string | null): string {
  return owner === null ? 'gone' : `now ${quote(owner)}`;
}

/** A change as JSON results have it. */
export function showProfile({ before, after }: ProfileChange): ShownProfile {
  return {
    ...{ owner_before: before.owner, owner: after.owner },
    ...{ labels_before: before.labels, labels: after.labels },
  };
}
