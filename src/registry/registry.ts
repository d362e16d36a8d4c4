// The registry port: small documents with compare-and-set: accounts, keys, cursors, settings.

export interface Entry<T = unknown> {
  key: string;
  value: T;
  /** Grows by one with each change of this key; starts at 1, also when a deleted key comes back. */
  version: number;
}

export interface Change {
  /** Segments joined by `/`, e.g. `user/111122223333/Alice`. At most 1,024 bytes of UTF-8. */
  key: string;
  /** A JSON value; undefined deletes the key. */
  value: unknown;
  /** Commit only if the key is at this version now; 0: only if it is absent. Left out: whatever is there. */
  expectedVersion?: number;
}

/**
 * Promises that every driver keeps (registry.contract.ts):
 * - `commit` makes all of its changes or none, and has made them durable when it resolves; one that finds another
 *   version than it expects rejects with RegistryConflict and changes nothing.
 * - A reader sees a commit whole or not at all. `list` is in key order (bytes of UTF-8), one consistent view.
 * - Values come back deeply equal to what was put; changing a returned value changes nothing stored.
 */
export interface Registry {
  get<T>(key: string): Promise<Entry<T> | undefined>;
  list<T>(prefix: string): Promise<Entry<T>[]>;
  commit(changes: readonly Change[]): Promise<void>;
  close(): Promise<void>;
}
