/**
 * A token as it rests: a list, which is half as long as names would be, and behind the end of its line a short reply that it wraps. Stores of
 * format 3 and before hold the state as it is, with its names.
 *
 * @module
 */
import assert from 'node:assert';
import type { TokenState } from '../../model/caller.ts';

const LIST_BEGINS = 0x5b;
/** No JSON of ours has one inside. */
const LINE_ENDS = 0x0a;
const FORM = 1;
const RENEWABLE = 1;
const NO_DEFAULT_POLICY = 2;

/** What is in most tokens comes first; of what follows, what is absent at the end is left out. */
export function encodeToken(state: TokenState): Buffer {
  // A batch token is its own record.
  assert(state.type === 'service');
  const list: unknown[] = [
    FORM,
    state.policies,
    state.meta,
    state.displayName,
    state.path,
    state.createdAtMs,
    state.ttl,
    state.expiresAtMs ?? null,
    (state.renewable ? RENEWABLE : 0) | (state.noDefaultPolicy ? NO_DEFAULT_POLICY : 0),
    state.explicitMaxTtl,
    state.period,
    state.issuer ? [state.issuer.mount, state.issuer.name] : null,
    state.numUses,
    state.usesLeft ?? null,
    state.parent ?? null,
    state.wraps?.path ?? null,
    state.role ?? null,
    state.boundCidrs ?? null,
    state.renewedAtMs ?? null,
    state.grantedTtl ?? null,
    state.dying ?? null,
    state.dyingSinceMs ?? null,
  ];
  while (list.at(-1) === null) list.pop();
  const text = JSON.stringify(list);
  const reply = state.wraps?.reply;
  if (reply === undefined) return Buffer.from(text);
  const bytes = Buffer.byteLength(text);
  const head = Buffer.allocUnsafe(bytes + 1 + reply.length);
  head.write(text);
  head[bytes] = LINE_ENDS;
  head.write(reply, bytes + 1, 'latin1');
  return head;
}

/** @throws Error where these are not bytes of ours. */
export function decodeToken(head: Uint8Array): TokenState {
  const bytes = Buffer.from(head);
  if (head[0] !== LIST_BEGINS) return JSON.parse(bytes.toString()) as TokenState;
  const lineEnd = bytes.indexOf(LINE_ENDS);
  const stored = JSON.parse(bytes.toString('utf8', 0, lineEnd < 0 ? bytes.length : lineEnd));
  if (stored[0] !== FORM)
    throw new Error('a token rests in a form that this version of Coffer does not know');
  const [, policies, meta, displayName, path, createdAtMs, ttl, expiresAtMs, flags, ...more] = stored;
  const [explicitMaxTtl, period, issuer, numUses, usesLeft, parent, wraps, role, boundCidrs, ...later] = more;
  const [renewedAtMs, grantedTtl, dying, dyingSinceMs] = later;
  const state: TokenState = {
    parent: parent ?? undefined,
    policies,
    meta,
    displayName,
    usesLeft: usesLeft ?? undefined,
    numUses,
    type: 'service',
    path,
    createdAtMs,
    ttl,
    expiresAtMs: expiresAtMs ?? undefined,
    explicitMaxTtl,
    period,
    renewable: (flags & RENEWABLE) !== 0,
    noDefaultPolicy: (flags & NO_DEFAULT_POLICY) !== 0,
  };
  if (issuer) state.issuer = { mount: issuer[0], name: issuer[1] };
  if (wraps != null) state.wraps = { path: wraps };
  if (wraps != null && lineEnd >= 0)
    state.wraps = { path: wraps, reply: bytes.toString('latin1', lineEnd + 1) };
  if (role != null) state.role = role;
  if (boundCidrs) state.boundCidrs = boundCidrs;
  if (renewedAtMs != null) state.renewedAtMs = renewedAtMs;
  if (grantedTtl != null) state.grantedTtl = grantedTtl;
  if (dying) state.dying = dying;
  if (dyingSinceMs != null) state.dyingSinceMs = dyingSinceMs;
  return state;
}
