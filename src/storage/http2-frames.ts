/**
 * HTTP/2's frames (RFC 9113 §4 and §6), as a client makes and reads them.
 *
 * @module
 */
export const FRAME_HEAD_BYTES = 9;
/** What either side may send in one frame, unless it was told that more is good; we tell nobody. */
export const FRAME_BYTES_DEFAULT = 16_384;
export const WINDOW_BYTES_DEFAULT = 65_535;
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;
/** What a client's bytes begin with. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

/** Flags; ACK is that of settings and pings. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
const PADDED = 0x8;
const WITH_PRIORITY = 0x20;
const PRIORITY_BYTES = 5;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;
const SETTING_BYTES = 6;

export const ERROR = { protocol: 1, flowControl: 3, frameSize: 6, refusedStream: 7, cancel: 8 } as const;

/** What the other side does that HTTP/2 does not allow. `code` is HTTP/2's. */
export class ProtocolError extends Error {
  readonly code: number;
  constructor(message: string, code: number = ERROR.protocol) {
    super(message);
    this.code = code;
  }
}

/** @param at - where in `into`. */
export function putFrameHead(
  into: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  into.writeUIntBE(length, at, 3);
  into[at + 3] = type;
  into[at + 4] = flags;
  into.writeUInt32BE(stream, at + 5);
}

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  putFrameHead(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

/** For RST_STREAM, WINDOW_UPDATE, and what GOAWAY has twice. */
export function uint32(...numbers: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index);
  return bytes;
}

export function settings(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(SETTING_BYTES * values.length);
  for (const [index, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, SETTING_BYTES * index);
    payload.writeUInt32BE(value, SETTING_BYTES * index + 2);
  }
  return frame(SETTINGS, 0, 0, payload);
}

/** What a client begins with: no pushes, no dynamic table of headers, and what the server may send before it is read. */
export function greeting(streamWindow: number, connectionWindow: number): Buffer {
  const own = settings([
    [SETTING.headerTableSize, 0],
    [SETTING.enablePush, 0],
    [SETTING.initialWindowSize, streamWindow],
  ]);
  const more = frame(WINDOW_UPDATE, 0, 0, uint32(connectionWindow - WINDOW_BYTES_DEFAULT));
  return Buffer.concat([PREFACE, own, more]);
}

/** @throws ProtocolError */
export function readSettings(payload: Buffer): [id: number, value: number][] {
  if (payload.length % SETTING_BYTES !== 0) throw new ProtocolError('settings are cut', ERROR.frameSize);
  const values: [number, number][] = [];
  for (let at = 0; at < payload.length; at += SETTING_BYTES) {
    values.push([payload.readUInt16BE(at), payload.readUInt32BE(at + 2)]);
  }
  return values;
}

/** What is in a DATA or HEADERS frame but for padding and priority. @throws ProtocolError */
export function contentOf(type: number, flags: number, payload: Buffer): Buffer {
  let from = 0;
  let to = payload.length;
  if (flags & PADDED) {
    to -= payload[0] ?? 0;
    from = 1;
  }
  if (type === HEADERS && flags & WITH_PRIORITY) from += PRIORITY_BYTES;
  if (from > to) throw new ProtocolError('a frame has more padding than bytes');
  return payload.subarray(from, to);
}

/** One frame, whole. `payload` shares the memory of what was read. */
export type Heard = (type: number, flags: number, stream: number, payload: Buffer) => void;

/**
 * Takes what comes in, in any pieces.
 * @throws ProtocolError for a frame that is too long; what `heard` throws.
 */
export function makeFrameReader(heard: Heard): (chunk: Buffer) => void {
  /** The beginning of a frame whose end has not come yet, and how many bytes that are. */
  let begun: Buffer[] = [];
  let bytes = 0;
  /** How many are needed before it makes sense to look again. */
  let wanted = FRAME_HEAD_BYTES;
  return (chunk) => {
    bytes += chunk.length;
    begun.push(chunk);
    if (bytes < wanted) return;
    const all = begun.length === 1 ? chunk : Buffer.concat(begun, bytes);
    let at = 0;
    wanted = FRAME_HEAD_BYTES;
    while (all.length - at >= FRAME_HEAD_BYTES) {
      const length = all.readUIntBE(at, 3);
      if (length > FRAME_BYTES_DEFAULT) throw new ProtocolError('a frame is too long', ERROR.frameSize);
      const end = at + FRAME_HEAD_BYTES + length;
      if (end > all.length) {
        wanted = end - at;
        break;
      }
      // The highest bit of the stream's number is reserved.
      const stream = all.readUInt32BE(at + 5) & WINDOW_BYTES_MAX;
      heard(all[at + 3]!, all[at + 4]!, stream, all.subarray(at + FRAME_HEAD_BYTES, end));
      at = end;
    }
    bytes = all.length - at;
    begun = bytes === 0 ? [] : [all.subarray(at)];
  };
}
