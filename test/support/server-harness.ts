/** Owns the harness of the server session tests: an owner that takes notes, clients in each role, expected replies. */
import assert from 'node:assert/strict';

import type { SrsError } from '../../src/core/errors';
import type { AmfObject } from '../../src/rtmp/amf0-value';
import type { MessageHeader } from '../../src/rtmp/message';
import type { RtmpRequest } from '../../src/rtmp/request';
import { defaultServerSessionOptions } from '../../src/rtmp/server-handler';
import { ServerSession } from '../../src/rtmp/server-session';
import type { ServerSessionHandler } from '../../src/rtmp/server-session';

import { FakeTransport } from './fakes/fake-transport';
import { command, connectCommand, HANDSHAKE, ReplyReader, REPLY_SIZE } from './rtmp-peer';
import type { Received } from './rtmp-peer';
import { pushLent } from './split';

export const identity = { serverIp: '10.0.0.1', pid: 7, contextId: 100 };

/** A session with an owner that grants everything at once unless told otherwise, and notes what it hears. */
export class ServerHarness implements ServerSessionHandler {
  readonly transport = new FakeTransport();
  readonly events: string[] = [];
  readonly session: ServerSession;
  decides = true;
  private readonly replies = new ReplyReader();

  constructor(maxSuspendedBytes = 1000) {
    this.session = new ServerSession(this.transport, this, {
      ...defaultServerSessionOptions,
      maxSuspendedBytes,
    });
  }

  onConnect(request: RtmpRequest): void {
    this.events.push(`connect ${request.vhost} ${request.app}`);
    if (this.decides) this.session.acceptConnect(identity);
  }
  onPublish(request: RtmpRequest, style: string): void {
    this.events.push(`publish ${request.stream}${request.streamParam} ${style}`);
    if (this.decides) this.session.acceptPublish();
  }
  onPlay(request: RtmpRequest): void {
    this.events.push(`play ${request.stream} ${request.duration}`);
    if (this.decides) this.session.acceptPlay();
  }
  onMedia(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const hex = Buffer.from(payload.subarray(start, end)).toString('hex');
    this.events.push(`media ${header.type} ${header.timestamp} ${hex}`);
  }
  onMetadata(_header: MessageHeader, name: string, value: AmfObject): void {
    this.events.push(`metadata ${name} ${value.entries.size}`);
  }
  onDataMessage(_header: MessageHeader, _payload: Uint8Array, start: number, end: number): void {
    this.events.push(`data ${end - start}`);
  }
  onPause(paused: boolean): void {
    this.events.push(`pause ${paused}`);
  }
  onUnpublish(): void {
    this.events.push('unpublish');
  }
  onPlayClosed(): void {
    this.events.push('play closed');
  }
  onRefused(error: SrsError): void {
    this.events.push(`refused ${error.code}`);
  }
  onIgnored(error: SrsError): void {
    this.events.push(`ignored ${error.code}`);
  }
  onBandwidth(packet: { name: string }): void {
    this.events.push(packet.name);
  }

  push(...parts: Buffer[]): Received[] {
    pushLent(parts, (slab, start, end) => {
      this.session.push(slab, start, end);
    });
    return this.replies.read(this.transport.take());
  }

  /** Handshake and connect; forgets what happened. */
  connected(): this {
    this.pushHandshake();
    this.push(connectCommand());
    this.events.length = 0;
    return this;
  }

  pushHandshake(): void {
    this.session.push(HANDSHAKE, 0, HANDSHAKE.length);
    assert.equal(this.transport.take().length, REPLY_SIZE);
  }
}

export function publisher(): ServerHarness {
  const harness = new ServerHarness().connected();
  harness.push(command(0, 'FCPublish', 3, null, 'a'), command(1, 'publish', 0, null, 'a'));
  harness.events.length = 0;
  return harness;
}

export function flashPublisher(): ServerHarness {
  const harness = new ServerHarness().connected();
  harness.push(command(0, 'createStream', 2, null), command(1, 'publish', 0, null, 'a'));
  harness.events.length = 0;
  return harness;
}

export function player(): ServerHarness {
  const harness = new ServerHarness().connected();
  harness.push(command(0, 'createStream', 2, null), command(1, 'play', 0, null, 'a'));
  harness.events.length = 0;
  return harness;
}

export const clientid = 'ASAICiss';
export function status(code: string, description: string, more: object = { clientid }): Received {
  return [20, 1, 'onStatus', 0, null, { level: 'status', code, description, ...more }];
}
export const publishStart = status('NetStream.Publish.Start', 'Started publishing stream.');
export const fcPublish: Received = [
  20,
  1,
  'onFCPublish',
  0,
  null,
  { code: 'NetStream.Publish.Start', description: 'Started publishing stream.' },
];
/** What the statuses of play carry besides. */
export const detailed = { details: 'stream', clientid };
export const playReplies: Received[] = [
  [4, 0, '000000000001'],
  status('NetStream.Play.Reset', 'Playing and resetting stream.', detailed),
  status('NetStream.Play.Start', 'Started playing stream.', detailed),
  [18, 1, '|RtmpSampleAccess', true, true],
  [18, 1, 'onStatus', { code: 'NetStream.Data.Start' }],
];

export function result(tid: number, value: unknown, streamId = 0): Received {
  return [20, streamId, '_result', tid, null, value];
}
