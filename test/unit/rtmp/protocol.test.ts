import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import type { MessageHeader } from '../../../src/rtmp/message';
import type { Packet } from '../../../src/rtmp/packet-codec';
import { Protocol } from '../../../src/rtmp/protocol';
import { FakeTransport } from '../../support/fakes/fake-transport';

import { bytesOf } from './chunk.cases';

class Harness {
  readonly transport = new FakeTransport();
  readonly protocol = new Protocol(this.transport, this);
  readonly packets: Packet[] = [];
  readonly types: number[] = [];
  readonly undecodable: SrsError[] = [];
  onPacket(packet: Packet): void {
    this.packets.push(packet);
  }
  onMessage(header: MessageHeader): void {
    this.types.push(header.type);
  }
  onUndecodable(error: SrsError): void {
    this.undecodable.push(error);
  }
  push(hex: string): void {
    const bytes = bytesOf(hex);
    this.protocol.push(bytes, 0, bytes.length);
  }
  sent(): string {
    return this.transport.take().toString('hex');
  }
}

/** A message with sid 0 on chunk stream 2. */
function control(type: string, payload: string): string {
  const length = (payload.length / 2).toString(16).padStart(6, '0');
  return `02 000000 ${length} ${type} 00000000 ${payload}`;
}

describe('Protocol', () => {
  it('answers a ping with the same data', () => {
    const harness = new Harness();
    harness.push(control('04', '000601020304'));
    assert.equal(harness.sent(), '0200000000000604000000000007' + '01020304');
  });

  it('takes no notice of other events, short ones included', () => {
    const harness = new Harness();
    for (const payload of ['000000000001', '001a0102', '0003000000010000', '000701020304']) {
      harness.push(control('04', payload));
    }
    assert.equal(harness.sent(), '');
  });

  it('acknowledges when more than a window of bytes came, the handshake included', () => {
    const harness = new Harness();
    harness.protocol.countReceived(3073);
    harness.push(control('05', '00000064'));
    assert.equal(harness.sent(), '');
    harness.protocol.countReceived(20);
    assert.equal(harness.sent(), '02000000000004030000000000000c15');
    harness.protocol.countReceived(100);
    assert.equal(harness.sent(), '');
    harness.protocol.countReceived(1);
    assert.equal(harness.sent(), '02000000000004030000000000000c7a');
  });

  it('never acknowledges without a window, and keeps the window when told 0 or less', () => {
    const harness = new Harness();
    harness.protocol.countReceived(1e9);
    assert.equal(harness.sent(), '');
    harness.push(control('05', '00000064') + control('05', '00000000') + control('05', 'ffffffff'));
    harness.protocol.countReceived(0);
    assert.notEqual(harness.sent(), '');
  });

  it('applies the chunk size of the peer', () => {
    const harness = new Harness();
    harness.push(control('01', '00000001'));
    harness.push('03 000000 000002 09 00000000 01 c3 02');
    assert.deepEqual(harness.types, [9]);
  });

  it('drops an aborted message', () => {
    const harness = new Harness();
    harness.push(control('01', '00000004'));
    harness.push(`03 000000 000005 09 00000000 01020304`);
    harness.push(control('02', '00000003'));
    harness.push('03 000000 000001 08 00000000 01');
    assert.deepEqual(harness.types, [8]);
  });

  it('refuses control messages that are too short', () => {
    for (const type of ['01', '02', '05']) {
      assert.throws(
        () => {
          new Harness().push(control(type, '000001'));
        },
        (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_MESSAGE_DECODE,
      );
    }
  });

  it('hands over media, data and aggregates, and drops the rest', () => {
    const harness = new Harness();
    for (const type of ['03', '06', '07', '08', '09', '0f', '10', '12', '13', '16', '63']) {
      harness.push(control(type, '00000000'));
    }
    assert.deepEqual(harness.types, [8, 9, 15, 18, 22]);
  });

  it('reports commands that cannot be decoded and goes on', () => {
    const harness = new Harness();
    harness.push(control('14', '05'));
    harness.push(control('14', '020003666f6f'));
    assert.equal(harness.undecodable.length, 1);
    assert.equal(harness.packets[0]?.kind, 'call');
  });

  it('tells a new outgoing chunk size, then uses it, and does not repeat it', () => {
    const harness = new Harness();
    harness.protocol.setOutChunkSize(1);
    harness.protocol.setOutChunkSize(1);
    assert.equal(harness.protocol.outChunkSize, 1);
    const header = { type: 8, timestamp: 0, streamId: 1, chunkStreamId: 7 };
    harness.protocol.sendPayload(header, bytesOf('aabb'), 0, 2);
    assert.equal(
      harness.sent(),
      '02000000000004010000000000000001' + '070000000000020801000000aac7bb',
    );
  });

  it('remembers a transaction until its reply', () => {
    const { protocol } = new Harness();
    assert.equal(protocol.takeTransaction(1), undefined);
    protocol.remember(1, 'connect');
    assert.equal(protocol.takeTransaction(1), 'connect');
    assert.equal(protocol.takeTransaction(1), undefined);
  });
});
