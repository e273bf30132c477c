/**
 * `audit verify`: are audit logs as they were written?
 *
 * @module
 */
import type { ChainReport, Report, ServerChain } from '../../audit/verify/verify.ts';
import { keyId } from '../../crypto/audit-signature.ts';
import type { Encodable, Json, JsonMap } from '../../model/json.ts';
import { parseJson } from '../../model/json-parser.ts';
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { lookupVariable } from '../environment.ts';
import { describing, localFailure, messageOf, remoteFailure } from '../failure.ts';
import { boolFlag, type FlagTable, stringFlag } from '../flags.ts';
import { display } from '../go-text.ts';
import { readFile } from '../key-values.ts';
import { printData } from '../output.ts';
import { asMap, listedKeys } from '../secret.ts';
import { listSecret, readSecret } from '../secret-requests.ts';

/** Something was found. */
const FOUND = 2;

const flags = {
  keys: stringFlag('File with the public keys: what `read -format=json sys/audit-keys` printed.'),
  offline: boolFlag('Ask no server, even where VAULT_ADDR names one.'),
  partial: boolFlag('Older files are not given: entries before the first one that is here are not missed.'),
} satisfies FlagTable;

export const auditVerify = command({
  usage: 'audit verify [options] FILE...',
  about: `
Checks that audit logs are as they were written: each entry has its number and the hash of the one before it, and
signed checkpoints say how far the log had come. Entries that were removed, changed or put in another order, a
log whose end was cut off, files that changed places and old files put back are each named. Rotated files
(audit.log.2.gz, audit.log.1, audit.log) are taken in their order. The exit code is 0 where all is well, 2 where
something was found.

The files must begin with the first entry that a device ever wrote on its node; where older ones are gone, -partial
says so. A log without any entry was emptied, and is found too.

With -address, or where VAULT_ADDR is set, the log is compared with what the server knows: how far each device
had come, and with which keys it signs. The token must be allowed to list sys/audit-chains and to read
sys/audit-keys. Entries that came after the server's last head, ten seconds' worth at most, are not covered.

    $ vault audit verify -address=https://vault.example.com:8200 /var/log/vault/audit.log*

Without a server it says up to which checkpoint it vouches; that nothing was cut off after it, nobody can say.
With -keys forged checkpoints are found too:

    $ vault read -format=json sys/audit-keys > keys.json
    $ vault audit verify -keys=keys.json /var/log/vault/audit.log`,
  flags,
  output: { format: true },
  async run(run) {
    const { args, flags: given, terminal, printer } = run;
    expectArguments(args, 1, Number.POSITIVE_INFINITY);
    const isOnline =
      !given.offline && (run.given.has('address') || lookupVariable(run.env, 'VAULT_ADDR') !== undefined);
    // Before the files are read: what is written meanwhile makes no difference then.
    const server = isOnline ? await askServer((await run.client()).with({ namespace: '' })) : undefined;
    const keys = given.keys !== '' ? keysIn(given.keys) : server?.keys;
    const { verifyLogs } = await import('../../audit/verify/verify.ts');
    let report: Report;
    try {
      report = await verifyLogs(args, { keys, server: server?.chains, isPartial: given.partial });
    } catch (error) {
      throw localFailure(`Error reading audit logs: ${messageOf(error)}`);
    }
    if (printer.format === 'table') terminal.output(reportText(report, isOnline, keys !== undefined));
    else await printData(printer, reportData(report));
    return report.findings.length === 0 ? 0 : FOUND;
  },
});

interface Asked {
  readonly chains: ServerChain[];
  readonly keys: Map<string, string>;
}

async function askServer(client: Client): Promise<Asked> {
  const chains: ServerChain[] = [];
  for (let after = ''; ; ) {
    const query = new Map(after === '' ? [] : [['after', [after]]]);
    const page = await describing(
      'Error listing sys/audit-chains',
      listSecret(client, 'sys/audit-chains', query),
    );
    const info = asMap(page?.data?.get('key_info'));
    const names = page ? (listedKeys(page) ?? []) : [];
    for (const name of names) chains.push(chainOf(asMap(info?.get(String(name))) ?? new Map()));
    if (!page?.warnings?.length || names.length === 0) break;
    after = String(names.at(-1));
  }
  const answer = await describing('Error reading sys/audit-keys', readSecret(client, 'sys/audit-keys'));
  if (!answer?.data) throw remoteFailure('Error reading sys/audit-keys: the answer is empty');
  return { chains, keys: keysOf(answer.data) };
}

