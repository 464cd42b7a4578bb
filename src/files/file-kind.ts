import { BankctlError } from '../core/errors.ts';
import { shellWord } from '../core/text.ts';

/** A file that is not rows of UTF-8 text: what it is instead, and what turns it into rows. */
interface Kind {
  /** Completes "is …". */
  readonly what: string;
  /** One sentence, after which the user runs the command again on the result. */
  readonly cure: (file: string) => string;
}

const asCsv = () => 'Open it in the spreadsheet program, and save it as CSV UTF-8.';
const unpack = (tool: string) => (file: string) =>
  `Unpack it first: ${tool} < ${file} | bankctl ... -`;
const fromUtf = (encoding: string): Kind => ({
  what: `${encoding} text, not UTF-8`,
  cure: (file) => conversion(encoding, file),
});

/**
 * By their first bytes, in hexadecimal. UTF-32 comes before UTF-16, because it begins with the same
 * mark.
 *
 * Source: file(1), its magic database; RFC 1952, section 2.3.1; APPNOTE.TXT of ZIP, section 4.3.7.
 */
const signatures: readonly (readonly [bytes: string, kind: Kind])[] = [
  ['fffe0000', fromUtf('UTF-32LE')],
  ['0000feff', fromUtf('UTF-32BE')],
  ['fffe', fromUtf('UTF-16')],
  ['feff', fromUtf('UTF-16')],
  ['1f8b', { what: 'compressed with gzip', cure: unpack('gunzip') }],
  ['425a68', { what: 'compressed with bzip2', cure: unpack('bunzip2') }],
  ['fd377a585a', { what: 'compressed with xz', cure: unpack('unxz') }],
  ['28b52ffd', { what: 'compressed with zstd', cure: unpack('unzstd') }],
  ['504b0304', { what: 'a spreadsheet (.xlsx or .ods) or another zip archive', cure: asCsv }],
  ['504b0506', { what: 'an empty zip archive', cure: asCsv }],
  ['d0cf11e0a1b11ae1', { what: 'an old spreadsheet (.xls) or document', cure: asCsv }],
  ['25504446', { what: 'a PDF document', cure: () => 'Ask for the same data as CSV.' }],
  ['50415231', { what: 'a Parquet file', cure: () => 'Export it as CSV or NDJSON.' }],
  ['53514c69746520666f726d6174', { what: 'an SQLite database', cure: () => 'Export it as CSV.' }],
  ['7b5c727466', { what: 'a rich text document', cure: () => 'Save it as plain text.' }],
];

const carriageReturns: Kind = {
  what: 'text whose lines end with a carriage return alone',
  cure: (file) => `Convert it: tr '\\r' '\\n' < ${file} | bankctl ... -`,
};

const markup: Kind = {
  what: 'HTML or XML, perhaps the error page of a failed download',
  cure: () => 'Look at it, and fetch the CSV or NDJSON file again.',
};

/** How many bytes at the beginning are searched for bytes that text does not contain. */
const lookedAt = 4096;

/**
 * Looks at the first bytes of a file and refuses what cannot be rows of text.
 *
 * @param name as the user typed it
 * @throws `file_format`, naming what the file is and what turns it into rows
 */
export function checkKind(name: string, bytes: Uint8Array): void {
  const kind = kindOf(bytes);
  if (kind) throw wrongKindError(name, kind.what, kind.cure(shownFile(name)));
}

/** The file as it is written in a command line. */
export function shownFile(name: string): string {
  return name === 'stdin' ? 'FILE' : shellWord(name);
}

/**
 * What makes UTF-8 of a file in another encoding.
 *
 * @param file as `shownFile` has it
 */
export function conversion(encoding: string, file: string): string {
  const quoted = file.endsWith("'") ? "'" : '';
  const bare = quoted === '' ? file : file.slice(0, -1);
  const result = bare.replace(/(\.[^./]*)?$/, '-utf8$1');
  const command = `iconv -f ${encoding} -t UTF-8 ${file} > ${result}${quoted}`;
  return `Convert it, and give the result: ${command}`;
}

/** The error for a file that is something other than rows. */
export function wrongKindError(name: string, what: string, cure: string): BankctlError {
  return new BankctlError('file_format', `${name} is ${what}.`, cure);
}

function kindOf(bytes: Uint8Array): Kind | undefined {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  const signed = signatures.find(([signature]) => hex.startsWith(signature));
  if (signed) return signed[1];
  const start = bytes.subarray(0, lookedAt);
  if (start.includes(0)) return zeroByteKind(start);
  // The line feed of a carriage return that is the last byte may be yet to come.
  const returns = start.subarray(0, bytes.length - 1).includes(13);
  if (returns && !bytes.includes(10)) return carriageReturns;
  const text = Buffer.from(start.subarray(0, 64)).toString('latin1');
  return /^(?:\xEF\xBB\xBF)?\s*<(?:!doctype|html|\?xml)/i.test(text) ? markup : undefined;
}

/** In UTF-16 without its mark, every other byte of plain text is zero. */
function zeroByteKind(bytes: Uint8Array): Kind {
  const half = (offset: number) => bytes.filter((byte, at) => at % 2 === offset && byte === 0);
  const [even, odd] = [half(0).length, half(1).length];
  if (odd > 4 * even && odd * 4 > bytes.length) return fromUtf('UTF-16LE');
  if (even > 4 * odd && even * 4 > bytes.length) return fromUtf('UTF-16BE');
  return {
    what: 'not text: it contains zero bytes',
    cure: () => 'Check how the file was written or copied; rows are UTF-8 text.',
  };
}
