import { MongoServerSelectionError, type ServerDescription } from 'mongodb';
import { errnoCode } from '../core/errno.ts';
import { withoutSecrets } from '../core/redaction.ts';
import { hostsOf, uriOption } from '../core/uri.ts';
import { type DatabaseContext, type Explanation, electionHint } from './explanation.ts';

/** Explains that no server could be reached, or that none of those that answer will do. */
export function explainUnreachable(error: Error, { uri, timeoutMs }: DatabaseContext): Explanation {
  const hosts = hostsOf(uri);
  const servers = serversOf(error);
  const ghosts = servers.filter(({ type }) => type === 'RSGhost');
  if (ghosts.length > 0) {
    const where = ghosts.map(({ address }) => address).join(', ');
    return [
      'not_initiated',
      `The server at ${where} has no replica set config: rs.initiate() was never run, ` +
        'or the set no longer has it as a member.',
    ];
  }
  const reason = membersReason(error, hosts) ?? innermostReason(error) ?? replicaSetReason(error);
  const why = reason === undefined ? '' : `: ${reason.text}`;
  const message =
    error instanceof MongoServerSelectionError
      ? `No database answered at ${hosts} within ${timeoutMs / 1000} s${why}.`
      : `The connection to the database at ${hosts} failed${why}.`;
  return ['unreachable', withoutSecrets(message, [uri]), hintFor(reason, uri)];
}

function hintFor(reason: NetworkReason | undefined, uri: string): string | undefined {
  const tls = [uriOption(uri, 'tls'), uriOption(uri, 'ssl')].includes('true');
  return reason?.hint === closedHint && (tls || uri.startsWith('mongodb+srv'))
    ? closedTlsHint
    : reason?.hint;
}

function serversOf(error: Error): readonly ServerDescription[] {
  if (!(error instanceof MongoServerSelectionError)) return [];
  return [...(error.reason?.servers.values() ?? [])];
}

/**
 * A replica set has its own names for its members, and the driver goes by them, whatever the
 * connection string calls them.
 *
 * Source: driver specifications, "Server Discovery and Monitoring".
 */
function membersReason(error: Error, hosts: string): NetworkReason | undefined {
  if (!(error instanceof MongoServerSelectionError) || !error.reason?.setName) return undefined;
  const given = hosts.split(', ').map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`));
  const lost = serversOf(error).flatMap(({ address, type, error: cause }) => {
    if (type !== 'Unknown' || given.includes(address)) return [];
    return [{ address, reason: cause && innermostReason(cause) }];
  });
  if (lost.length === 0) return undefined;
  const shown = lost.map(({ address, reason }) => `${address} (${reason?.text ?? 'no answer'})`);
  const unknown = lost.some(({ reason }) => reason?.hint === nameHint);
  return {
    text:
      `the replica set ${error.reason.setName} has no primary that this machine can reach; ` +
      `these members cannot be reached: ${shown.join(' and ')}`,
    hint: unknown
      ? 'Make these names known to this machine, in DNS or /etc/hosts; or add ' +
        'directConnection=true to reach one server alone, the primary.'
      : 'Check that these servers run, and that this machine can reach them by these names.',
  };
}

interface NetworkReason {
  readonly text: string;
  readonly hint?: string;
}

const tlsHint = 'Check tls, tlsCAFile and tlsCertificateKeyFile in the connection string.';
const nameHint = 'Check the spelling of the host, and that this machine can look it up.';
const srvHint =
  'Check the spelling; for a plain host name and port, begin with mongodb:// instead.';
const closedHint =
  "Check that the port is MongoDB's, not a web server's; if the server wants TLS, add tls=true.";
const closedTlsHint =
  "Check that the port is MongoDB's; if the server requires a client certificate, name it " +
  'with tlsCertificateKeyFile in the connection string.';

const networkReasons: readonly (NetworkReason & { readonly pattern: RegExp })[] = [
  {
    pattern: /self[- ]signed|unable to (?:get|verify)|UNABLE_TO_|issuer certificate/i,
    text: 'its TLS certificate is not signed by an authority that this machine trusts',
    hint: tlsHint,
  },
  {
    pattern: /certificate has expired|CERT_HAS_EXPIRED/i,
    text: 'its TLS certificate has expired',
    hint: tlsHint,
  },
  {
    pattern: /ALTNAME|does not match certificate/i,
    text: 'its TLS certificate is for another host name',
    hint: tlsHint,
  },
  {
    pattern: /certificate required|handshake failure|bad certificate/i,
    text: 'it requires a TLS client certificate that it trusts',
    hint: 'Name one with tlsCertificateKeyFile in the connection string.',
  },
  {
    pattern: /before secure TLS connection was established/,
    text: 'it closed the connection in the TLS handshake, as a server without TLS does',
    hint: 'If the server has no TLS, leave tls=true out of the connection string.',
  },
  {
    pattern: /EPROTO|SSL routines|wrong version number|packet length too long|TLS|tlsv1|SSL alert/i,
    text: 'the TLS handshake failed',
    hint: tlsHint,
  },
  {
    pattern: /querySrv|queryTxt|No addresses found at host|does not share hostname/i,
    text: 'its mongodb+srv:// name has no usable DNS record',
    hint: srvHint,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|getaddrinfo/,
    text: 'the host name is not known',
    hint: nameHint,
  },
  {
    pattern: /connection \S+ to \S+ closed|Message size cannot be negative/,
    text: 'it does not answer as MongoDB does, and closes the connection',
    hint: closedHint,
  },
  { pattern: /ECONNREFUSED/, text: 'the connection was refused' },
  { pattern: /EHOSTUNREACH|ENETUNREACH/, text: 'there is no route to the host' },
  { pattern: /ECONNRESET|EPIPE|socket hang up/, text: 'the connection was cut' },
  { pattern: /ENOENT/, text: 'there is no such socket' },
  { pattern: /EACCES/, text: 'you may not open the socket' },
];

function innermostReason(error: Error): NetworkReason | undefined {
  const texts = causes(error).map((cause) => `${errnoCode(cause) ?? ''} ${cause.message}`);
  const known = texts.map((text) => networkReasons.find(({ pattern }) => pattern.test(text)));
  return known.find((found) => found !== undefined);
}

/** Servers answered, but none of them will do. */
function replicaSetReason(error: Error): NetworkReason | undefined {
  if (!(error instanceof MongoServerSelectionError)) return undefined;
  const topology = error.reason;
  if (topology?.setName && topology.servers.size === 0) {
    return {
      text: `no server there belongs to the replica set ${topology.setName}`,
      hint: 'Correct replicaSet in the connection string.',
    };
  }
  return topology?.type === 'ReplicaSetNoPrimary' && topology.setName
    ? { text: `the replica set ${topology.setName} has no primary now`, hint: electionHint }
    : undefined;
}

/** The error and its causes, the innermost first; the driver nests what happened. */
export function causes(error: Error): Error[] {
  const found: Error[] = [];
  const visit = (value: unknown): void => {
    if (!(value instanceof Error) || found.includes(value)) return;
    found.unshift(value);
    visit(value.cause);
    if (value instanceof MongoServerSelectionError) {
      for (const server of value.reason?.servers.values() ?? []) visit(server.error);
    }
  };
  visit(error);
  return found;
}
