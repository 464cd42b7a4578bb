import type { Document } from 'mongodb';
import {
  areLabels,
  isOwner,
  maxLabels,
  noProfile,
  type Profile,
  type ProfileChange,
  type ProfileEdit,
  sortLabels,
} from './operations/profile.ts';

/**
 * The fields of an account's document that hold its profile. Programs beside bankctl may well have
 * fields `owner` and `labels` of their own, with another meaning: those stay theirs, and bankctl
 * neither reads nor writes them.
 */
export const ownerField = 'bankctl_owner';
/** See `ownerField`. */
export const labelsField = 'bankctl_labels';

/** A profile as an account's document has it; both are absent until the account gets one. */
export interface StoredProfile {
  readonly [ownerField]?: string | null;
  readonly [labelsField]?: readonly string[] | null;
}

/** The stored form of a profile. */
export function toStoredProfile({ owner, labels }: Profile): StoredProfile {
  return { [ownerField]: owner, [labelsField]: labels };
}

/** The fields of an account's profile that are none that bankctl could have written. */
export function badProfileFields(document: Document): readonly (keyof StoredProfile)[] {
  const { [ownerField]: owner, [labelsField]: labels } = document;
  const areGoodLabels = labels == null || (isTexts(labels) && areLabels(labels));
  return [
    ...(owner == null || isStoredOwner(owner) ? [] : ([ownerField] as const)),
    ...(areGoodLabels ? [] : ([labelsField] as const)),
  ];
}

/**
 * The profile of an account, as far as bankctl could have written it: no rule about money looks at
 * it, so what is bad keeps nobody from using the account. Undefined if it never had one.
 */
export function readProfile(document: Document): Profile | undefined {
  const { [ownerField]: owner, [labelsField]: labels } = document;
  if (owner == null && labels == null) return undefined;
  const texts = isTexts(labels) ? labels : noProfile.labels;
  return toProfile({
    owner: isStoredOwner(owner) ? owner : null,
    labels: texts.filter((label) => areLabels([label])).slice(0, maxLabels),
  });
}

function isStoredOwner(value: unknown): value is string {
  return typeof value === 'string' && isOwner(value);
}

function toProfile({ owner, labels }: Profile): Profile {
  return { owner, labels: sortLabels(labels) };
}

/** What a posting says of a profile; undefined for anything that bankctl could not have written. */
export function readProfileChange(stored: unknown): ProfileChange | undefined {
  const { before, after }: Document = Object(stored);
  return isProfile(before) && isProfile(after)
    ? { before: toProfile(before), after: toProfile(after) }
    : undefined;
}

/** What a `label` asked for; undefined for anything that bankctl could not have written. */
export function readEdit(stored: unknown): ProfileEdit | undefined {
  const { owner, add, remove }: Document = Object(stored);
  const isOwner = owner == null || typeof owner === 'string';
  if (!isOwner || ![add, remove].every((it) => it === undefined || isTexts(it))) return undefined;
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(add === undefined ? {} : { add }),
    ...(remove === undefined ? {} : { remove }),
  };
}

function isProfile(value: unknown): value is Profile {
  const { owner, labels }: Document = Object(value);
  return (owner === null || typeof owner === 'string') && isTexts(labels);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
