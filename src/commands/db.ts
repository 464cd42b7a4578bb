import type { SingleResult } from '../render/result.ts';
import { recordView } from '../render/view.ts';
import type { Command, Session } from './command.ts';
import { mongodHost } from './mongod-host.ts';
import { argument } from './typed.ts';

export const db: Command = {
  name: 'db',
  summary: 'start, stop or look at the local database',
  description:
    'The local database is a mongod of your own that bankctl starts when it needs one. It ' +
    'listens on a Unix socket in a directory that only you can enter, and on no network port. ' +
    'If there is none yet, start makes it, as do init, open, import, apply and increment --create.',
  arguments: [
    {
      name: 'action',
      summary: 'start it, stop it, tell its state, or print its data directory',
      choices: ['start', 'stop', 'status', 'path'],
    },
  ],
  options: [],
  examples: ['bankctl db status', 'bankctl db stop', 'bankctl db path'],
  run: (typed, session) => {
    switch (argument(typed, 0)) {
      case 'start':
        return start(session);
      case 'stop':
        return stop(session);
      case 'path':
        return path(session);
      default:
        return status(session);
    }
  },
};

async function start(session: Session): Promise<SingleResult> {
  const { ensureLocal } = await import('../database/local/local.ts');
  const { started } = await ensureLocal(mongodHost(session));
  session.talk(started ? 'Started the local database.' : 'The local database runs already.');
  return status(session);
}

async function stop(session: Session): Promise<SingleResult> {
  const { stopLocal } = await import('../database/local/local.ts');
  const stopped = await stopLocal(mongodHost(session));
  session.talk(stopped ? 'Stopped the local database.' : 'The local database was not running.');
  return { kind: 'single', data: { stopped }, view: recordView({ stopped: String(stopped) }) };
}

async function status(session: Session): Promise<SingleResult> {
  const { localStatus } = await import('../database/local/local.ts');
  const local = await localStatus(session.context);
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
  const fields = Object.entries(data).map(([name, value]) => [name, String(value ?? '-')] as const);
  return { kind: 'single', data, view: recordView(Object.fromEntries(fields)) };
}

async function path(session: Session): Promise<SingleResult> {
  const { localPaths } = await import('../database/local/local-paths.ts');
  const { dataDir } = localPaths(session.context.env);
  return {
    kind: 'single',
    data: { path: dataDir },
    view: { layout: 'text', columns: [{ name: 'path' }], rows: [[dataDir]] },
  };
}
