import { nearest } from '../core/nearest.ts';
import { quote } from '../core/text.ts';
import type { RowShape } from './rows.ts';

/** Why a field or a column is refused that rows of this shape do not have. */
export function unknownColumn(kind: 'field' | 'column', name: string, shape: RowShape): string {
  const meant = shape.otherNames?.[name.toLowerCase()] ?? nearest(name, shape.columns);
  const guess = meant === undefined ? '' : `; did you mean ${meant}?`;
  const known = shape.columns.join(', ');
  return `has an unknown ${kind} ${quote(name)}: there are ${known}${guess}`;
}
