import { BankctlError } from './errors.ts';
import { uriOptions } from './uri.ts';

/**
 * Options that would weaken what bankctl promises: it reads what a majority has, from the primary,
 * a write is done when a majority has it, and --timeout holds. With the values that agree with
 * that, in lower case.
 */
const ownConcerns: Readonly<Record<string, readonly string[]>> = {
  fsync: [],
  j: ['true'],
  journal: ['true'],
  maxstalenessseconds: ['-1'],
  readconcern: [],
  readconcernlevel: ['majority'],
  readpreference: ['primary'],
  readpreferencetags: [],
  retryreads: ['true'],
  retrywrites: ['true'],
  timeoutms: [],
  w: ['majority'],
  writeconcern: [],
  wtimeout: ['0'],
  wtimeoutms: ['0'],
};

/** Options that say where a deployment is and how to talk to it. */
const connectionOptions: ReadonlySet<string> = new Set(
  (
    'appname authsource compressors connecttimeoutms directconnection heartbeatfrequencyms ' +
    'loadbalanced localthresholdms maxconnecting maxidletimems maxpoolsize minpoolsize ' +
    'replicaset servermonitoringmode serverselectiontimeoutms sockettimeoutms srvmaxhosts ssl ' +
    'tls waitqueuetimeoutms zlibcompressionlevel'
  ).split(' '),
);

/** Options that send a credential, choose what is trusted, or name a file on this machine. */
const trustOptions: ReadonlySet<string> = new Set(
  (
    'authmechanism authmechanismproperties proxyhost proxypassword proxyport proxyusername ' +
    'srvservicename tlsallowinvalidcertificates tlsallowinvalidhostnames tlscafile ' +
    'tlscertificatekeyfile tlscertificatekeyfilepassword tlscrlfile tlsinsecure'
  ).split(' '),
);

/**
 * A connection string without the options that bankctl sets itself.
 *
 * @returns the string, and the names of the removed options that asked for something else
 * @throws `invalid_uri` for an unknown option: the driver takes its own settings
 *   from there too, such as those that change how documents are read
 */
export function withOwnConcerns(uri: string): {
  readonly uri: string;
  readonly ignored: readonly string[];
} {
  const options = uriOptions(uri);
  const unknown = options.find(({ name }) => !isKnown(name));
  if (unknown) {
    throw new BankctlError(
      'invalid_uri',
      `The connection string cannot be used: option ${showName(unknown.name)} is not supported.`,
    );
  }
  const own = options.filter(({ name }) => Object.hasOwn(ownConcerns, name));
  if (own.length === 0) return { uri, ignored: [] };
  const kept = options.filter((option) => !own.includes(option)).map(({ text }) => text);
  const ignored = own
    .filter(({ name, value }) => !ownConcerns[name]?.includes(value.toLowerCase()))
    .map(({ name }) => name);
  const [start = ''] = uri.split('?');
  return {
    uri: kept.length === 0 ? start : `${start}?${kept.join('&')}`,
    ignored: [...new Set(ignored)],
  };
}

/** Names the options that bankctl ignores, for a person; undefined if there are none. */
export function ignoredNotice(uri: string): string | undefined {
  const { ignored } = withOwnConcerns(uri);
  if (ignored.length === 0) return undefined;
  return (
    `Ignored in the connection string: ${ignored.join(', ')}. bankctl reads and writes by ` +
    'majority, on the primary, within --timeout.'
  );
}

/**
 * An option that a config's URI must not have: a config comes with a directory, and its author must
 * not be able to have credentials sent to a server of their choice, or files read.
 */
export function untrustedOption(uri: string): string | undefined {
  const found = uriOptions(uri).find(
    ({ name, value }) =>
      !(connectionOptions.has(name) || Object.hasOwn(ownConcerns, name)) &&
      !(name === 'authmechanism' && /^SCRAM-SHA-(1|256)$/.test(value)),
  );
  return found && showName(found.name);
}

function isKnown(name: string): boolean {
  return connectionOptions.has(name) || trustOptions.has(name) || Object.hasOwn(ownConcerns, name);
}

/** Whatever is not a plain name may be part of a password. */
function showName(name: string): string {
  return /^[a-z]{1,40}$/.test(name) ? name : 'of an odd name';
}
