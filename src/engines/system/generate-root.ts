/**
 * A root token for who has enough shares (contract §2.2). Nobody needs a token for it: with shares alone one comes back who has lost all.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import { drawnOtp, encodeStatus } from './generate-root-text.ts';
import type { AttemptShown, SealAttempts } from './seal-core.ts';
import { keyIn } from './shares.ts';
import { nonceToEnd, type StructBody, structBody } from './struct-body.ts';

/** What replies look like: bare, as Vault's; or in an envelope, as OpenBao's, which wants a token. */
type Wrap = (status: { [key: string]: Encodable }) => LogicalReply;

export function generateRootRoutes({ attempts }: SystemCore): Record<string, Route> {
  const open = { open: 'token welcome', deleteBody: true } as const;
  const bare: Wrap = (status) => ({ bare: status });
  const enveloped: Wrap = (status) => ({ data: status });
  return {
    'generate-root/attempt': { ...open, ...attemptRoute(attempts, bare) },
    'generate-root/update': { ...open, ...updateRoute(attempts, bare) },
    'generate-root-token/attempt': { deleteBody: true, ...attemptRoute(attempts, enveloped) },
    'generate-root-token/update': updateRoute(attempts, enveloped),
    'decode-token': {
      open: true,
      update: operation({
        summary: 'Decodes an encoded root token with its one-time password. Nothing is looked up.',
        params: {
          encoded_token: p.string('As the generation of a root token gave it.', { absent: '' }),
          otp: p.string('The one-time password that it was begun with.', { absent: '' }),
        },
        run: ({ encoded_token, otp }) => ({ data: { token: decodedToken(encoded_token, otp) } }),
      }),
    },
  };
}

function attemptRoute(attempts: SealAttempts, wrap: Wrap): Route {
  return {
    read: operation({
      summary: 'Shows how far the generation of a root token is.',
      params: {},
      run: async () => wrap(status(await attempts.show('generate-root'))),
    }),
    update: operation({
      summary: 'Begins to generate a root token.',
      wholeBody: true,
      params: {
        otp: p.string('One-time password that the token will be XORed with; drawn where nothing is sent.'),
        pgp_key: p.string('Public PGP key, in base64, that the token will be encrypted to.'),
      },
      run: async (_params, { request, randomBytes }) => {
        const body = structBody(request.body);
        const [otp, pgpKey] = [body.text('otp'), body.text('pgp_key')];
        const drawn = otp === '' && pgpKey === '' ? drawnOtp(randomBytes) : '';
        // What this request began, not what stands there by now: anybody may have put another in its place, and shares would go to that.
        const begun = await attempts.startRoot({ otp: otp || drawn, pgpKey });
        return wrap({ ...status(begun), otp: drawn });
      },
    }),
    delete: operation({
      summary: 'Ends the generation of a root token.',
      wholeBody: true,
      params: { nonce: p.string('Of the operation; not needed with a token that has sudo on this path.') },
      run: async (_params, context) => {
        await attempts.cancel('generate-root', {
          nonce: nonceToEnd(context.request),
          isTrusted: isTrusted(context),
        });
        return {};
      },
    }),
  };
}

function updateRoute(attempts: SealAttempts, wrap: Wrap): Route {
  return {
    update: operation({
      summary: 'Gives one share towards a root token.',
      wholeBody: true,
      params: {
        key: p.string('One share, hex or base64.'),
        nonce: p.string('Of the operation.'),
      },
      run: async (_params, context) => {
        const body = structBody(context.request.body);
        return wrap(await give(attempts, body, context));
      },
    }),
  };
}

async function give(attempts: SealAttempts, body: StructBody, context: RouteContext) {
  const nonce = body.text('nonce');
  const share = keyIn(body);
  try {
    const given = await attempts.giveForRoot({ nonce, share, isTrusted: isTrusted(context) });
    return encodeStatus({ ...given, nonce, started: true });
  } finally {
    share.fill(0);
  }
}

function status({ required, attempt, progress }: AttemptShown) {
  const fingerprint = attempt && 'fingerprint' in attempt ? attempt.fingerprint : '';
  const nonce = attempt?.nonce ?? '';
  const started = attempt !== undefined;
  return encodeStatus({ nonce, started, progress, required, complete: false, fingerprint, encodedToken: '' });
}

/** Has a token that may do as it likes here. */
export function isTrusted({ caller, isSudo }: RouteContext): boolean {
  return caller !== undefined && isSudo();
}

/** @throws CodedError `bad_request` where the two do not fit. */
function decodedToken(encoded: string, otp: string): string {
  if (encoded === '' || otp === '') throw badRequest("provided 'encoded_token' or 'otp' is empty");
  // At most two: a pattern for any number of them would be as slow as who sends them likes.
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) throw badRequest('error decoding base64 value');
  const [bytes, pad] = [Buffer.from(encoded, 'base64'), Buffer.from(otp)];
  if (bytes.length !== pad.length) throw badRequest('the encoded token and the otp are not of one length');
  return Buffer.from(bytes.map((byte, i) => byte ^ pad[i]!)).toString();
}
