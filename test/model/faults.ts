import type { MongoClient } from 'mongodb';
import type { Fault, FaultCommand } from './plan.ts';
import type { CuttingProxy, Message } from './proxy.ts';

/** Makes a fault affect all commands from now on, until the returned function is called. */
export async function injectFault(
  fault: Fault,
  { client, proxy, interrupt }: FaultHost,
): Promise<() => Promise<void>> {
  switch (fault.kind) {
    case 'fail point':
      await failCommand(client, fault.commands, fault.how, { times: fault.times });
      return () => endFailPoint(client);
    case 'cut': {
      const { command, when, then } = fault;
      let cut = false;
      proxy.watch(async (message) => {
        if (cut || message.name !== command || message.when !== when) return 'pass';
        cut = true;
        if (then !== null) await failCommand(client, [command], then, 'alwaysOn');
        return 'cut';
      });
      return async () => {
        proxy.watch(undefined);
        await endFailPoint(client);
      };
    }
    case 'slow': {
      await failCommand(client, [fault.command], { slowMs: fault.ms }, { times: 1 });
      return async () => {
        await endFailPoint(client);
        await untilQuiet(client);
      };
    }
    case 'interrupt': {
      let seen = -1;
      proxy.watch(async (message) => {
        if (matches(message, fault.command) && message.when === fault.when) seen += 1;
        else return 'pass';
        if (seen !== fault.nth) return 'pass';
        // The message is passed on at once; the signal comes in the turns that follow.
        void afterTicks(fault.ticks).then(interrupt);
        return 'pass';
      });
      return async () => proxy.watch(undefined);
    }
  }
}

export interface FaultHost {
  /** The harness's own connection, directly to the server. */
  readonly client: MongoClient;
  readonly proxy: CuttingProxy;
  /** What Ctrl-C does. */
  readonly interrupt: () => void;
}

function matches({ name }: Message, command: FaultCommand | 'any'): boolean {
  return command === 'any' ? name !== 'hello' : name === command;
}

async function afterTicks(ticks: number): Promise<void> {
  for (let left = ticks; left > 0; left -= 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function failCommand(
  client: MongoClient,
  commands: readonly FaultCommand[],
  how: number | 'close' | 'write concern' | { readonly slowMs: number },
  mode: 'alwaysOn' | { readonly times: number },
): Promise<void> {
  const effect =
    how === 'close'
      ? { closeConnection: true }
      : how === 'write concern'
        ? { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } }
        : typeof how === 'object'
          ? { blockConnection: true, blockTimeMS: how.slowMs }
          : { errorCode: how };
  await client.db('admin').command({
    configureFailPoint: 'failCommand',
    mode,
    // The harness's own connection has another name, and is spared.
    data: { failCommands: commands, appName: 'bankctl', ...effect },
  });
}

/** Waits until what is late has ended. */
async function untilQuiet(client: MongoClient): Promise<void> {
  const late = [{ $currentOp: {} }, { $match: { appName: 'bankctl', secs_running: { $gte: 0 } } }];
  const admin = client.db('admin');
  while ((await admin.aggregate([...late, notHello]).toArray()).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Drivers wait for changes of the deployment in a command that takes ten seconds. */
const notHello = {
  $match: { 'command.hello': { $exists: false }, 'command.isMaster': { $exists: false } },
};

async function endFailPoint(client: MongoClient): Promise<void> {
  await client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
}

/** A fault in words, for the listing of a session. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'fail point': {
      const how = typeof fault.how === 'number' ? `error ${fault.how}` : fault.how;
      return `the server answers ${fault.commands.join()} with ${how}, ${fault.times} times`;
    }
    case 'cut':
      return (
        `the connection is cut ${fault.when} ${fault.command} reaches its end` +
        (fault.then === null ? '' : `, and later tries meet error ${fault.then}`)
      );
    case 'slow':
      return `the server takes ${fault.ms} ms for ${fault.command}`;
    case 'interrupt':
      return (
        `Ctrl-C ${fault.when} message ${fault.nth} (${fault.command}) arrives, ` +
        `${fault.ticks} turns later`
      );
  }
}
