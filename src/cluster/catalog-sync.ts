/**
 * A member that is behind gets what it lacks of a catalog section from a peer, by Automerge's sync protocol. It is a short cut: what the peer does not
 * have, and whatever goes wrong, the store has.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CATALOG_DOCUMENT_TURN_MS, CATALOG_SYNC_MS } from '../model/limits.ts';
import type { PeerId } from '../model/transport.ts';
import type { Catalog } from './catalog.ts';
import {
  type AutomergeLibrary,
  actorOf,
  documentOf,
  fingerprintOf,
  mayBeDocument,
  type SectionDocument,
  sectionOf,
} from './catalog-document.ts';
import { type AppliedSection, SECTIONS, type SectionName } from './catalog-section.ts';
import type { Membership } from './membership-interface.ts';
import type { Post } from './post.ts';
import { isMember } from './view.ts';

export interface CatalogSyncOptions {
  readonly post: Pick<Post, 'request' | 'onRequest' | 'transport'>;
  membership(): Pick<Membership, 'view' | 'members'>;
  readonly clock: Clock;
  applied(section: SectionName): ReturnType<Catalog['applied']>;
  /** Handed in where loading must take no time, in the simulator. */
  readonly automerge?: AutomergeLibrary;
}

export interface CatalogSync {
  /** For `CatalogOptions.sync`. */
  sync(section: SectionName, own: AppliedSection): Promise<AppliedSection | undefined>;
  /** Equal on two nodes that hold the same section by the same history; undefined: too large to tell, compare the entries. */
  fingerprint(section: SectionName): Promise<string | undefined>;
}

const SYNC = 'catalog/sync';
/** More never were needed: a round may be wasted where a filter mistakes one change for another. */
const ROUNDS_MAX = 8;

interface Question {
  readonly section: SectionName;
  readonly base: number;
  /** Automerge's sync message. */
  readonly message: Uint8Array;
}

/** `document` where the two have no snapshot in common. */
type Answer = { readonly message: Uint8Array } | { readonly document: Uint8Array } | undefined;

let library: Promise<AutomergeLibrary> | undefined;
function loaded(): Promise<AutomergeLibrary> {
  library ??= import('@automerge/automerge');
  return library;
}

export function makeCatalogSync(options: CatalogSyncOptions): CatalogSync {
  const { post, membership, clock } = options;
  /** Not after each step: on a busy machine every turn that is given away is long in coming back. */
  function breather(): () => Promise<void> | undefined {
    let sinceMs = clock.monotonicMs();
    return () => {
      if (clock.monotonicMs() - sinceMs < CATALOG_DOCUMENT_TURN_MS) return undefined;
      return new Promise((resolve) => {
        clock.after(() => {
          sinceMs = clock.monotonicMs();
          resolve();
        }, 0);
      });
    };
  }
  const automergeOf = async () => options.automerge ?? (await loaded());

  async function ownDocument(name: SectionName): Promise<SectionDocument | undefined> {
    const { history } = options.applied(name);
    if (!mayBeDocument(history)) return undefined;
    return documentOf(await automergeOf(), name, history, breather());
  }

  post.onRequest(SYNC, async (value, { peer }): Promise<Answer> => {
    const { section, base, message } = value as Question;
    if (!SECTIONS.includes(section) || !mayKnow(peer)) return undefined;
    const { history } = options.applied(section);
    const document = await ownDocument(section);
    if (!document || !history) return undefined;
    const automerge = await automergeOf();
    if (history.base !== base) return { document: automerge.save(document) };
    // The asker's filters are in its message: nothing has to be remembered from one round to the next.
    const [heard, state] = automerge.receiveSyncMessage(document, automerge.initSyncState(), message);
    const [, reply] = automerge.generateSyncMessage(heard, state);
    return reply ? { message: reply } : undefined;
  });

  /** Only who has the keys itself: entries hold salts. */
  function mayKnow(peer: PeerId): boolean {
    for (const record of membership().members().values())
      if (record.peerId === peer && !record.sealed) return true;
    return false;
  }

  /** Members that are linked, in the order of the view. */
  function membersLinked(): PeerId[] {
    const view = membership().view();
    if (!view) return [];
    const linked = new Set(post.transport.peers());
    const peers: PeerId[] = [];
    for (const [inc, { peerId }] of membership().members())
      if (isMember(view, inc) && linked.has(peerId)) peers.push(peerId);
    return peers;
  }

  async function syncWith(
    peer: PeerId,
    section: SectionName,
    own: AppliedSection,
    endMs: number,
  ): Promise<AppliedSection | undefined> {
    if (!mayBeDocument(own.history)) return undefined;
    const automerge = await automergeOf();
    const { base } = own.history;
    let document = await documentOf(automerge, section, own.history, breather());
    let state = automerge.initSyncState();
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const timeoutMs = Math.ceil(endMs - clock.monotonicMs());
      if (timeoutMs <= 0) return undefined;
      const [asking, message] = automerge.generateSyncMessage(document, state);
      if (!message) break;
      const question: Question = { section, base, message };
      const answer = (await post.request(peer, SYNC, question, { timeoutMs })) as Answer;
      if (!answer) break;
      if ('document' in answer) {
        document = automerge.load(answer.document, { actor: actorOf(section) });
        break;
      }
      [document, state] = automerge.receiveSyncMessage(document, asking, answer.message);
    }
    return sectionOf(automerge, document);
  }

  return {
    async sync(section, own) {
      const endMs = clock.monotonicMs() + CATALOG_SYNC_MS;
      for (const peer of membersLinked()) {
        const synced = await syncWith(peer, section, own, endMs).catch(() => undefined);
        if (synced && synced.seq > own.seq) return synced;
      }
      return undefined;
    },
    async fingerprint(section) {
      const document = await ownDocument(section);
      return document && fingerprintOf(await automergeOf(), document);
    },
  };
}
