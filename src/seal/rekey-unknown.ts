/** Nobody knows whether the old or the new shares open the store: the storage did not say. */
export class RekeyUnknown extends Error {
  override readonly name = 'RekeyUnknown';
}
