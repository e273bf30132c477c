import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFileOptions } from '../../src/audit/options.ts';
import { CodedError } from '../../src/model/errors.ts';

test('what is not given is as in Vault: 0600, accessors hashed, nothing raw, nothing elided', () => {
  assert.deepEqual(parseFileOptions({ file_path: '/var/log/a.log' }), {
    path: '/var/log/a.log',
    mode: 0o600,
    hmacAccessor: true,
    logRaw: false,
    elideListResponses: false,
  });
});

test('all options are read; path is another name of file_path; stdout and discard in any case', () => {
  const read = parseFileOptions({
    path: 'STDOUT',
    mode: '0640',
    hmac_accessor: 'false',
    log_raw: 'T',
    elide_list_responses: '1',
    format: 'json',
  });
  assert.deepEqual(read, {
    path: 'stdout',
    mode: 0o640,
    hmacAccessor: false,
    logRaw: true,
    elideListResponses: true,
  });
  assert.equal(parseFileOptions({ file_path: 'Discard' }).path, 'discard');
});

test('mode 0000 leaves the permissions alone', () => {
  assert.equal(parseFileOptions({ file_path: '/x', mode: '0000' }).mode, undefined);
});

const REFUSED: [string, Record<string, string>, RegExp][] = [
  ['no path', {}, /file_path is required/],
  ['a path with a line end', { file_path: '/x\n/y' }, /control characters/],
  ['a prefix (CVE-2025-6000)', { file_path: '/x', prefix: '#!/bin/sh\n' }, /prefix is not supported/],
  ['an executable mode (CVE-2025-6000)', { file_path: '/x', mode: '0755' }, /execute/],
  ['execution by others alone', { file_path: '/x', mode: '0601' }, /execute/],
  ['a setuid mode', { file_path: '/x', mode: '4600' }, /permissions/],
  ['a mode that is not octal', { file_path: '/x', mode: '0o600' }, /octal/],
  ['a decimal mode', { file_path: '/x', mode: '0680' }, /octal/],
  ['a mode the owner cannot write with', { file_path: '/x', mode: '0400' }, /owner read and write/],
  ['a mode the owner cannot read with', { file_path: '/x', mode: '0200' }, /owner read and write/],
  ['jsonx', { file_path: '/x', format: 'jsonx' }, /^unknown format type: only json is served$/],
  ['what is no boolean', { file_path: '/x', log_raw: 'yes' }, /log_raw must be true or false/],
];
for (const [what, options, text] of REFUSED) {
  test(`refused with 400: ${what}`, () => {
    assert.throws(
      () => parseFileOptions(options),
      (error: unknown) => error instanceof CodedError && error.status === 400 && text.test(error.message),
    );
  });
}
