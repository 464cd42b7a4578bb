import { quote } from '../core/text.ts';
import { unknownColumn } from './columns.ts';
import type { Fields, RowShape } from './rows.ts';

/**
 * Reads one line of NDJSON: a flat object of text, in which no field is there twice.
 *
 * @param cut whether the file ends here without a newline
 * @returns the fields, or what is wrong with the line
 */
export function parseObject(text: string, shape: RowShape, cut: boolean): Fields | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return notJson(text, shape, cut, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return Array.isArray(value)
      ? `is a JSON array, but ${shape.noun} a line is expected: one JSON object each`
      : `is not ${shape.noun}: a JSON object was expected, such as {"branch":"branch1", ...}`;
  }
  return readFields(value, text, shape);
}

function readFields(value: object, text: string, shape: RowShape): Fields | string {
  const fields: Record<string, string> = {};
  let quotes = 0;
  for (const [name, field] of Object.entries(value)) {
    if (!shape.columns.includes(name)) return unknownColumn('field', name, shape);
    const flag = shape.flags.includes(name);
    if (typeof field === 'string' && !flag) {
      fields[name] = field;
      quotes += 4;
    } else if (typeof field === 'boolean' && flag) {
      fields[name] = String(field);
      quotes += 2;
    } else {
      return wrongType(name, field, flag);
    }
  }
  return hasTwice(text, quotes) ? `has the field ${twice(text)} twice` : fields;
}

/**
 * JSON.parse keeps the last of two fields of one name. Counting the quotation marks shows that one
 * got lost; where a backslash makes them hard to count, the names themselves are counted.
 */
function hasTwice(text: string, expected: number): boolean {
  if (text.includes('\\')) return twice(text) !== undefined;
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes += 1;
  return quotes !== expected;
}

/** The first name that is there twice, quoted; the object is known to be flat. */
function twice(text: string): string | undefined {
  const names = new Set<string>();
  for (const [, literal = '""', colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
    if (colon === undefined) continue;
    const name = String(JSON.parse(literal));
    if (names.has(name)) return quote(name);
    names.add(name);
  }
  return undefined;
}

function wrongType(name: string, field: unknown, flag: boolean): string {
  if (flag) return `has ${article(field)} as ${name}: true or false was expected, without quotes`;
  const why = typeof field === 'number' ? ', in quotes so that no digit is lost' : ', in quotes';
  return `has ${article(field)} as ${name}: it must be text${why}, such as "${name}":"50.00"`;
}

function article(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function notJson(text: string, { noun }: RowShape, cut: boolean, error: unknown): string {
  if (cut && text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}')) {
    return `stops in the middle: ${noun} was expected, and the file ends before its }`;
  }
  const reason = error instanceof Error ? error.message.replace(/ in JSON at position.*/s, '') : '';
  return `is not JSON: ${quote(text)} was read where ${noun} was expected (${reason})`;
}
