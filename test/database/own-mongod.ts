import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { answers } from '../../src/database/local/local-state.ts';
import { findMongod } from '../../src/database/mongod/mongod-search.ts';
import { temporaryDirectory, testHost, until } from './host.ts';

/** A mongod of the test's own, with options of the test's own. Returns the path of its socket. */
export async function mongodWith(...options: readonly string[]): Promise<string> {
  const directory = temporaryDirectory();
  const socket = join(directory, 'm.sock');
  const program = await findMongod(testHost());
  const place = ['--nounixsocket', '--bind_ip', socket, '--dbpath', directory];
  const mongod = spawn(program, [...options, ...place], { stdio: 'ignore' });
  onTestFinished(async () => {
    mongod.kill('SIGKILL');
    await until(() => mongod.signalCode !== null);
  });
  await until(() => answers(socket));
  return socket;
}
