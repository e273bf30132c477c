import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AdmissionRefused,
  type Admitted,
  admitAsDialer,
  admitAsListener,
  type Exchange,
  type OtherSide,
  type OwnSide,
  type Verdict,
} from '../../../src/cluster/transport/admission.ts';
import { type Frame, frame, KINDS } from '../../../src/cluster/transport/frame.ts';
import { proofOf, provenBy, type Transcript } from '../../../src/cluster/transport/proof.ts';

const OLD = Buffer.alloc(32, 1);
const NEW = Buffer.alloc(32, 2);
const BINDING = Buffer.alloc(32, 9);
let drawn = 0;

function side(peer: string, secrets: Uint8Array[], changes: Partial<OwnSide> = {}): OwnSide {
  drawn++;
  return {
    peer,
    speaks: { min: 1, max: 1 },
    instance: Buffer.alloc(16, drawn),
    nonce: Buffer.alloc(32, drawn),
    secrets,
    ...changes,
  };
}

/** Two ends. `between` sees each frame and says what arrives instead. */
function wire(between: (sent: Frame, from: 'dialer' | 'listener') => Frame | undefined = (sent) => sent): {
  dialer: Exchange;
  listener: Exchange;
} {
  const waits = { dialer: [] as Frame[], listener: [] as Frame[] };
  const asks = { dialer: [] as Array<(frame: Frame) => void>, listener: [] as Array<(frame: Frame) => void> };
  const end = (me: 'dialer' | 'listener', other: 'dialer' | 'listener'): Exchange => ({
    send(sent) {
      const arrives = between({ ...sent, payload: Buffer.from(sent.payload) }, me);
      if (!arrives) return;
      const ask = asks[other].shift();
      if (ask) ask(arrives);
      else waits[other].push(arrives);
    },
    next() {
      const came = waits[me].shift();
      return came ? Promise.resolve(came) : new Promise((resolve) => asks[me].push(resolve));
    },
  });
  return { dialer: end('dialer', 'listener'), listener: end('listener', 'dialer') };
}

interface Ends {
  dialer?: OwnSide;
  listener?: OwnSide;
  /** What each end takes the other, and the channel, to be. */
  dialerSees?: { listener?: string; binding?: Uint8Array };
  listenerSees?: { dialer?: string; binding?: Uint8Array };
  judge?: (other: OtherSide) => Verdict;
  between?: (sent: Frame, from: 'dialer' | 'listener') => Frame | undefined;
  again?: boolean;
}

async function meet(ends: Ends): Promise<PromiseSettledResult<Admitted>[]> {
  const { dialer = side('D', [OLD]), listener = side('L', [OLD]) } = ends;
  const { dialerSees = {}, listenerSees = {}, judge = () => 'admitted', between, again = false } = ends;
  const ways = wire(between);
  return Promise.allSettled([
    admitAsDialer(ways.dialer, dialer, dialerSees.listener ?? 'L', dialerSees.binding ?? BINDING, again),
    admitAsListener(
      ways.listener,
      listener,
      listenerSees.dialer ?? 'D',
      listenerSees.binding ?? BINDING,
      judge,
    ),
  ]);
}

function verdictOf(result: PromiseSettledResult<Admitted> | undefined): string {
  if (result?.status === 'fulfilled') return 'admitted';
  const { reason } = result as PromiseRejectedResult;
  return reason instanceof AdmissionRefused
    ? `${reason.verdict}${reason.byPeer ? ' (told)' : ''}`
    : String(reason);
}

async function bothAre(ends: Ends, dialer: string, listener: string): Promise<void> {
  const [d, l] = await meet(ends);
  assert.equal(verdictOf(d), dialer);
  assert.equal(verdictOf(l), listener);
}

test('two with one secret admit each other, and know what the other said', async () => {
  const listener = side('L', [OLD], { speaks: { min: 1, max: 3 } });
  const dialer = side('D', [OLD], { speaks: { min: 2, max: 4 } });
  const [d, l] = await meet({ dialer, listener, again: true });
  assert(d?.status === 'fulfilled' && l?.status === 'fulfilled');
  assert.deepEqual(d.value.speaks, listener.speaks);
  assert.equal(d.value.instance, Buffer.from(listener.instance).toString('hex'));
  assert.deepEqual(l.value.speaks, dialer.speaks);
  assert.equal(l.value.again, true);
  assert.deepEqual(l.value.secret, OLD);
});

test('while the secret is replaced, old and new meet', async () => {
  for (const [ours, theirs] of [
    [[NEW, OLD], [OLD]],
    [[OLD], [NEW, OLD]],
    [
      [NEW, OLD],
      [OLD, NEW],
    ],
    [[NEW, OLD], [NEW]],
  ] as const) {
    await bothAre({ dialer: side('D', [...ours]), listener: side('L', [...theirs]) }, 'admitted', 'admitted');
  }
});

test('no secret, or another one, is told so and nothing more', async () => {
  for (const secrets of [[], [NEW]]) {
    await bothAre({ dialer: side('D', secrets) }, 'wrong_secret (told)', 'wrong_secret');
  }
  // Who has none itself admits nobody, not even another one without.
  await bothAre({ dialer: side('D', []), listener: side('L', []) }, 'wrong_secret (told)', 'wrong_secret');
});

