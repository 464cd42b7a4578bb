import type { BinaryHost } from '../database/mongod/mongod-binary.ts';
import { progressText } from '../render/progress.ts';
import type { Session } from './command.ts';

/** What finding or starting a mongod takes from a session; it shows its progress there. */
export function mongodHost(session: Session): BinaryHost {
  const { env, nowMs, monotonicNs, interrupted, stderrIsTerminal } = session.context;
  let told: string | undefined;
  return {
    env,
    nowMs,
    monotonicNs,
    interrupted,
    timeoutMs: session.globals.timeoutMs,
    warn: (line) => session.talk(line),
    progress: (event) => {
      session.progress(progressText(event.label, event.doneBytes, event.totalBytes));
      // Without a terminal a long wait has one line to explain it.
      if (!stderrIsTerminal && event.doneBytes !== undefined && told !== event.label) {
        told = event.label;
        session.talk(`${event.label} ...`);
      }
    },
  };
}
