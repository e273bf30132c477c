/**
 * What a PEM file with a certificate has in it.
 *
 * @module
 */
export const CERTIFICATE = '-----BEGIN CERTIFICATE-----';
