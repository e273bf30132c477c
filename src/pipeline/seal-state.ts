/**
 * The one question about the seal that every request asks.
 *
 * @module
 */
export interface Seal {
  isSealed(): boolean;
}
