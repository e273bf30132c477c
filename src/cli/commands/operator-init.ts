/**
 * `operator init`.
 *
 * @module
 */
import type { Encodable, JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, LOCAL, messageOf, remoteFailure } from '../failure.ts';
import { boolFlag, type FlagTable, intFlag, listFlag, stringFlag } from '../flags.ts';
import { decodeJson, encodeJson } from '../go-json.ts';
import { wrapText } from '../go-text.ts';
import { printData } from '../output.ts';
import { pgpKeyIn, pgpKeysIn } from '../pgp-files.ts';
import { askSealStatus } from '../seal-status.ts';
import { asMap, asText, asTexts } from '../secret.ts';

const SHARES_USUAL = 5;
const THRESHOLD_USUAL = 3;

const flags = {
  status: boolFlag('Only say whether the server is initialized: exit code 0 if so, 2 if not, 1 for errors.'),
  'key-shares': intFlag(`Into how many shares the root key is split. Default: ${SHARES_USUAL}.`, {
    aliases: ['n'],
  }),
  'key-threshold': intFlag(`How many of them unseal. Default: ${THRESHOLD_USUAL}.`, { aliases: ['t'] }),
  'pgp-keys': listFlag('Files with the PGP keys to encrypt the shares with, separated by commas.'),
  'root-token-pgp-key': stringFlag('File with the PGP key to encrypt the root token with.'),
  'recovery-shares': intFlag(
    'Into how many shares the recovery key is split, where the server unseals itself.',
    {
      absent: SHARES_USUAL,
    },
  ),
  'recovery-threshold': intFlag('How many of them are needed.', { absent: THRESHOLD_USUAL }),
  'recovery-pgp-keys': listFlag(
    'Files with the PGP keys to encrypt the recovery shares with, separated by commas.',
  ),
} satisfies FlagTable;

type InitRun = Run<typeof flags>;

export const operatorInit = command({
  usage: 'operator init [options]',
  about: `
Initializes a server: it makes its keys, and prints the shares that unseal it and the first root token. This
is the only time they are seen.

    $ vault operator init
    $ vault operator init -key-shares=1 -key-threshold=1 -format=json
    $ vault operator init -n=2 -t=2 -pgp-keys=ada.asc,bob.asc -root-token-pgp-key=ada.asc`,
  flags,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 0);
    const client = await run.client();
    const sealStatus = { method: 'GET', path: 'sys/seal-status', describe: false } as const;
    const seal = await askSealStatus(client, sealStatus).catch((error) => {
      throw remoteFailure(messageOf(error));
    });
    if (run.flags.status) return printInitialized(run, client);
    const request = initRequest(run, seal.get('recovery_seal') === true);
    const asking = client.request({ method: 'PUT', path: 'sys/init', body: encodeJson(request) });
    const reply = await describing('Error initializing', asking);
    const answer = asMap(decodeJson(reply.body.toString('utf8'))) ?? new Map();
    if (run.printer.format !== 'table') return printData(run.printer, initResult(request, answer));
    printForPeople(run, request, answer);
    return 0;
  },
});

async function printInitialized(run: InitRun, client: Client): Promise<number> {
  const reply = await describing(
    'Error checking init status',
    client.request({ method: 'GET', path: 'sys/init' }),
    LOCAL,
  );
  const initialized = asMap(decodeJson(reply.body.toString('utf8')))?.get('initialized') === true;
  if (run.printer.format === 'table') run.terminal.output(`Vault is ${initialized ? '' : 'not '}initialized`);
  else await printData(run.printer, { Initialized: initialized });
  return initialized ? 0 : 2;
}

interface InitRequest extends Record<string, Encodable> {
  secret_shares: number;
  secret_threshold: number;
  recovery_shares: number;
  recovery_threshold: number;
}

/** A server that unseals itself has recovery shares, another one has unseal shares. */
function initRequest({ flags }: InitRun, unsealsItself: boolean): InitRequest {
  return {
    secret_shares: flags['key-shares'] || (unsealsItself ? 0 : SHARES_USUAL),
    secret_threshold: flags['key-threshold'] || (unsealsItself ? 0 : THRESHOLD_USUAL),
    pgp_keys: pgpKeysIn('pgp-keys', flags['pgp-keys']) ?? null,
    recovery_shares: unsealsItself ? flags['recovery-shares'] : 0,
    recovery_threshold: unsealsItself ? flags['recovery-threshold'] : 0,
    recovery_pgp_keys: pgpKeysIn('recovery-pgp-keys', flags['recovery-pgp-keys']) ?? null,
    root_token_pgp_key:
      flags['root-token-pgp-key'] === '' ? '' : pgpKeyIn('root-token-pgp-key', flags['root-token-pgp-key']),
  };
}

/** For machines; the names are those of Vault's command, not those of the API. */
function initResult(request: InitRequest, answer: JsonMap): Encodable {
  const hex = asTexts(answer.get('keys')) ?? [];
  const stored = hex.length === 0;
  return {
    unseal_keys_b64: asTexts(answer.get('keys_base64')) ?? [],
    unseal_keys_hex: hex,
    unseal_shares: stored ? 1 : request.secret_shares,
    unseal_threshold: stored ? 1 : request.secret_threshold,
    recovery_keys_b64: asTexts(answer.get('recovery_keys_base64')) ?? [],
    recovery_keys_hex: asTexts(answer.get('recovery_keys')) ?? [],
    recovery_keys_shares: request.recovery_shares,
    recovery_keys_threshold: request.recovery_threshold,
    root_token: asText(answer.get('root_token')),
  };
}

function printForPeople({ terminal, program }: InitRun, request: InitRequest, answer: JsonMap): void {
  const shares = asTexts(answer.get('keys_base64')) ?? asTexts(answer.get('keys')) ?? [];
  const recovery = asTexts(answer.get('recovery_keys_base64')) ?? asTexts(answer.get('recovery_keys')) ?? [];
  for (const [i, share] of shares.entries()) terminal.output(`Unseal Key ${i + 1}: ${share}`);
  for (const [i, share] of recovery.entries()) terminal.output(`Recovery Key ${i + 1}: ${share}`);
  terminal.output(`\nInitial Root Token: ${asText(answer.get('root_token'))}\n`);
  const threshold = request.secret_threshold;
  if (shares.length === 0) terminal.output('Success! Vault is initialized');
  else {
    const paragraphs = [
      `Vault initialized with ${request.secret_shares} key shares and a key threshold of ${threshold}. Give the ` +
        'shares above to different people, by safe ways. Whenever the server was sealed, restarted or stopped, ' +
        `${threshold} of them are needed before it serves again.`,
      `Nobody keeps the root key. Where fewer than ${threshold} shares are left, what is stored stays sealed for ever.`,
      `A quorum of the shares can make new ones: see "${program} operator rekey".`,
    ];
    terminal.output(paragraphs.map((text) => wrapText(text)).join('\n\n'));
  }
  if (recovery.length > 0) {
    terminal.output(
      `\n${wrapText(
        `Recovery key initialized with ${request.recovery_shares} key shares and a key threshold of ` +
          `${request.recovery_threshold}. Give the shares above to different people, by safe ways.`,
      )}`,
    );
  }
}
