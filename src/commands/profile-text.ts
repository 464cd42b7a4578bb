import type { ShownProfile } from '../bank/operations/profile.ts';
import type { ColumnOf } from '../render/view.ts';

/** What an operation changed of an owner and labels: `owner Ada Lovelace, +vip, -late`. */
export function profileText(change: Partial<ShownProfile>): string {
  const { owner_before, owner = null, labels_before = [], labels = [] } = change;
  const isSet = owner_before !== undefined && owner_before !== owner;
  return [
    ...(isSet ? [owner === null ? 'no owner' : `owner ${owner}`] : []),
    ...labels.filter((label) => !labels_before.includes(label)).map((label) => `+${label}`),
    ...labels_before.filter((label) => !labels.includes(label)).map((label) => `-${label}`),
  ].join(', ');
}

/** What was changed of an owner and labels, and the memo, as people see them. */
export function noteColumn<Item extends { readonly memo: string | null }>(
  changesOf: (item: Item) => readonly Partial<ShownProfile>[],
): ColumnOf<Item> {
  const cell = (item: Item) =>
    [...changesOf(item).map(profileText), item.memo ?? ''].filter((it) => it !== '').join('; ');
  return { name: 'note', cell };
}

/** The owner and the labels that an item has, or that an operation gave it. */
export function profileColumns<Item>(
  profileOf: (item: Item) => Partial<Pick<ShownProfile, 'owner' | 'labels'>> | undefined,
): readonly ColumnOf<Item>[] {
  return [
    { name: 'owner', cell: (item) => profileOf(item)?.owner ?? '' },
    { name: 'labels', cell: (item) => profileOf(item)?.labels?.join(' ') ?? '' },
  ];
}
