/**
 * Thrown where this node is not, or no longer, the owner of what a message is for: it may be sent again, a change under its number, which
 * may have been committed before this node let go.
 *
 * @module
 */

export class Moved extends Error {
  /** Of the view that the thrower knows; 0: it knows of none, and has not begun. Who sent waits for a view as new. */
  readonly epoch: number;
  constructor(epoch: number) {
    super('the actor is on another node');
    this.name = 'Moved';
    this.epoch = epoch;
  }
}
