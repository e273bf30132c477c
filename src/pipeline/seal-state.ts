/**
 * The one question about the seal that every request asks.
 *
 * @module
 */
export interface Seal {
  isSealed(): boolean;
  /** Other nodes serve: this one soon may, too. Absent: it is alone. */
  othersServe?(): boolean;
}
