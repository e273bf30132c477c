/**
 * KV version 2: secrets with versions (contract §8).
 *
 * @module
 */
import { engine } from '../../model/engine.ts';
import { configSends, readConfig, writeConfig } from './config.ts';
import { dataSends, deleteData, patchData, readData, writeData } from './data.ts';
import { onInvalidPath, onRoot } from './invalid-path.ts';
import { deleteMetadata, metadataSends, patchMetadata, readMetadata, writeMetadata } from './metadata.ts';
import { listDetailed, listMetadata, metadataListSends } from './metadata-lists.ts';
import { kvSearchSends } from './search.ts';
import { readSubkeys } from './subkeys.ts';
import { deleteByNumber, destroyByNumber, undeleteByNumber, versionSends } from './versions.ts';

const root = { read: onRoot, update: onRoot, patch: onRoot, delete: onRoot };
const invalid = { read: onInvalidPath, update: onInvalidPath, patch: onInvalidPath, delete: onInvalidPath };

export const kv2 = engine(
  'kv',
  'Key-value secrets with versions.',
  {
    config: { read: readConfig, update: writeConfig, list: onInvalidPath },

    // Bare, they are no secrets. They stand before the rest, which would take an empty path.
    data: { ...root, list: onInvalidPath },
    metadata: { ...root, list: listMetadata },
    delete: root,
    undelete: root,
    destroy: root,
    subkeys: invalid,
    'detailed-metadata': { ...invalid, list: listDetailed },

    'data/:path*': {
      deletesWithSlash: true,
      read: readData,
      update: writeData,
      patch: patchData,
      delete: deleteData,
      list: onInvalidPath,
    },
    'metadata/:path*': {
      read: readMetadata,
      update: writeMetadata,
      patch: patchMetadata,
      delete: deleteMetadata,
      list: listMetadata,
    },
    'delete/:path*': { update: deleteByNumber },
    'undelete/:path*': { update: undeleteByNumber },
    'destroy/:path*': { update: destroyByNumber },
    'subkeys/:path*': { read: readSubkeys },
    'detailed-metadata/:path*': { list: listDetailed },

    ':path*': { deletesWithSlash: true, ...invalid, list: onInvalidPath },
  },
  [...configSends, ...dataSends, ...metadataSends, ...metadataListSends, ...versionSends, ...kvSearchSends],
);
