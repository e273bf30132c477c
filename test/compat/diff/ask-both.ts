/**
 * Sends the same requests to two servers, in order, and collects where their answers differ.
 *
 * @module
 */

import { type CallReply, call } from '../../support/http.ts';
import type { Ask, Sequence } from './ask.ts';
import { type Comparable, compareReplies, type Difference } from './compare.ts';
import { normalise } from './normalise.ts';

/** One server, with what its answers gave so far. */
interface Side {
  address: string;
  saved: Map<string, string>;
}

export interface Finding {
  sequence: string;
  ask: Ask;
  /** Index of the ask within its sequence, from 0. */
  index: number;
  differences: Difference[];
}

/**
 * @param initial - variables each side starts with, such as its unseal key.
 * @returns a finding for each request, with or without differences.
 */
export async function askBoth(
  addresses: { bao: string; ours: string },
  sequences: readonly Sequence[],
  initial: { bao: Record<string, string>; ours: Record<string, string> },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, asks } of sequences) {
    const bao: Side = { address: addresses.bao, saved: new Map(Object.entries(initial.bao)) };
    const ours: Side = { address: addresses.ours, saved: new Map(Object.entries(initial.ours)) };
    for (const [index, ask] of asks.entries()) {
      const [theirs, mine] = await Promise.all([send(bao, ask), send(ours, ask)]);
      findings.push({
        sequence: name,
        ask,
        index,
        differences: compareReplies(theirs, mine, ask.shapeOnly ?? false),
      });
    }
  }
  return findings;
}

async function send(side: Side, ask: Ask): Promise<Comparable> {
  const path = filled(ask.path, side);
  const token = ask.token === null ? undefined : filled(ask.token ?? 'root', side);
  const body =
    typeof ask.body === 'string' || ask.body instanceof Uint8Array ? ask.body : filledBody(ask.body, side);
  let reply: CallReply;
  try {
    reply = await call(side.address, ask.method, path.startsWith('/') ? path : `/v1/${path}`, {
      token,
      body,
      headers: ask.headers,
    });
  } catch (error) {
    // A connection that breaks is an answer too, and is compared like one.
    reply = {
      status: 0,
      headers: {},
      body: undefined,
      text: `connection failed: ${(error as NodeJS.ErrnoException).code ?? error}`,
    };
  }
  for (const [name, where] of Object.entries(ask.save ?? {})) {
    const value = where.split('.').reduce((from, key) => from?.[key], reply.body);
    if (typeof value === 'string' && value !== '') side.saved.set(name, value);
  }
  return { reply, body: normalise(reply.text, side.saved) };
}

function filled(text: string, side: Side): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => side.saved.get(name) ?? placeholder);
}

function filledBody(body: unknown, side: Side): unknown {
  if (body === undefined) return undefined;
  return JSON.parse(JSON.stringify(body), (_key, value) =>
    typeof value === 'string' ? filled(value, side) : value,
  );
}
