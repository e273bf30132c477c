/**
 * Every bound of the program: sizes, counts, times. Grouped by room.
 *
 * @module
 */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const MIB = 1024 * 1024;

// http
export const BODY_BYTES_MAX = 32 * MIB;
export const OPEN_BODY_BYTES_MAX = 1 * MIB;
export const JSON_DEPTH_MAX = 500;
export const JSON_VALUES_MAX = 1_000_000;
export const REQUEST_DURATION_MS = 90 * SECOND_MS;

// storage
/** Bytes of a storage path. LMDB's keys end at 1,978 bytes. */
export const STORAGE_PATH_BYTES_MAX = 1_900;
export const STORAGE_LIST_PAGE = 1_000;

// actors
/** Changes in one commit (protocol §19). */
export const COMMIT_OPERATIONS = 60;
export const TIMER_PAGE = 256;
export const TIMERS_AT_ONCE = 64;
/** A due actor that could not act is tried again after this. */
export const TIMER_RETRY_MS = 5 * SECOND_MS;
export const PASSIVATE_EVERY_MS = 30 * SECOND_MS;
/** Entries a sweep takes at a time. */
export const SWEEP_PAGE = 256;

// cluster
/** Changes of a catalog section between two snapshots; their records go in one commit. */
export const CATALOG_SNAPSHOT_EVERY = 32;
