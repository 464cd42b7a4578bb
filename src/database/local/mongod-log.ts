import { open, rename, stat } from 'node:fs/promises';
import { jsonFields } from '../../core/text.ts';

/** The last part of a log is enough: a server that fails to start says why at its end. */
const tailBytes = 256 * 1024;

/**
 * Why mongod ended, as one clause without a full stop, read from what it wrote to its log since
 * `fromByte`, or from what it printed before it had a log. undefined if neither says.
 */
export async function failureFromLogs(
  logFile: string,
  fromByte: number,
  launchLog: string,
): Promise<string | undefined> {
  const lines = (await tail(logFile, fromByte)).split('\n');
  const entries = lines.flatMap((line) => parseEntry(line));
  const text = entries.map((entry) => entry.text).join('\n');
  const known = knownFailures.find(({ pattern }) => pattern.test(text));
  if (known !== undefined) return known.reason;
  const gravest = entries.findLast((entry) => entry.fatal) ?? entries.findLast((e) => e.error);
  if (gravest !== undefined) return gravest.text.replace(/\s+/g, ' ').slice(0, 300);
  const printed = (await tail(launchLog, 0)).split('\n').filter((line) => line.trim() !== '');
  return printed
    .find((line) => /error|cannot|unrecognised/i.test(line))
    ?.trim()
    .slice(0, 300);
}

const otherVersion =
  'its data were written by another version of mongod, and this one cannot read them';

/** Why a mongod cannot write. */
export const diskFull = 'the disk is full';

/** Why a mongod does not start on data that another one has open. */
export const dataInUse = 'another mongod is using its data';

const knownFailures: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /No space left on device|errno:? ?28\b|OutOfDiskSpace/, reason: diskFull },
  { pattern: /Disk quota exceeded/, reason: 'the disk quota is used up' },
  { pattern: /Read-only file system/, reason: 'its file system is read-only' },
  { pattern: /invalid featureCompatibilityVersion|UPGRADE PROBLEM/i, reason: otherVersion },
  { pattern: /unsupported WiredTiger file version|Wrong mongod version/i, reason: otherVersion },
  {
    pattern: /DBPathInUse|Unable to lock the lock file/,
    reason: dataInUse,
  },
  { pattern: /Permission denied/, reason: 'a file in it may not be read or written' },
];

interface LogEntry {
  readonly text: string;
  readonly fatal: boolean;
  readonly error: boolean;
}

/**
 * One line is one JSON document, see the manual's page on log messages. Warnings and
 * information are kept only if they carry an error.
 */
function parseEntry(line: string): LogEntry[] {
  const { s: severity, msg, attr } = jsonFields(line);
  const fatal = severity === 'F';
  const error = severity === 'E';
  const detail = attr === undefined ? '' : JSON.stringify(attr);
  if (msg === undefined || !(fatal || error || /"error"/.test(detail))) return [];
  return [{ text: `${msg} ${detail}`.trim(), fatal, error }];
}

async function tail(path: string, fromByte: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const start = Math.max(fromByte, size - tailBytes, 0);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    await file.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}

/** The log of earlier runs is put aside when it is larger; one such file is kept. */
const logBytes = 8 * 1024 * 1024;

/** @returns whether the log was large enough to be put aside */
export async function rotateLog(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size <= logBytes) return false;
  await rename(path, `${path}.1`);
  return true;
}
