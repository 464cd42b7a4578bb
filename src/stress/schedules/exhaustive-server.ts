import type { Context } from '../../core/context.ts';
import type { BinaryHost } from '../../database/mongod/mongod-binary.ts';
import type { Progress } from '../explore/explorer.ts';
import { openHistory } from '../history/history-file.ts';
import { type ExhaustiveOptions, refuseKeepAlone } from '../setup/options.ts';
import { explainPermission, openStressServer, throwawayName } from '../setup/server.ts';
import type { ExhaustiveResult } from './exhaustive-result.ts';
import { runExhaustive } from './exhaustive-run.ts';

/** What an exhaustive run needs from its caller. */
interface ExhaustHost extends BinaryHost, Pick<Context, 'freshId'> {
  /** A deployment to use instead of a throwaway server; it names no database. */
  readonly uri: string | undefined;
  /** A file for one line per event; an older one is overwritten. */
  readonly history: string | undefined;
  /** Leaves the databases of that deployment in place. */
  readonly keep: boolean;
  /** Limit on each call to the database, milliseconds. */
  readonly timeoutMs: number;
  /** Called after each schedule. */
  readonly explored: (model: string, progress: Progress) => void;
  /** Called with the server once it is running. */
  readonly opened?: ((server: { readonly version: string }) => void) | undefined;
}

/**
 * Runs an exploration on a server of its own, or in a database with a made-up name on the given
 * one. Nothing of it is left when it returns or throws, except for what `keep` leaves.
 *
 * @throws `usage` for options that do not fit; as `runExhaustive`, `openHistory` and
 *   `openStressServer`
 */
export async function exploreOnServer(
  options: ExhaustiveOptions,
  host: ExhaustHost,
): Promise<ExhaustiveResult> {
  const { timeoutMs, keep, monotonicNs, interrupted } = host;
  refuseKeepAlone(host);
  const file =
    host.history === undefined ? undefined : await openHistory(host.history, interrupted);
  try {
    const server = await openStressServer(host, host);
    try {
      host.opened?.(server);
      return await runExhaustive(options, {
        uri: server.uri,
        database: throwawayName(host, 'x'),
        keep,
        timeoutMs,
        monotonicNs,
        interrupted,
        progress: host.explored,
        history: file && { file, sinceNs: monotonicNs() },
      });
    } finally {
      await server.end();
    }
  } catch (error) {
    throw explainPermission(error);
  } finally {
    await file?.close();
  }
}
