import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import { progressText } from '../render/progress.ts';
import type { Session } from './command.ts';

/** What finding or starting a mongod needs from a session, which shows the progress. */
export function mongodHost(session: Session): BinaryHost {
  const { env, nowMs, monotonicNs, interrupted, stderrIsTerminal } = session.context;
  let announced: string | undefined;
  return {
    env,
    nowMs,
    monotonicNs,
    interrupted,
    timeoutMs: session.globals.timeoutMs,
    warn: (line) => session.talk(line),
    progress: (event) => {
      session.progress(progressText(event.label, event.doneBytes, event.totalBytes));
      // Without a terminal, one line explains a long wait.
      if (!stderrIsTerminal && event.doneBytes !== undefined && announced !== event.label) {
        announced = event.label;
        session.talk(`${event.label} ...`);
      }
    },
  };
}
