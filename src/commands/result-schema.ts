/** A JSON Schema (draft 2020-12) of a value in a result. */
export type Schema = Readonly<Record<string, unknown>>;

/** What a command prints as JSON: one object, or a list of them. */
export interface ResultForm {
  /** When it is this one, if a command has several. */
  readonly when?: string;
  /** True for an array with `-o json`, and a line per item with `-o ndjson`. */
  readonly list: boolean;
  /** Of the object, or of an item of the list. */
  readonly schema: Schema;
}

/** A field that may be absent. */
interface Optional {
  readonly optional: Schema;
}

/** A schema for each field, so that a new field of a result does not compile without one. */
type FieldsOf<T> = {
  readonly [Name in keyof T]-?: Record<never, never> extends Pick<T, Name> ? Optional : Schema;
};

/** Text. */
export const text: Schema = { type: 'string' };

/** A switch. */
export const flag: Schema = { type: 'boolean' };

/** How many of something. */
export const wholeNumber: Schema = { type: 'integer', minimum: 0 };

/** A measured quantity. */
export const measure: Schema = { type: 'number', minimum: 0 };

/** An exact amount of money, as text, in the currency of its branch. */
export const amount: Schema = { type: 'string', pattern: '^-?\\d+(\\.\\d+)?$' };

/** A time, as ISO 8601 in UTC. */
export const time: Schema = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
};

/** An object whose fields are said elsewhere. */
export const anyObject: Schema = { type: 'object' };

/** One of some words. */
export function wordOf(words: readonly string[]): Schema {
  return { enum: words };
}

/** A value that may be null. */
export function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** A list. */
export function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

/** An object with any names, and values that are alike. */
export function mapOf(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

/** Marks a field that may be absent. */
export function optional(schema: Schema): Optional {
  return { optional: schema };
}

/** An object with exactly these fields. */
export function objectOf<T extends object>(fields: FieldsOf<T>): Schema {
  const entries = Object.entries<Schema | Optional>(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, field]) => [name, isOptional(field) ? field.optional : field]),
    ),
    required: entries.filter(([, field]) => !isOptional(field)).map(([name]) => name),
    additionalProperties: false,
  };
}

function isOptional(field: Schema | Optional): field is Optional {
  return 'optional' in field;
}

/** A result that is one object. */
export function oneOf(schema: Schema, when?: string): ResultForm {
  return { ...(when === undefined ? {} : { when }), list: false, schema };
}

/** A result that is a list. */
export function manyOf(schema: Schema, when?: string): ResultForm {
  return { ...(when === undefined ? {} : { when }), list: true, schema };
}
