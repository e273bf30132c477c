/**
 * What is told to audit devices of one request, in the clear: the devices hash what has to be hashed (contract §17).
 * Names here follow the wire's, in camelCase; what is undefined, empty, false or 0 is left out of the log.
 *
 * @module
 */
import type { Encodable, RawJson } from './json.ts';

export type AuditOperation = 'create' | 'read' | 'update' | 'delete' | 'list' | 'patch' | 'header' | 'help';

export type AuditData = ReadonlyMap<string, Encodable> | { readonly [key: string]: Encodable } | RawJson;

/** Who asks, or whom a reply speaks of. Devices keep its text: use one object again where nothing of it differs. */
export interface AuditAuth {
  /** Hashed. */
  readonly clientToken?: string;
  /** Hashed unless the device's `hmac_accessor` is false. */
  readonly accessor?: string;
  readonly displayName?: string;
  readonly policies?: readonly string[];
  readonly tokenPolicies?: readonly string[];
  readonly identityPolicies?: readonly string[];
  readonly noDefaultPolicy?: boolean;
  readonly policyResults?: {
    readonly allowed: boolean;
    readonly grantingPolicies?: readonly {
      readonly name: string;
      readonly namespaceId: string;
      readonly namespacePath?: string;
      readonly type: string;
    }[];
  };
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly numUses?: number;
  readonly remainingUses?: number;
  readonly entityId?: string;
  readonly entityCreated?: boolean;
  /** `default` where there is no token. */
  readonly tokenType?: 'service' | 'batch' | 'default';
  /** Seconds. */
  readonly tokenTtl?: number;
  readonly tokenIssueTimeMs?: number;
  /** Stands in the request's part of an entry, not in this one. */
  readonly clientId?: string;
}

export interface AuditRequest {
  readonly id: string;
  readonly clientId?: string;
  readonly operation: AuditOperation;
  readonly mountPoint?: string;
  readonly mountType?: string;
  readonly mountAccessor?: string;
  readonly mountRunningVersion?: string;
  readonly mountClass?: string;
  /** Hashed. As sent, also where it is no good token. */
  readonly clientToken?: string;
  /** Hashed as `accessor` is. */
  readonly clientTokenAccessor?: string;
  readonly namespaceId: string;
  readonly namespacePath?: string;
  readonly path: string;
  /** Body or query. Each string in it is hashed, but for times and for `nonHmacRequestKeys`. */
  readonly data?: AuditData;
  readonly policyOverride?: boolean;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  /** Seconds. */
  readonly wrapTtl?: number;
  /** Only those an operator configured, lower-case names. */
  readonly headers?: readonly AuditHeader[];
  readonly clientCertificateSerialNumber?: string;
  readonly requestUri?: string;
  /** Of the mount: strings directly under these names, or in lists under them, are not hashed. */
  readonly nonHmacRequestKeys?: readonly string[];
  readonly nonHmacResponseKeys?: readonly string[];
}

export interface AuditHeader {
  readonly name: string;
  readonly values: readonly string[];
  readonly hmac: boolean;
}

/**
 * One request. Make one object and give it to both `request` and `response`: devices keep its rendered text between the two.
 * If something of it changes in between (POST turns out to be `create`), make a new one.
 */
export interface AuditEntry {
  readonly auth: AuditAuth;
  readonly request: AuditRequest;
}

export interface AuditWrapInfo {
  /** Seconds. */
  readonly ttl: number;
  /** Hashed. */
  readonly token: string;
  /** Hashed as `accessor` is. */
  readonly accessor: string;
  /** RFC 3339. */
  readonly creationTime: string;
  readonly creationPath: string;
  /** Hashed as `accessor` is. */
  readonly wrappedAccessor?: string;
}

/** The reply. Its mount is the request's. */
export interface AuditResponse {
  readonly auth?: AuditAuth;
  readonly leaseId?: string;
  readonly data?: AuditData | null;
  readonly warnings?: readonly string[];
  readonly redirect?: string;
  readonly wrapInfo?: AuditWrapInfo;
}

/** The whole of what `pipeline/` needs of `audit/`. */
export interface AuditTrail {
  /** Is there any device? Without one nothing needs to be built. */
  isOn(): boolean;
  /**
   * Resolves once at least one device has written the line; at once where there is no device. `error` is the refusal's text.
   * @throws CodedError `internal` when there are devices and none of them took it: the request must be refused.
   */
  request(entry: AuditEntry, error?: string): Promise<void>;
  /** As `request`; the reply must not be sent before. `response` is undefined where there is nothing to tell. */
  response(entry: AuditEntry, response: AuditResponse | undefined, error?: string): Promise<void>;
}
