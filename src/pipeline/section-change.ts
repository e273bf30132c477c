/**
 * The reply of a change of a catalog section that found nothing to change.
 *
 * @module
 */
export const unchanged: { patch?: undefined; reply: undefined } = { reply: undefined };
