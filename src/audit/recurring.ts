/**
 * What one request's lines say just as another's: of its mount, and of who asks. Mounts and callers are few, requests many.
 *
 * @module
 */
import type { AuditAuth, AuditRequest } from '../model/audit.ts';
import { AUDIT_MOUNTS_KEPT } from '../model/limits.ts';
import { Members } from './members.ts';

export interface MountTexts {
  readonly of: Pick<AuditRequest, 'mountAccessor' | 'mountType' | 'mountRunningVersion' | 'mountClass'>;
  /** Members without braces. */
  readonly inRequest: string;
  readonly inResponse: string;
}

export interface Recurring {
  /** Of a request that has a mount. */
  mount(request: AuditRequest): MountTexts;
  /** The members between a request's id and its path, without braces. Kept with `auth`, as they were last. */
  middle(auth: AuditAuth, request: AuditRequest): string;
}

export interface Hiding {
  token(text: string): string;
  accessor(text: string): string;
}

/** What a middle is made of. */
type Of = Pick<
  AuditRequest,
  | 'clientId'
  | 'operation'
  | 'mountPoint'
  | 'mountType'
  | 'mountAccessor'
  | 'mountRunningVersion'
  | 'mountClass'
  | 'clientToken'
  | 'clientTokenAccessor'
  | 'namespaceId'
  | 'namespacePath'
>;
interface Middle {
  readonly of: Of;
  readonly text: string;
}

export function makeRecurring(hiding: Hiding): Recurring {
  const mounts = new Map<string, MountTexts>();
  // This formatter's own: what another device wrote of the same caller is hidden another way.
  const slot = Symbol('middle');

  function mount(request: AuditRequest): MountTexts {
    const key = request.mountPoint ?? '';
    const kept = mounts.get(key);
    if (
      kept &&
      kept.of.mountAccessor === request.mountAccessor &&
      kept.of.mountType === request.mountType &&
      kept.of.mountRunningVersion === request.mountRunningVersion &&
      kept.of.mountClass === request.mountClass
    ) {
      return kept;
    }
    if (mounts.size >= AUDIT_MOUNTS_KEPT) mounts.clear();
    const texts = renderMount(request);
    mounts.set(key, texts);
    return texts;
  }

  function render(request: AuditRequest): string {
    const { clientToken, clientTokenAccessor } = request;
    const members = new Members();
    members.string('client_id', request.clientId);
    members.string('operation', request.operation);
    if (request.mountPoint) members.text(mount(request).inRequest);
    members.string('client_token', clientToken && hiding.token(clientToken));
    members.string('client_token_accessor', clientTokenAccessor && hiding.accessor(clientTokenAccessor));
    members.raw('namespace', namespaceText(request));
    return members.end().slice(1, -1);
  }

  return {
    mount,
    middle(auth, request) {
      const kept = (auth as { [slot]?: Middle })[slot];
      if (kept && isSame(kept.of, request)) return kept.text;
      const text = render(request);
      (auth as { [slot]?: Middle })[slot] = { of: ofRequest(request), text: flat(text) };
      return text;
    },
  };
}

/** Only this of it is held on to, and nothing of what it carries. */
function ofRequest(request: AuditRequest): Of {
  return {
    operation: request.operation,
    mountPoint: request.mountPoint,
    clientToken: request.clientToken,
    clientTokenAccessor: request.clientTokenAccessor,
    namespaceId: request.namespaceId,
    namespacePath: request.namespacePath,
    mountAccessor: request.mountAccessor,
    mountType: request.mountType,
    mountRunningVersion: request.mountRunningVersion,
    mountClass: request.mountClass,
    clientId: request.clientId,
  };
}

function isSame(a: Of, b: Of): boolean {
  return (
    a.operation === b.operation &&
    a.mountPoint === b.mountPoint &&
    a.clientToken === b.clientToken &&
    a.clientTokenAccessor === b.clientTokenAccessor &&
    a.namespaceId === b.namespaceId &&
    a.namespacePath === b.namespacePath &&
    a.mountAccessor === b.mountAccessor &&
    a.mountType === b.mountType &&
    a.mountRunningVersion === b.mountRunningVersion &&
    a.mountClass === b.mountClass &&
    a.clientId === b.clientId
  );
}

/** The same text in one piece: what was put together of many is put together anew each time it is written. */
export function flat(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** A reply's mount differs from its request's in one name. */
function renderMount(request: AuditRequest): MountTexts {
  const { mountPoint, mountType, mountAccessor, mountRunningVersion, mountClass } = request;
  const text = (versionName: string): string => {
    const members = new Members();
    members.string('mount_point', mountPoint);
    members.string('mount_type', mountType);
    members.string('mount_accessor', mountAccessor);
    members.string(versionName, mountRunningVersion);
    members.string('mount_class', mountClass);
    return flat(members.end().slice(1, -1));
  };
  return {
    of: { mountAccessor, mountType, mountRunningVersion, mountClass },
    inRequest: text('mount_running_version'),
    inResponse: text('mount_running_plugin_version'),
  };
}

function namespaceText({ namespaceId, namespacePath }: AuditRequest): string {
  const members = new Members();
  members.string('id', namespaceId);
  members.string('path', namespacePath);
  return members.end();
}
