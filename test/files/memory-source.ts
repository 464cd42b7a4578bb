import type { Source } from '../../src/files/source.ts';

/** Bytes as a source that yields them in chunks of that size. */
export function memorySource(bytes: Uint8Array, chunk = 1 << 20, name = 'rows'): Source {
  return {
    name,
    repeatable: true,
    size: () => Promise.resolve(bytes.length),
    identity: undefined,
    chunks: async function* () {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
    close: () => Promise.resolve(),
  };
}
