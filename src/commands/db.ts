import type { SingleResult } from '../render/result.ts';
import { recordView } from '../render/view.ts';
import type { Command, Session } from './command.ts';
import { argument } from './command-input.ts';
import { mongodHost } from './mongod-host.ts';
import { flag, nullable, objectOf, oneOf, text, wholeNumber } from './result-schema.ts';

/** The actions, by name. */
const actions: ReadonlyMap<string, (session: Session) => Promise<SingleResult>> = new Map(
  Object.entries({ start, stop, status, path }),
);

export const db: Command = {
  name: 'db',
  summary: 'start, stop or inspect the local database',
  description:
    'The local database is a mongod of your own that bankctl starts when it needs one. It ' +
    'listens on a Unix socket in a directory that only you can enter, and on no network port. ' +
    'If there is none yet, start creates it, as do init, open, import, apply and ' +
    'increment --create.',
  arguments: [
    {
      name: 'action',
      summary: 'start it, stop it, show its state, or print its data directory',
      choices: [...actions.keys()],
    },
  ],
  options: [],
  examples: ['bankctl db status', 'bankctl db stop', 'bankctl db path'],
  results: [
    oneOf(
      objectOf({
        ...{ running: flag, pid: nullable(wholeNumber), version: nullable(text) },
        ...{ uptime_seconds: nullable(wholeNumber), socket: text, uri: text },
        ...{ data_dir: text, log: text },
      }),
      'start and status',
    ),
    oneOf(objectOf({ stopped: flag }), 'stop'),
    oneOf(objectOf({ path: text }), 'path'),
  ],
  run: async (typed, session) => {
    const action = actions.get(argument(typed, 0));
    if (!action) throw new Error('an action that is not among the choices');
    return action(session);
  },
};

async function start(session: Session): Promise<SingleResult> {
  const { ensureLocal } = await import('../database/local/local-database.ts');
  const { started } = await ensureLocal(mongodHost(session));
  if (started) session.talk('local_started', 'Started the local database.');
  else session.talk('local_running', 'The local database is already running.');
  return status(session);
}

async function stop(session: Session): Promise<SingleResult> {
  const { stopLocal } = await import('../database/local/local-database.ts');
  const stopped = await stopLocal(mongodHost(session));
  if (stopped) session.talk('local_stopped', 'Stopped the local database.');
  else session.talk('local_not_running', 'The local database was not running.');
  return { kind: 'single', data: { stopped }, view: recordView({ stopped }) };
}

async function status({ context }: Session): Promise<SingleResult> {
  const { localStatus } = await import('../database/local/local-database.ts');
  const local = await localStatus(context);
  const data = {
    running: local.running,
    pid: local.pid ?? null,
    version: local.version ?? null,
    uptime_seconds: local.uptimeSeconds ?? null,
    socket: local.socket,
    uri: local.uri,
    data_dir: local.dataDir,
    log: local.logFile,
  };
  return { kind: 'single', data, view: recordView(data, '-') };
}

async function path({ context }: Session): Promise<SingleResult> {
  const { localPaths } = await import('../database/local/local-paths.ts');
  const data = { path: localPaths(context.env).dataDir };
  return { kind: 'single', data, view: { ...recordView(data), layout: 'text' } };
}
