import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { AmfObject } from '../../../src/rtmp/amf0-value';
import type { AmfValue } from '../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../src/rtmp/amf0-writer';
import { decodePacket } from '../../../src/rtmp/packet-codec';
import type { Packet } from '../../../src/rtmp/packet-codec';
import { encodeBandwidth } from '../../../src/rtmp/packets/bandwidth';
import { encodePause, encodePlay } from '../../../src/rtmp/packets/play';
import { encodePublish } from '../../../src/rtmp/packets/publish';
import { encodeDeleteStream, encodeFmle } from '../../../src/rtmp/packets/stream';

function decode(...values: AmfValue[]): Packet {
  const payload = encodeAmf0(...values);
  return decodePacket(20, payload, 0, payload.length);
}

function decodeMessage(message: { type: number; payload: Uint8Array }): Packet {
  return decodePacket(message.type, message.payload, 0, message.payload.length);
}

const info = AmfObject.of({ level: 'error', code: 'X', description: 'why' });
const packets: readonly (readonly [string, AmfValue[], Packet])[] = [
  ['createStream', ['createStream', 2, null], { kind: 'createStream', transactionId: 2 }],
  ['closeStream', ['closeStream', 0, null], { kind: 'closeStream', transactionId: 0 }],
  [
    'releaseStream',
    ['releaseStream', 2, null, 'a'],
    { kind: 'fmle', name: 'releaseStream', transactionId: 2, stream: 'a' },
  ],
  [
    'FCUnpublish with an object for null and no name',
    ['FCUnpublish', 5, new AmfObject()],
    { kind: 'fmle', name: 'FCUnpublish', transactionId: 5, stream: '' },
  ],
  [
    'deleteStream',
    ['deleteStream', 7, null, 1],
    { kind: 'deleteStream', transactionId: 7, streamId: 1 },
  ],
  [
    'publish',
    ['publish', 5, null, 'a', 'record'],
    { kind: 'publish', stream: 'a', type: 'record' },
  ],
  [
    'publish without type',
    ['publish', 5, null, 'a', ''],
    { kind: 'publish', stream: 'a', type: 'live' },
  ],
  [
    'play with defaults',
    ['play', 0, null, 'a'],
    { kind: 'play', stream: 'a', start: -2, duration: -1, reset: true },
  ],
  [
    'play with all',
    ['play', 0, null, 'a', 0, 5000, 0],
    { kind: 'play', stream: 'a', start: 0, duration: 5000, reset: false },
  ],
  [
    'play with odd types',
    ['play', 0, null, 'a', null, 'x', 'y'],
    { kind: 'play', stream: 'a', start: -2, duration: -1, reset: true },
  ],
  [
    'play with a boolean reset',
    ['play', 0, null, 'a', -1, -1, false],
    { kind: 'play', stream: 'a', start: -1, duration: -1, reset: false },
  ],
  ['pause', ['pause', 0, null, true, 10], { kind: 'pause', isPaused: true, timeMs: 10 }],
  ['unpause by number', ['pause', 0, null, 0], { kind: 'pause', isPaused: false, timeMs: 0 }],
  [
    'onStatus',
    ['onStatus', 0, null, info],
    { kind: 'status', name: 'onStatus', level: 'error', code: 'X', description: 'why', info },
  ],
  [
    'onFCPublish without info',
    ['onFCPublish', 0, null],
    { kind: 'status', name: 'onFCPublish', level: '', code: '', description: '', info: undefined },
  ],
  [
    '_error',
    ['_error', 1, null, info],
    {
      kind: 'response',
      isError: true,
      command: { name: '_error', transactionId: 1, object: null, args: [info] },
    },
  ],
  [
    'a bandwidth step',
    ['onSrsBandCheckFinished', 0, null, info],
    { kind: 'bandwidth', name: 'onSrsBandCheckFinished', data: info },
  ],
  [
    'a bandwidth step that only fills the line',
    ['onSrsBandCheckPlaying', 0, null, info],
    { kind: 'bandwidth', name: 'onSrsBandCheckPlaying', data: undefined },
  ],
  [
    'any other command, its head cut short',
    ['foo'],
    { kind: 'call', command: { name: 'foo', transactionId: 0, object: null, args: [] } },
  ],
  [
    'a transaction id of another type',
    ['foo', 'x', null, 1],
    { kind: 'call', command: { name: 'foo', transactionId: 0, object: null, args: [1] } },
  ],
];

describe('decodePacket', () => {
  it('reads a thousand values of a command, and no more', () => {
    const values = (count: number): AmfValue[] => Array.from({ length: count }, () => null);
    const few = decode('connect', 1, new AmfObject(), AmfObject.of({ list: values(1000) }));
    assert.ok(few.kind === 'connect' && few.args !== undefined);
    const many = decode('connect', 1, new AmfObject(), AmfObject.of({ list: values(1024) }));
    assert.ok(many.kind === 'connect' && many.args === undefined);
    assert.throws(() => decode('connect', 1, AmfObject.of({ list: values(1024) })), SrsError);
  });

  for (const [name, values, packet] of packets) {
    it(`decodes ${name}`, () => {
      assert.deepEqual(decode(...values), packet);
    });
  }

  it('decodes connect with its arguments', () => {
    const object = AmfObject.of({ app: 'live' });
    assert.deepEqual(decode('connect', 1, object, info), {
      kind: 'connect',
      transactionId: 1,
      object,
      args: info,
    });
    assert.deepEqual(decode('connect', 1, object, 'dropped'), {
      kind: 'connect',
      transactionId: 1,
      object,
      args: undefined,
    });
  });

  it('refuses a connect without command object', () => {
    assert.throws(
      () => decode('connect', 1, null),
      (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_AMF0_DECODE,
    );
  });

  it('refuses a command without a name', () => {
    assert.throws(() => decode(5), SrsError);
  });

  it('skips the first byte of the AMF3 envelope, whatever it is', () => {
    for (const first of [0, 0x11]) {
      const payload = Buffer.concat([Buffer.of(first), encodeAmf0('createStream', 2, null)]);
      const packet = decodePacket(17, payload, 0, payload.length);
      assert.deepEqual(packet, { kind: 'createStream', transactionId: 2 });
    }
  });

  it('lets arguments end where they cannot be read', () => {
    const payload = Buffer.concat([encodeAmf0('play', 0, null, 'a'), Buffer.of(0x11, 1, 2)]);
    const packet = decodePacket(20, payload, 0, payload.length);
    assert.equal(packet.kind === 'play' && packet.stream, 'a');
  });

  it('decodes what the client role encodes', () => {
    const kinds = [
      encodeFmle('FCPublish', 3, 'a'),
      encodeDeleteStream(1),
      encodePublish(1, 'a'),
      encodePlay(1, 'a'),
      encodePause(1, true, 5),
      encodeBandwidth('finalClientPacket', {}),
    ].map((message) => decodeMessage(message).kind);
    assert.deepEqual(kinds, ['fmle', 'deleteStream', 'publish', 'play', 'pause', 'bandwidth']);
    const limited = decodeMessage(encodePlay(1, 'a', 3000));
    assert.equal(limited.kind === 'play' && limited.duration, 3000);
  });
});