test('a listener that only says so is not believed', async () => {
  for (const length of [1, 20, 33, 300]) {
    const between = (sent: Frame): Frame =>
      sent.kind === KINDS.verdict ? { ...sent, payload: Buffer.alloc(length) } : sent;
    const [d] = await meet({ listener: side('L', [NEW]), between });
    assert.equal(verdictOf(d), 'wrong_secret');
  }
});

test('relayed between two connections it proves nothing', async () => {
  const other = Buffer.alloc(32, 8);
  await bothAre({ listenerSees: { binding: other } }, 'wrong_secret (told)', 'wrong_secret');
  // The one between shows each end its own name.
  await bothAre({ listenerSees: { dialer: 'M' } }, 'wrong_secret (told)', 'wrong_secret');
  await bothAre({ dialerSees: { listener: 'M' } }, 'wrong_secret (told)', 'wrong_secret');
});

test('each byte of either hello is under the proofs', async () => {
  for (const from of ['dialer', 'listener'] as const) {
    for (const at of [4, 20, 40, 52]) {
      const between = (sent: Frame, by: string): Frame => {
        if (sent.kind === KINDS.hello && by === from) sent.payload[at]! ^= 1;
        return sent;
      };
      await bothAre({ between }, 'wrong_secret (told)', 'wrong_secret');
    }
  }
});

test('a hello of a later version may be longer; the proofs cover it whole', async () => {
  const longer = (sent: Frame): Frame =>
    sent.kind === KINDS.hello ? { ...sent, payload: Buffer.concat([sent.payload, Buffer.of(1)]) } : sent;
  await bothAre({ between: longer }, 'wrong_secret (told)', 'wrong_secret');
});

test('the proof of one role, connection or admission does not fit another', () => {
  const transcript: Transcript = {
    binding: BINDING,
    dialer: 'D',
    listener: 'L',
    dialerHello: Buffer.from('d'),
    listenerHello: Buffer.from('l'),
  };
  const proof = proofOf(OLD, 'dialer', transcript);
  assert.equal(provenBy([NEW, OLD], proof, 'dialer', transcript), OLD);
  assert.equal(provenBy([OLD], proof, 'listener', transcript), undefined, 'reflected');
  assert.equal(provenBy([OLD], proof.subarray(0, 31), 'dialer', transcript), undefined);
  assert.equal(provenBy([OLD], Buffer.concat([Buffer.of(0), proof]), 'dialer', transcript), undefined);
  for (const change of [
    { binding: Buffer.alloc(32, 1) },
    { dialer: 'L', listener: 'D' },
    { dialer: 'DL', listener: '' },
    { dialerHello: Buffer.from('dl'), listenerHello: Buffer.alloc(0) },
  ]) {
    assert.equal(provenBy([OLD], proof, 'dialer', { ...transcript, ...change }), undefined);
  }
});

test('the judge is asked only about who has proven the secret, and its word is the verdict', async () => {
  const judged: string[] = [];
  await bothAre(
    { dialer: side('D', [NEW]), judge: () => assert.fail('asked about a stranger') },
    'wrong_secret (told)',
    'wrong_secret',
  );
  for (const verdict of ['barred', 'awaits_approval', 'duplicate'] as const) {
    await bothAre(
      {
        judge: ({ instance }) => {
          judged.push(instance);
          return verdict;
        },
      },
      `${verdict} (told)`,
      verdict,
    );
  }
  assert.equal(judged.length, 3);
});

test('without a common version both say so', async () => {
  const listener = side('L', [OLD], { speaks: { min: 3, max: 5 } });
  const dialer = side('D', [OLD], { speaks: { min: 1, max: 2 } });
  const ways = wire();
  const listening = admitAsListener(ways.listener, listener, 'D', BINDING, () => 'admitted');
  await assert.rejects(admitAsDialer(ways.dialer, dialer, 'L', BINDING, false), /no common protocol/);
  // An honest dialer hangs up here; one that goes on is told.
  ways.dialer.send(frame(1, KINDS.proof, 0, Buffer.alloc(32)));
  await assert.rejects(listening, /wrong secret/);
});

test('messages out of turn, of another kind, too short or flagged end it', async () => {
  const bad: Array<(sent: Frame) => Frame> = [
    (sent) => ({ ...sent, kind: KINDS.request }),
    (sent) => ({ ...sent, kind: 99 }),
    (sent) => ({ ...sent, flags: 1 }),
    (sent) => ({ ...sent, payload: sent.payload.subarray(0, 52) }),
  ];
  for (const change of bad) {
    const ways = wire((sent, from) => (from === 'dialer' ? change(sent) : sent));
    void admitAsDialer(ways.dialer, side('D', [OLD]), 'L', BINDING, false).catch(() => {});
    await assert.rejects(admitAsListener(ways.listener, side('L', [OLD]), 'D', BINDING, () => 'admitted'));
  }
});
