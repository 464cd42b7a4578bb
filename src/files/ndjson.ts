import { quote } from '../core/text.ts';
import {
  countQuotes,
  type Fields,
  isBlank,
  LineProblem,
  plainTraits,
  type RowParser,
  type RowShape,
  unknownColumn,
} from './rows.ts';

/** Reads NDJSON: flat objects of text, one per line, in which no field occurs twice. */
export function createNdjsonParser(shape: RowShape): RowParser {
  return {
    parse: (line, text, isCut) => {
      if (isBlank(text)) return undefined;
      const fields = parseObject(text, shape, isCut);
      if (typeof fields === 'string') throw new LineProblem(line, fields);
      return { line, length: text.length, fields };
    },
    skip: () => undefined,
    canGoOn: () => true,
    end: () => undefined,
    traits: plainTraits,
  };
}

/** @returns the fields, or what is wrong with the line */
function parseObject(text: string, shape: RowShape, isCut: boolean): Fields | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return notJson(text, shape, isCut, error);
  }
  if (Array.isArray(value)) {
    return `is a JSON array, but ${shape.noun} was expected on each line: one JSON object each`;
  }
  if (typeof value !== 'object' || value === null) {
    return `is not ${shape.noun}: a JSON object was expected, such as {"branch":"branch1", ...}`;
  }
  let quotes = 0;
  let hasFlag = false;
  const found: Readonly<Record<string, unknown>> = { ...value };
  // Pairs made of each field would be a tenth of all that is allocated.
  for (const name in found) {
    const field = found[name];
    if (!shape.columns.includes(name)) return unknownColumn('field', name, shape);
    const isFlag = shape.flags.includes(name);
    if (typeof field === 'string' && !isFlag) quotes += 4;
    else if (typeof field === 'boolean' && isFlag) {
      hasFlag = true;
      quotes += 2;
    } else {
      return wrongType(name, field, isFlag);
    }
  }
  if (repeatsName(text, quotes)) return `has the field ${repeatedName(text)} twice`;
  return hasFlag ? Object.fromEntries(Object.entries(value).map(asText)) : { ...value };
}

function asText([name, field]: [string, unknown]): [string, string] {
  return [name, String(field)];
}

/**
 * JSON.parse keeps the last of two fields with the same name. Counting the quotation marks shows
 * that one was lost; if a backslash makes them hard to count, the names themselves are compared.
 */
function repeatsName(text: string, expectedQuotes: number): boolean {
  return text.includes('\\')
    ? repeatedName(text) !== undefined
    : countQuotes(text) !== expectedQuotes;
}

/** The first name that occurs twice, quoted; the object is known to be flat. */
function repeatedName(text: string): string | undefined {
  const names = new Set<string>();
  for (const [, literal = '""', colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
    if (colon === undefined) continue;
    const name = String(JSON.parse(literal));
    if (names.has(name)) return quote(name);
    names.add(name);
  }
  return undefined;
}

function wrongType(name: string, field: unknown, isFlag: boolean): string {
  if (isFlag)
    return `has ${typeName(field)} as ${name}: true or false was expected, without quotes`;
  const why = typeof field === 'number' ? ', in quotes so that no digit is lost' : ', in quotes';
  return `has ${typeName(field)} as ${name}: it must be text${why}, such as "${name}":"50.00"`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function notJson(text: string, { noun }: RowShape, isCut: boolean, error: unknown): string {
  if (isCut && text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}')) {
    return `stops in the middle: ${noun} was expected, and the file ends before its }`;
  }
  const reason = error instanceof Error ? error.message.replace(/ in JSON at position.*/s, '') : '';
  return `is not JSON: ${quote(text)} was found, but ${noun} was expected (${reason})`;
}
