/**
 * The differences in namespaces that are meant.
 *
 * @module
 */
import type { Covered } from './expectations.ts';

const STATUS = /^(status|body)$/;

export const NAMESPACES: Record<string, Covered[]> = {
  "the token method of a namespace begins as the root namespace's": [
    { asks: /^GET sys\/auth \{"x-vault-namespace":"d-ns"\}$/, where: /\/token~1\/config\/token_type$/ },
  ],
  'where a namespace is no mount can be, whatever is in it': [
    { asks: /^POST sys\/mounts\/d-ns\/kv /, where: /^\/errors\/0$/, ours: /already in use at d-ns\// },
  ],
  'only what is served without a token is refused before the token is looked at': [
    {
      asks: /^(GET sys\/metrics|POST sys\/seal) \{"x-vault-namespace":"d-ns"\}$/,
      where: /^\/errors\/0$/,
      ours: /only available in root namespace/,
    },
  ],
  'an accessor leads to its namespace below, as its token does': [
    {
      asks: /^POST auth\/token\/lookup-accessor \{"accessor":"\{its\}"\}$/,
      where: STATUS,
      ours: /^200$|namespace_path/,
    },
  ],
};
