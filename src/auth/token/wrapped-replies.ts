/**
 * Replies that wait with a token, to be opened once (contract §2.8).
 *
 * @module
 */
import type { Cluster, SendOptions } from '../../model/actor.ts';
import { OWN_CLAIMS } from '../../model/actor.ts';
import type { Caller, NewToken } from '../../model/caller.ts';
import { namespaceIdOf } from '../../model/namespace.ts';
import { rfc3339 } from '../../model/time.ts';
import type { ReplyToWrap, WrapInfo, WrappedFacts, WrappedReply } from '../../model/wrapping.ts';
import { tokenId } from './token-actor.ts';
import type { CreateOptions, Tokens } from './tokens.ts';
import type { WrappingOperations } from './wrapping-operations.ts';

export interface WrappedRepliesOptions {
  readonly tokens: Tokens;
  readonly operations: WrappingOperations;
  readonly cluster: Cluster;
}

export interface WrappedReplies {
  /** @param ttl - seconds, at least 1. */
  wrap(reply: ReplyToWrap, about: WrapAbout): Promise<WrapInfo>;
  /** Undefined where it is not a good token, of that namespace, that wraps something. Takes no use of it. */
  look(token: string, namespaceId: string): Promise<WrappedFacts | undefined>;
  /** What the caller's own token wraps, whose only use its request has taken. */
  own(caller: Caller): Promise<WrappedReply | undefined>;
  /** Opens what `token` wraps, at which its request has looked; undefined: it is opened, over, another namespace's, or never was. */
  take(token: string, options: CreateOptions): Promise<WrappedReply | undefined>;
  /** The same reply under a new token. @param ttl - seconds; what it had where absent. */
  rewrap(token: string, ttl: number | undefined, options: CreateOptions): Promise<WrapInfo | undefined>;
}

export interface WrapAbout {
  /** Id of the namespace whose token it is to be. */
  readonly namespace: string;
  readonly ttl: number;
  /** API path of the request that was answered. */
  readonly creationPath: string;
  /** API path of the request that makes the token. */
  readonly path: string;
  /** Of the token that the reply brings. */
  readonly wrappedAccessor?: string;
  /** The mount that answered, as it names itself as an issuer: nothing it answered is opened once it is disabled or moved, unless it was wrapped anew. Absent: it stays. */
  readonly issuer?: string;
}

const OWN: SendOptions = { claims: OWN_CLAIMS };

export function makeWrappedReplies(options: WrappedRepliesOptions): WrappedReplies {
  const { tokens, operations, cluster } = options;

  async function wrap(reply: ReplyToWrap, about: WrapAbout): Promise<WrapInfo> {
    const { token, accessor } = tokens.draw(about.namespace);
    // Under our own authority: what is wrapped has been done already, and must not be done again because a policy has changed since.
    const asked = { token: wrappingToken(about), reply: encode(reply) };
    const createdAtMs = await cluster.send(operations.wrap, tokenId(accessor), asked, OWN);
    return {
      token,
      accessor,
      ttl: about.ttl,
      creation_time: rfc3339(createdAtMs),
      creation_path: about.creationPath,
      wrapped_accessor: about.wrappedAccessor,
    };
  }

  /** Undefined: the token is another namespace's. */
  function accessorIn(namespaceId: string, token: string): string | undefined {
    const accessor = tokens.accessorOf(token);
    return namespaceIdOf(accessor) === namespaceId ? accessor : undefined;
  }

  async function look(token: string, namespaceId: string): Promise<WrappedFacts | undefined> {
    const accessor = accessorIn(namespaceId, token);
    const state = accessor === undefined ? undefined : await tokens.stateOf(accessor);
    if (!state?.wraps) return undefined;
    return { creationPath: state.wraps.path, createdAtMs: state.createdAtMs, ttl: state.ttl };
  }

  const read = (accessor: string) => cluster.send(operations.read, tokenId(accessor), undefined, OWN);

  return {
    wrap,
    look,
    async own({ accessor }) {
      const stored = await read(accessor);
      return stored && decode(stored);
    },
    async take(token, sendOptions) {
      const accessor = accessorIn(sendOptions.namespace, token);
      // Read first: the one commit that decides takes it away, and replies too little to bring it.
      const stored = accessor === undefined ? undefined : await read(accessor);
      // Between the first look at it and here the request was audited: its mount may have been disabled meanwhile.
      if (accessor === undefined || !stored || !(await look(token, sendOptions.namespace))) return undefined;
      const isOurs = await cluster.send(operations.unwrap, tokenId(accessor), undefined, sendOptions);
      return isOurs ? decode(stored) : undefined;
    },
    async rewrap(token, ttl, sendOptions) {
      const { namespace } = sendOptions;
      const accessor = tokens.accessorOf(token);
      const facts = await look(token, namespace);
      const stored = facts && (await read(accessor));
      if (!facts || !stored) return undefined;
      // The new one first, so that a crash in between loses nothing. Nobody knows it yet.
      const info = await wrap(decode(stored), {
        namespace,
        ttl: ttl ?? facts.ttl,
        creationPath: facts.creationPath,
        path: 'sys/wrapping/rewrap',
      });
      let isOurs = false;
      try {
        isOurs = await cluster.send(operations.unwrap, tokenId(accessor), undefined, sendOptions);
      } finally {
        if (!isOurs) await tokens.revoke(info.accessor, 'tree');
      }
      return isOurs ? info : undefined;
    },
  };
}

/** Good for one use and nothing but to be opened. */
function wrappingToken({ ttl, path, creationPath, issuer }: WrapAbout): NewToken {
  return {
    parent: undefined,
    policies: ['response-wrapping'],
    meta: null,
    displayName: 'token',
    usesLeft: 1,
    numUses: 1,
    type: 'service',
    path,
    ttl,
    explicitMaxTtl: ttl,
    period: 0,
    renewable: false,
    noDefaultPolicy: true,
    wraps: { path: creationPath },
    ...(issuer !== undefined && { issuer: { mount: issuer, name: '' } }),
  };
}

const JSON_TYPE = 'application/json';
const USUAL_LINE = JSON.stringify({ status: 200, contentType: JSON_TYPE });

/** A line of JSON that describes, then the body; a character for each byte. */
function encode({ status, contentType, body }: ReplyToWrap): string {
  const line =
    status === 200 && contentType === JSON_TYPE ? USUAL_LINE : JSON.stringify({ status, contentType });
  return `${line}\n${bytesOf(body)}`;
}

/** Nearly all bodies are texts in ASCII, which are their own. */
function bytesOf(body: ReplyToWrap['body']): string {
  if (typeof body === 'string' && Buffer.byteLength(body) === body.length) return body;
  const bytes =
    typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
  return bytes.toString('latin1');
}

function decode(stored: Uint8Array): WrappedReply {
  const end = stored.indexOf(0x0a);
  const { status, contentType } = JSON.parse(Buffer.from(stored.subarray(0, end)).toString());
  return { status, contentType, body: stored.subarray(end + 1) };
}
