/**
 * `operator generate-root`.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import type { JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, type FlagTable, stringFlag } from '../flags.ts';
import { decodeJson, encodeJson } from '../go-json.ts';
import { display, wrapText } from '../go-text.ts';
import { stdinReader } from '../key-values.ts';
import { printData } from '../output.ts';
import { pgpKeyIn } from '../pgp-files.ts';
import { asMap, asText } from '../secret.ts';
import { nonceFlag, shareFrom } from '../share-input.ts';
import { columns } from '../table.ts';

const ATTEMPT = 'sys/generate-root/attempt';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Where the server does not say. */
const OTP_CHARS = 28;

const flags = {
  init: boolFlag('Begin to generate a root token.'),
  cancel: boolFlag('End it, and forget the shares that were given. Needs -nonce, or a token that may.'),
  status: boolFlag('Show how far it is.'),
  decode: stringFlag('Decode this encoded token, with -otp. "-": the token is read from standard input.'),
  'generate-otp': boolFlag('Draw a one-time password (OTP) for -init, and print it.'),
  otp: stringFlag('One-time password for -init or -decode.'),
  'pgp-key': stringFlag('File with the public PGP key to encrypt the token with, instead of an OTP.'),
  ...nonceFlag,
} satisfies FlagTable;

type RootRun = Run<typeof flags>;

export const operatorGenerateRoot = command({
  usage: 'operator generate-root [options] [KEY]',
  about: `
Makes a new root token, for which enough holders of shares have to give theirs. The token comes XORed with
a one-time password (OTP), or encrypted to a PGP key. Without KEY the share is asked for, which keeps it out
of the shell's history; "-" reads it from standard input.

    $ vault operator generate-root -init
    $ vault operator generate-root
    $ vault operator generate-root -decode=ENCODED -otp=OTP`,
  flags,
  output: { format: true },
  async run(run) {
    const { args, flags } = run;
    expectArguments(args, 0, 1);
    if (flags.decode !== '') return decode(run);
    const client = await run.client();
    if (flags['generate-otp']) return drawOtp(run, client);
    if (flags.cancel) return cancel(run, client);
    if (flags.init) return init(run, client);
    if (flags.status) return show(run, await status(client));
    return provide(run, client);
  },
});

async function asked(client: Client, method: 'GET' | 'PUT', path: string, body?: string): Promise<JsonMap> {
  const reply = await client.request({ method, path, body });
  return asMap(decodeJson(reply.body.toString('utf8'))) ?? new Map();
}

function status(client: Client): Promise<JsonMap> {
  return describing('Error getting root generation status', asked(client, 'GET', ATTEMPT));
}

async function drawOtp({ printer, terminal }: RootRun, client: Client): Promise<number> {
  const length = Number(display((await status(client)).get('otp_length') ?? '0')) || OTP_CHARS;
  const otp = Array.from({ length }, () => BASE62[randomInt(BASE62.length)]).join('');
  if (printer.format !== 'table') return printData(printer, { otp, otp_length: length });
  terminal.raw(otp);
  return 0;
}

/** Nothing is asked of the server. */
async function decode({ flags, printer, terminal }: RootRun): Promise<number> {
  if (flags.otp === '') throw localFailure('Missing otp: use -otp to supply it');
  const fromStdin = () => stdinReader(terminal.streams.stdin, flags['non-interactive'])();
  const encoded = (flags.decode === '-' ? await fromStdin() : flags.decode).trim();
  if (encoded === '')
    throw localFailure('Missing encoded value. When using -decode="-" value must be passed via stdin.');
  const bare = encoded.replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(bare))
    throw localFailure('Error decoding root token: the encoded token is not base64');
  const [bytes, otp] = [Buffer.from(bare, 'base64'), Buffer.from(flags.otp)];
  if (bytes.length !== otp.length) {
    throw localFailure(
      'Error decoding root token: error xoring token: length of byte slices is not equivalent: ' +
        `${bytes.length} != ${otp.length}`,
    );
  }
  const token = Buffer.from(bytes.map((byte, i) => byte ^ otp[i]!)).toString('utf8');
  if (printer.format !== 'table') return printData(printer, { token });
  terminal.raw(token);
  return 0;
}

async function cancel({ flags, terminal }: RootRun, client: Client): Promise<number> {
  const body = flags.nonce === '' ? undefined : encodeJson({ nonce: flags.nonce });
  await describing(
    'Error canceling root token generation',
    client.request({ method: 'DELETE', path: ATTEMPT, body }),
  );
  terminal.output('Success! Root token generation canceled (if it was started)');
  return 0;
}

async function init(run: RootRun, client: Client): Promise<number> {
  const { otp, 'pgp-key': file } = run.flags;
  if (otp !== '' && file !== '')
    throw localFailure('Error initializing: cannot specify both -otp and -pgp-key');
  const body = encodeJson({ otp, pgp_key: file === '' ? '' : pgpKeyIn('pgp-key', file) });
  const begun = await describing('Error initializing root generation', asked(client, 'PUT', ATTEMPT, body));
  return show(run, begun);
}

async function provide(run: RootRun, client: Client): Promise<number> {
  const now = await status(client);
  if (now.get('started') !== true) {
    const { terminal, program } = run;
    terminal.error(
      wrapText(
        `No root generation is in progress. Start a root generation by running "${program} operator generate-root -init".`,
      ),
    );
    terminal.warn(
      wrapText(`An OTP of your own has to have ${display(now.get('otp_length') ?? '0')} characters.`),
    );
    return 1;
  }
  const nonce = asText(now.get('nonce'));
  const share = await shareFrom(run, { nonce, title: 'Operation nonce', kind: 'Unseal' });
  const posted = asked(client, 'PUT', 'sys/generate-root/update', encodeJson({ ...share }));
  return show(run, await describing('Error posting unseal key', posted));
}

/** Members, and their order, are those of Vault's command. */
function show({ printer, terminal }: RootRun, now: JsonMap): Promise<number> | number {
  const members = [
    'nonce',
    'started',
    'progress',
    'required',
    'complete',
    'encoded_token',
    'encoded_root_token',
  ];
  if (printer.format !== 'table') {
    const names = [...members, 'pgp_fingerprint', 'otp', 'otp_length'];
    return printData(printer, Object.fromEntries(names.map((name) => [name, now.get(name)])));
  }
  const text = (name: string) => display(now.get(name) ?? '');
  const rows = [
    ['Nonce', text('nonce')],
    ['Started', text('started')],
    ['Progress', `${text('progress')}/${text('required')}`],
    ['Complete', text('complete')],
  ];
  const optional = (title: string, name: string) => {
    const value = text(name);
    if (value !== '' && value !== '0') rows.push([title, value]);
    return value !== '';
  };
  optional('PGP Fingerprint', 'pgp_fingerprint');
  if (!optional('Encoded Token', 'encoded_token')) optional('Encoded Root Token', 'encoded_root_token');
  if (text('otp') !== '')
    terminal.warn(
      wrapText(
        'A one-time password was drawn for you: the value of OTP below. Keep it, since the root token cannot be decoded without it.',
      ),
    );
  optional('OTP', 'otp');
  optional('OTP Length', 'otp_length');
  terminal.output(columns(rows));
  return 0;
}
