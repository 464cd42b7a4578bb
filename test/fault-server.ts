import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { type Document, MongoClient } from 'mongodb';
import { MongoMemoryReplSet } from 'mongodb-memory-server';
import { onTestFinished } from 'vitest';
import { findMongod } from '../src/database/mongod/mongod-search.ts';
import { portOf } from '../src/database/throwaway-server.ts';

/** Which of the commands fail: all, so many, or all after so many. */
export type FaultMode = 'alwaysOn' | { readonly times: number } | { readonly skip: number };

/** A server of its own that fails on demand. */
export interface FaultServer {
  readonly uri: string;
  readonly client: MongoClient;
  /** Makes commands fail, as the server's fail point `failCommand` says. */
  readonly fail: (mode: FaultMode, data: Document) => Promise<void>;
  /** Lets all commands through again. */
  readonly heal: () => Promise<void>;
}

/** Starts a server whose fail points can be set; it is gone when the test, or all of them, are. */
export async function startFaultServer(
  whenFinished: (end: () => Promise<void>) => void = onTestFinished,
): Promise<FaultServer> {
  const systemBinary = await findMongod({
    env: process.env,
    nowMs: Date.now,
    monotonicNs: process.hrtime.bigint,
    interrupted: new AbortController().signal,
    progress: () => undefined,
  });
  const args = ['--setParameter', 'enableTestCommands=1'];
  const server = await MongoMemoryReplSet.create({
    replSet: { count: 1, args, storageEngine: 'wiredTiger' },
    instanceOpts: [{ launchTimeout: 60_000, port: portOf(randomUUID(), 0) }],
    binary: { systemBinary },
  });
  const client = await MongoClient.connect(server.getUri(), { appName: 'test' });
  whenFinished(async () => {
    await client.close();
    await server.stop();
  });
  const set = async (fields: Document) => {
    await client.db('admin').command({ configureFailPoint: 'failCommand', ...fields });
  };
  return {
    uri: server.getUri(),
    client,
    fail: (mode, data) => set({ mode, data: { ...data, appName: 'bankctl' } }),
    heal: () => set({ mode: 'off' }),
  };
}

/** What a proxy does with one message. */
export type Verdict = 'pass' | 'cut';

/** What decides, message by message; `name` occurs in the text of the message. */
export interface ProxyRules {
  /** Of a message to the server. */
  readonly request?: (has: (name: string) => boolean) => Verdict | Promise<Verdict>;
  /** Of an answer, with the last message that its connection sent. */
  readonly answer?: (has: (name: string) => boolean) => Verdict | Promise<Verdict>;
}

/** Puts an address before a server that shows every message, and cuts connections on demand. */
export async function startProxy(uri: string, rules: ProxyRules): Promise<string> {
  const target = new URL(uri.replace('mongodb:', 'http:').replace(/,.*?\//, '/'));
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = dial(Number(target.port), target.hostname);
    sockets.push(near, far);
    let last = Buffer.alloc(0);
    let turn = Promise.resolve();
    const inTurn = (work: () => Promise<void>) => {
      turn = turn.then(work).catch(() => undefined);
    };
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.on('data', (data) =>
      inTurn(async () => {
        last = data;
        const verdict = await rules.request?.((name) => data.includes(name));
        if (verdict === 'cut') end();
        else far.write(data);
      }),
    );
    far.on('data', (data) =>
      inTurn(async () => {
        const verdict = await rules.answer?.((name) => last.includes(name));
        if (verdict === 'cut') end();
        else near.write(data);
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return `mongodb://127.0.0.1:${port}/?directConnection=true`;
}
