/**
 * A process of its own, for tests of what processes do to one another. It does what its first
 * argument says, prints one JSON value a line, and ends.
 */
import { ensureLocal, stopLocal } from '../../src/database/local/local-database.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { startThrowaway } from '../../src/database/throwaway-server.ts';
import { withLock } from '../../src/system/lock.ts';

// Where a test has planted what must not be found.
if (process.env['WORKER_DIRECTORY']) process.chdir(process.env['WORKER_DIRECTORY']);

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());
const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const host = {
  env: process.env,
  nowMs: Date.now,
  monotonicNs: process.hrtime.bigint,
  interrupted: controller.signal,
  progress: print,
};
const untilAborted = () =>
  new Promise<void>((resolve) => {
    const alive = setInterval(() => undefined, 1000);
    controller.signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });

const [task, argument = ''] = process.argv.slice(2);
const tasks: Record<string, () => Promise<unknown>> = {
  ensure: async () => ({ started: (await ensureLocal(host)).started }),
  stop: () => stopLocal(host),
  find: () => findMongod(host),
  hold: () =>
    withLock(argument, host, async () => {
      print('held');
      await untilAborted();
      return 'released';
    }),
  throwaway: async () => {
    const server = await startThrowaway(host, { replicas: argument === '0' ? 0 : 1 });
    print({ uri: server.uri, pids: server.pids() });
    await untilAborted();
    await server.stop();
    return 'stopped';
  },
};
try {
  print(await tasks[task ?? '']?.());
} catch (error) {
  print({ code: error instanceof Error && 'code' in error ? error.code : String(error) });
  process.exitCode = 1;
}