function chainOf(info: JsonMap): ServerChain {
  const text = (name: string) => display(info.get(name) ?? '');
  const seq = Number(text('seq'));
  // Taken for nothing, an answer that is not understood would let everything pass.
  if (!Number.isSafeInteger(seq) || !/^[0-9a-f]{64}$/.test(text('hash')))
    throw remoteFailure('Error listing sys/audit-chains: the answer says nothing of a chain');
  return {
    chain: text('chain'),
    device: text('device'),
    node: text('node'),
    file: text('file'),
    seq,
    hash: text('hash'),
    time: text('time'),
    enabled: info.get('enabled') === true,
  };
}

/** SPKI by id: ids are computed, not taken on trust. */
function keysOf(data: JsonMap): Map<string, string> {
  const keys = new Map<string, string>();
  const list = data.get('keys');
  for (const pair of Array.isArray(list) ? list : []) {
    for (const kind of ['ed25519', 'ml_dsa_65']) {
      const spki = asMap(asMap(pair)?.get(kind))?.get('public_key');
      if (typeof spki === 'string') keys.set(keyId(Buffer.from(spki, 'base64')), spki);
    }
  }
  return keys;
}

/** @throws CommandFailure where the file holds no keys. */
function keysIn(path: string): Map<string, string> {
  let parsed: Json;
  try {
    parsed = parseJson(readFile(path));
  } catch (error) {
    throw localFailure(`Error reading ${path}: ${messageOf(error)}`);
  }
  const whole = asMap(parsed);
  const keys = keysOf(asMap(whole?.get('data')) ?? whole ?? new Map());
  if (keys.size === 0) throw localFailure(`Error reading ${path}: there are no keys in it`);
  return keys;
}

function reportText({ chains, findings, notes }: Report, isOnline: boolean, hasKeys: boolean): string {
  const place = (file: string, line: number | undefined) => (line === undefined ? file : `${file}:${line}`);
  const lines = [
    ...findings.map(({ kind, file, line, text }) => `${kind.toUpperCase()}  ${place(file, line)}: ${text}`),
    ...notes.map(({ file, line, text }) => `note  ${place(file, line)}: ${text}`),
    ...chains.map((chain) => chainText(chain, isOnline, hasKeys)),
  ];
  if (chains.length === 0)
    lines.push('There are no entries that make a chain in these files: nothing can be said of them.');
  lines.push(findings.length === 0 ? 'Nothing was found amiss.' : `Found: ${findings.length}.`);
  return lines.join('\n');
}

function chainText(
  { chain, device, node, files, from, to, vouched, head }: ChainReport,
  isOnline: boolean,
  hasKeys: boolean,
): string {
  const many = files.length === 1 ? 'one file' : `${files.length} files`;
  const parts = [
    `Chain ${chain} (${device || 'unknown device'} of node ${node || 'unknown'}): entries ${from} to ${to} in ${many}.`,
  ];
  if (!vouched) parts.push('No checkpoint vouches for any of them.');
  else {
    parts.push(`The checkpoint of ${vouched.time} vouches up to entry ${vouched.seq}.`);
    if (!hasKeys)
      parts.push(
        `It is signed with the keys that the log itself names, ${vouched.keys.ed25519} and ${vouched.keys.ml_dsa_65}; -keys or -address tells whether they are the server's.`,
      );
  }
  if (head) parts.push(`The server knows of ${head.seq} entries.`);
  else if (!isOnline) parts.push(`Whether there were more than ${to}, only a server can say.`);
  return parts.join(' ');
}

function reportData({ files, chains, findings, notes }: Report): Encodable {
  return {
    good: findings.length === 0,
    files: [...files],
    findings: findings.map(({ entries, ...rest }) => ({
      ...rest,
      ...(entries ? { entries: [...entries] } : {}),
    })),
    notes: notes.map((note) => ({ ...note })),
    chains: chains.map(({ chain, device, node, files: names, from, to, vouched, head }) => ({
      chain,
      device,
      node,
      files: [...names],
      from,
      to,
      vouched: vouched ? { seq: vouched.seq, time: vouched.time, keys: { ...vouched.keys } } : null,
      server: head ? { seq: head.seq, time: head.time, enabled: head.enabled } : null,
    })),
  };
}
