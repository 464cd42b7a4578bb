import { createServer, type Server, type Socket } from 'node:net';
import { BSON } from 'mongodb';
import { onTestFinished } from 'vitest';

/**
 * A server that says only who it is: for what no mongod at hand can be, one of another version, or
 * a member of a set whose other members are out of reach. Gone after the test.
 *
 * Source: MongoDB manual, "Wire Protocol" (OP_QUERY, OP_REPLY, OP_MSG).
 *
 * @param hello what it says, given its address
 * @returns its address
 */
export async function serverThatSays(
  hello: (address: string) => Readonly<Record<string, unknown>>,
): Promise<string> {
  let address = '';
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    answerAll(socket, () => BSON.serialize({ ok: 1, ...hello(address) }));
  });
  address = await listening(server);
  return address;
}

/** Where a server listens, on this machine, until the test is over. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

function answerAll(socket: Socket, document: () => Uint8Array): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 16 && pending.length >= pending.readInt32LE(0)) {
      const message = pending.subarray(0, pending.readInt32LE(0));
      pending = pending.subarray(message.length);
      socket.write(reply(message, document()));
    }
  });
}

const opReply = 1;
const opMsg = 2013;

function reply(request: Buffer, document: Uint8Array): Buffer {
  const isMsg = request.readInt32LE(12) === opMsg;
  // Flags and kind of section; or flags, cursor, first, and the number of documents.
  const before = isMsg ? Buffer.alloc(5) : Buffer.alloc(20);
  if (!isMsg) before.writeInt32LE(1, 16);
  const head = Buffer.alloc(16);
  head.writeInt32LE(head.length + before.length + document.length, 0);
  head.writeInt32LE(request.readInt32LE(4), 8);
  head.writeInt32LE(isMsg ? opMsg : opReply, 12);
  return Buffer.concat([head, before, document]);
}
