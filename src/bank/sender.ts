import type { ClientSession } from 'mongodb';

/**
 * Sends, once, what is already encoded. Encoding takes as long as sending, and can be done while
 * the server is busy with something else.
 */
export type Sender<T> = (session: ClientSession) => Promise<T>;
