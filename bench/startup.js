// How long a command line takes: against an empty Node, and against the shortest script.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { compare, processMs } from './measure.js';

const bankctl = 'bin/bankctl.js';

export async function startup() {
  const empty = () => processMs(['-e', '0']);
  const shared = { rounds: 41, unit: 'ms', theirs: empty, theirName: 'node -e 0' };
  await compare('bankctl --version', {
    ...shared,
    target: { atMost: 1.25 },
    ours: () => processMs([bankctl, '--version']),
  });
  await compare('bankctl --help', {
    ...shared,
    target: { atMost: 1.5 },
    ours: () => processMs([bankctl, '--help']),
  });
}

export async function warmIncrement() {
  const directory = await mkdtemp(join(tmpdir(), 'bankctl-bench-'));
  const env = { ...process.env, BANKCTL_DATA_DIR: join(directory, 'data') };
  const script = join(directory, 'shortest.mjs');
  try {
    await build({
      entryPoints: ['bench/shortest-increment.js'],
      outfile: script,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      external: ['kerberos', 'snappy', 'socks', 'gcp-metadata', 'mongodb-client-encryption'].concat(
        ['@aws-sdk/credential-providers', '@mongodb-js/zstd'],
      ),
      banner: {
        js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);",
      },
    });
    processMs([bankctl, 'open', 'branch1', 'ACC', '--balance', '1000'], { env });
    const socket = encodeURIComponent(join(directory, 'data', 'mongod.sock'));
    const uri = `mongodb://${socket}/?directConnection=true`;
    await compare('a warm bankctl increment', {
      rounds: 41,
      unit: 'ms',
      target: { atMost: 1.1 },
      theirName: 'the shortest script',
      ours: () => processMs([bankctl, 'increment', 'branch1', 'ACC', '1'], { env }),
      theirs: () => processMs([script, uri, 'bank'], { env }),
    });
  } finally {
    processMs([bankctl, 'db', 'stop'], { env });
    await rm(directory, { recursive: true });
  }
}
