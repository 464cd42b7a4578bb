/** Where the fields of a BSON document are; reused for each document, so nothing is allocated. */
interface RawFields {
  /**
   * Finds the fields of the document that begins at `start`.
   * @returns false if one is missing or of another type, or if there is a value of a type that is
   *   not known here
   */
  readonly locate: (bytes: Uint8Array, start: number) => boolean;
  /** Where the value of a field begins, by its position among the fields; 0 if it is absent. */
  readonly at: (field: number) => number;
}

/** A field's name, and its type. */
interface FieldSpec {
  readonly name: string;
  readonly type: keyof typeof bsonType;
  readonly optional?: boolean;
}

/** Source: the BSON specification, version 1.1, the types that bankctl writes. */
export const bsonType = {
  ...{ double: 0x01, string: 0x02, document: 0x03, array: 0x04 },
  ...{ date: 0x09, long: 0x12, decimal: 0x13 },
} as const;

/** Makes a reader of these fields; of one that occurs twice the last counts, as for the driver. */
export function createRawFields(specs: readonly FieldSpec[]): RawFields {
  const positions = new Int32Array(specs.length);
  const types = new Uint8Array(specs.length);
  const names = specs.map(({ name }) => Buffer.from(name));
  const fits = ({ type, optional }: FieldSpec, field: number) =>
    types[field] === bsonType[type] || (optional === true && types[field] === 0);
  const locate = (bytes: Uint8Array, start: number) => {
    types.fill(0);
    positions.fill(0);
    const end = start + int32(bytes, start) - 1;
    let position = start + 4;
    while (position < end) {
      const type = bytes[position] ?? 0;
      const nameEnd = endOfName(bytes, position + 1);
      const field = fieldOf(names, bytes, position + 1, nameEnd);
      position = nameEnd + 1;
      if (field >= 0) {
        types[field] = type;
        positions[field] = position;
      }
      const size = sizeOf(bytes, position, type);
      if (size < 0) return false;
      position += size;
    }
    return specs.every(fits);
  };
  return { locate, at: (field) => positions[field] ?? 0 };
}

function endOfName(bytes: Uint8Array, start: number): number {
  let end = start;
  while (bytes[end] !== 0) end += 1;
  return end;
}

function fieldOf(
  wanted: readonly Uint8Array[],
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  for (let field = 0; field < wanted.length; field += 1) {
    const name = wanted[field];
    if (name?.length !== length) continue;
    let index = 0;
    while (index < length && name[index] === bytes[start + index]) index += 1;
    if (index === length) return field;
  }
  return -1;
}

/** Bytes of a value; negative for a type that is not known here. */
function sizeOf(bytes: Uint8Array, at: number, type: number): number {
  switch (type) {
    case 0x06: // undefined
    case 0x0a: // null
      return 0;
    case 0x08: // boolean
      return 1;
    case 0x10: // int
      return 4;
    case bsonType.double:
    case bsonType.date:
    case bsonType.long:
      return 8;
    case 0x07: // ObjectId
      return 12;
    case bsonType.decimal:
      return 16;
    case bsonType.string:
      return 4 + int32(bytes, at);
    case bsonType.document:
    case bsonType.array:
      return int32(bytes, at);
    case 0x05: // binary
      return 5 + int32(bytes, at);
    default:
      return -1;
  }
}

/** A little-endian whole number of 32 bits. */
function int32(bytes: Uint8Array, at: number): number {
  const [low, high] = [uint16(bytes, at), uint16(bytes, at + 2)];
  return (high << 16) | low;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** A string's text; undefined unless it is printable ASCII, which has one spelling. */
export function asciiAt(bytes: Buffer, at: number): string | undefined {
  const end = at + 4 + int32(bytes, at) - 1;
  for (let index = at + 4; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte < 0x20 || byte > 0x7e) return undefined;
  }
  return bytes.toString('latin1', at + 4, end);
}

/** The elements of an array of strings in printable ASCII; undefined for any other array. */
export function asciiArrayAt(bytes: Buffer, at: number): readonly string[] | undefined {
  const texts: string[] = [];
  let position = at + 4;
  while (bytes[position] === bsonType.string) {
    position = endOfName(bytes, position + 1) + 1;
    const text = asciiAt(bytes, position);
    if (text === undefined) return undefined;
    texts.push(text);
    position += sizeOf(bytes, position, bsonType.string);
  }
  return bytes[position] === 0 ? texts : undefined;
}

/** A date or a long as a number; undefined if it is negative or too large for one. */
export function wholeAt(bytes: Uint8Array, at: number): number | undefined {
  const high = int32(bytes, at + 4);
  if (high < 0 || high >= 2 ** 21) return undefined;
  return high * 2 ** 32 + (int32(bytes, at) >>> 0);
}

/** Added to an exponent when it is stored, see decimal.ts. */
const exponentBias = 6176;

/**
 * A decimal in minor units, if it has exactly the currency's digits and at most 48 bits, as almost
 * every amount has that bankctl wrote; undefined otherwise.
 */
export function plainMinorAt(bytes: Uint8Array, at: number, digits: number): number | undefined {
  const exponent = exponentBias - digits;
  const sign = bytes[at + 15] ?? 0;
  if (int32(bytes, at + 8) !== 0 || uint16(bytes, at + 6) !== 0) return undefined;
  if (uint16(bytes, at + 12) !== 0) return undefined;
  if (bytes[at + 14] !== ((exponent << 1) & 0xff) || (sign & 0x7f) !== exponent >> 7) {
    return undefined;
  }
  const magnitude = (int32(bytes, at) >>> 0) + uint16(bytes, at + 4) * 2 ** 32;
  return sign >= 0x80 ? -magnitude : magnitude;
}
