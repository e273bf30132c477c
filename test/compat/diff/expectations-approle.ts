/** @module The differences between OpenBao and Coffer that are meant, of AppRole. */

import type { Covered } from './expectations.ts';

const FIRST_ERROR = /^\/errors\/0$/;
const STATUS = /^(status|body)$/;
const ROLE = / auth\/d-ar\/role\//;

export const APPROLE: Record<string, Covered[]> = {
  'token_strictly_bind_ip is OpenBao’s': [
    { asks: ROLE, where: /^\/data\/token_strictly_bind_ip$/, ours: /^absent$/ },
  ],
  'Vault serves bind-secret-id, which OpenBao routes to nothing': [
    {
      asks: / auth\/d-ar\/role\/\w+\/bind-secret-id/,
      where: /^(status|body|\/errors)$/,
      bao: /404|unsupported path/,
    },
  ],
  'Vault answers a login without a role id with 400, and none that is read': [
    { asks: / auth\/d-ar\/login( |$)/, where: STATUS, bao: /^500$|missing role_id/ },
  ],
  'an accessor that is not there is 403, as contract and Vault have it': [
    { asks: /secret-id-accessor\/destroy .*"none"/, where: STATUS, bao: /^500$|failed to find accessor/ },
  ],
  'what was sent is not repeated in a refusal; what Go says of nothing is left out': [
    {
      asks: ROLE,
      where: FIRST_ERROR,
      bao: /invalid CIDR address|subset relationship|invalid 'token_type' value/,
    },
    { asks: / auth\/d-ar\/login /, where: FIRST_ERROR, bao: /CIDR restrictions on the role: %!w\(<nil>\)"$/ },
  ],
  'the period that is too long is named; OpenBao names the older setting': [
    { asks: /\/period \{"token_period":"9000h"\}/, where: FIRST_ERROR, bao: /^"period of \\"0s\\"/ },
  ],
  'tidying names Vault’s logs': [
    {
      asks: / auth\/(d-ar|token)\/tidy/,
      where: /^\/warnings\/0$/,
      bao: /^"Tidy operation successfully started\./,
    },
  ],
  'identity is not served yet: logins have no entity': [
    { asks: / auth\/d-ar\/login no-token| auth\/token\//, where: /^\/(auth|data)\/entity_id$/, ours: /^""$/ },
  ],
  'a token of a role that is gone is not renewed: 400 here, 500 there': [
    { asks: /^POST auth\/token\/renew-self \{last\}/, where: STATUS },
  ],
};
