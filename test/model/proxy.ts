import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

/** A message between bankctl and the server, by the command that it is or that it answers. */
export interface Message {
  readonly name: string;
  /** Before: the request, which the server has not seen. After: its answer. */
  readonly when: 'before' | 'after';
}

export type Watcher = (message: Message) => Promise<'pass' | 'cut'>;

/**
 * A TCP proxy that knows where messages begin, and can cut the connection before or after the
 * server acts.
 */
export interface CuttingProxy {
  readonly port: number;
  /** Decides on every message from now on; undefined lets all pass. */
  readonly watch: (watcher: Watcher | undefined) => void;
  readonly close: () => Promise<void>;
}

const opMsg = 2013;

/** Starts a proxy in front of a server on this machine. */
export async function startProxy(serverPort: number): Promise<CuttingProxy> {
  let watcher: Watcher | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = dial(serverPort, '127.0.0.1');
    const names = new Map<number, string>();
    const cut = () => {
      for (const socket of [near, far]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', cut);
    }
    const decide = async (message: Message, pass: () => void) => {
      // Without a watcher nothing is deferred, so that messages keep their pace.
      const what = watcher === undefined ? 'pass' : await watcher(message);
      if (what === 'pass') pass();
      else cut();
    };
    inMessages(near, async (message) => {
      const name = nameOf(message);
      names.set(message.readInt32LE(4), name);
      await decide({ name, when: 'before' }, () => far.write(message));
    });
    inMessages(far, async (message) => {
      const name = names.get(message.readInt32LE(8)) ?? '';
      await decide({ name, when: 'after' }, () => near.write(message));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    watch: (next) => {
      watcher = next;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Reassembles chunks into whole messages, one after another. */
function inMessages(socket: Socket, take: (message: Buffer) => Promise<void>): void {
  let held = Buffer.alloc(0);
  let turn = Promise.resolve();
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= held.readInt32LE(0)) {
      const length = held.readInt32LE(0);
      const message = held.subarray(0, length);
      held = held.subarray(length);
      turn = turn.then(() => take(message));
    }
  });
}

/** The command of an OP_MSG is the first key of its document. */
function nameOf(message: Buffer): string {
  if (message.readInt32LE(12) !== opMsg) return 'hello';
  let at = 20;
  // Sections of kind 1 hold documents alongside the command.
  while (message[at] === 1) at += 1 + message.readInt32LE(at + 1);
  const start = at + 1 + 4 + 1;
  const name = message.toString('utf8', start, message.indexOf(0, start));
  return name === 'isMaster' || name === 'ismaster' ? 'hello' : name;
}
