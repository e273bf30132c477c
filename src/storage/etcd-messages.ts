/**
 * etcd's messages that we use, with its own names and numbers (etcdserverpb `rpc.proto`, mvccpb `kv.proto`). Fields that we
 * neither send nor read are left out.
 *
 * @module
 */
import type { Messages } from './protobuf.ts';

const RESULTS = ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'] as const;
const TARGETS = ['VERSION', 'CREATE', 'MOD', 'VALUE'] as const;

export const ETCD_MESSAGES: Messages = {
  ResponseHeader: { revision: [3, 'int'], raft_term: [4, 'int'] },
  KeyValue: {
    key: [1, 'bytes'],
    create_revision: [2, 'int'],
    mod_revision: [3, 'int'],
    version: [4, 'int'],
    value: [5, 'bytes'],
  },
  RangeRequest: {
    key: [1, 'bytes'],
    range_end: [2, 'bytes'],
    limit: [3, 'int'],
    revision: [4, 'int'],
    keys_only: [8, 'bool'],
    count_only: [9, 'bool'],
  },
  RangeResponse: {
    header: [1, { message: 'ResponseHeader' }],
    kvs: [2, { message: 'KeyValue' }, 'list'],
    more: [3, 'bool'],
    count: [4, 'int'],
  },
  PutRequest: { key: [1, 'bytes'], value: [2, 'bytes'] },
  PutResponse: { header: [1, { message: 'ResponseHeader' }] },
  DeleteRangeRequest: { key: [1, 'bytes'], range_end: [2, 'bytes'] },
  DeleteRangeResponse: { header: [1, { message: 'ResponseHeader' }], deleted: [2, 'int'] },
  Compare: {
    result: [1, RESULTS],
    target: [2, TARGETS],
    key: [3, 'bytes'],
    version: [4, 'int'],
    create_revision: [5, 'int'],
    mod_revision: [6, 'int'],
    value: [7, 'bytes'],
  },
  RequestOp: {
    request_range: [1, { message: 'RangeRequest' }],
    request_put: [2, { message: 'PutRequest' }],
    request_delete_range: [3, { message: 'DeleteRangeRequest' }],
    request_txn: [4, { message: 'TxnRequest' }],
  },
  ResponseOp: {
    response_range: [1, { message: 'RangeResponse' }],
    response_put: [2, { message: 'PutResponse' }],
    response_delete_range: [3, { message: 'DeleteRangeResponse' }],
    response_txn: [4, { message: 'TxnResponse' }],
  },
  TxnRequest: {
    compare: [1, { message: 'Compare' }, 'list'],
    success: [2, { message: 'RequestOp' }, 'list'],
    failure: [3, { message: 'RequestOp' }, 'list'],
  },
  TxnResponse: {
    header: [1, { message: 'ResponseHeader' }],
    succeeded: [2, 'bool'],
    responses: [3, { message: 'ResponseOp' }, 'list'],
  },
  /** A TxnResponse, of which its responses are passed by. */
  CommitResponse: { header: [1, { message: 'ResponseHeader' }], succeeded: [2, 'bool'] },
  AuthenticateRequest: { name: [1, 'string'], password: [2, 'string'] },
  AuthenticateResponse: { token: [2, 'string'] },
};
