/** Owns a client session whose owner takes notes, over a wire that the test holds. */
import type { SrsError } from '../../src/core/errors';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { ClientSession } from '../../src/rtmp/client-session';
import type { ClientSessionHandler, ClientSessionOptions } from '../../src/rtmp/client-session';
import type { MessageHeader } from '../../src/rtmp/message';
import type { ConnectInfo } from '../../src/rtmp/packets/connect';
import type { StatusPacket } from '../../src/rtmp/packets/status';

import { FakeTransport } from './fakes/fake-transport';
import { command, HANDSHAKE } from './rtmp-peer';
import { pushLent } from './split';

/** The session, and what was told of it: `events`. */
export class NotingClient implements ClientSessionHandler {
  readonly transport = new FakeTransport();
  readonly events: string[] = [];
  readonly session: ClientSession;
  onConnectedHook: (() => void) | undefined;
  onMediaHook: (() => void) | undefined;

  constructor(options: Partial<ClientSessionOptions> = {}) {
    this.session = new ClientSession(this.transport, this, {
      app: 'live',
      tcUrl: 'rtmp://host/live',
      ...options,
    });
  }

  onConnected(info: ConnectInfo): void {
    this.events.push(`connected ${info.server} ${info.serverIp} ${info.pid} ${info.contextId}`);
    this.onConnectedHook?.();
  }
  onPublishing(): void {
    this.events.push('publishing');
  }
  onPlaying(): void {
    this.events.push('playing');
  }
  onStatus(status: StatusPacket): void {
    this.events.push(status.code);
  }
  onError(error: SrsError, info: AmfObject | undefined): void {
    this.events.push(`error ${error.code} ${error.message} ${info?.string('level') ?? ''}`);
  }
  onMedia(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const hex = Buffer.from(payload.subarray(start, end)).toString('hex');
    this.events.push(`media ${header.type} ${header.timestamp} ${hex}`);
    this.onMediaHook?.();
  }
  onMetadata(_header: MessageHeader, name: string, value: AmfObject): void {
    this.events.push(`metadata ${name} ${value.entries.size}`);
  }
  onDataMessage(_header: MessageHeader, _payload: Uint8Array, start: number, end: number): void {
    this.events.push(`data ${end - start}`);
  }
  onPong(): void {
    this.events.push('pong');
  }
  onIgnored(error: SrsError): void {
    this.events.push(`ignored ${error.code}`);
  }

  push(...parts: Buffer[]): void {
    pushLent(parts, (slab, start, end) => {
      this.session.push(slab, start, end);
    });
  }

  /** Answers its connect by hand; forgets what happened. */
  connected(): this {
    this.session.start();
    this.push(HANDSHAKE);
    this.push(command(0, '_result', 1, null, new AmfObject()));
    this.transport.take();
    this.events.length = 0;
    return this;
  }
}
