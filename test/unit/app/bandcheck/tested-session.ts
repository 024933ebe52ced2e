/** The server's side of a check over a line: a session that is measured as soon as its client connects. */
import type { Refusal } from '../../../../src/app/access/access';
import type { ServerTest } from '../../../../src/app/bandcheck/server-test';
import type { BandcheckClient, BandcheckService } from '../../../../src/app/bandcheck/service';
import type { SrsError } from '../../../../src/core/errors';
import type { SocketHandler } from '../../../../src/net/socket';
import type { BandwidthPacket } from '../../../../src/rtmp/packets/bandwidth';
import type { RtmpRequest } from '../../../../src/rtmp/request';
import { ServerSession } from '../../../../src/rtmp/server-session';
import type { ServerSessionHandler } from '../../../../src/rtmp/server-session';
import type { LineEnd } from '../../../support/fakes/fake-line';
import { identity } from '../../../support/server-harness';

export class TestedSession implements SocketHandler, ServerSessionHandler, BandcheckClient {
  readonly lines: string[] = [];
  readonly socket: LineEnd;
  readonly session: ServerSession;
  failure: SrsError | undefined;
  readonly log = {
    trace: (line: string): void => {
      this.lines.push(line);
    },
  };
  readonly #service: BandcheckService;
  readonly #limitKbps: number;
  #test: ServerTest | undefined;

  constructor(socket: LineEnd, service: BandcheckService, limitKbps: number) {
    this.socket = socket;
    this.#service = service;
    this.#limitKbps = limitKbps;
    this.session = new ServerSession(socket, this);
    socket.handler = this;
  }

  get request(): RtmpRequest {
    return this.session.request;
  }

  onData(slab: Buffer, start: number, end: number): void {
    this.session.push(slab, start, end);
  }

  onDrain(): void {
    this.#test?.onDrain();
  }

  onClose(): void {
    this.#test?.stop();
  }

  onConnect(): void {
    const options = { enabled: true, key: 'abc', intervalMs: 1000, limitKbps: this.#limitKbps };
    this.#test = this.#service.begin(this, options, identity);
  }

  onBandwidth(packet: BandwidthPacket): void {
    this.#test?.onPacket(packet);
  }

  refuse(_action: 'connect', { description, status }: Refusal): void {
    this.session.rejectConnect(description, status);
  }

  finish(): void {
    this.socket.end();
  }

  fail(error: SrsError): void {
    this.failure = error;
    this.#test?.stop();
    this.socket.destroy();
  }

  readonly onPublish = unexpected;
  readonly onPlay = unexpected;
  readonly onPause = unexpected;
  readonly onUnpublish = unexpected;
  readonly onPlayClosed = unexpected;
  readonly onMedia = unexpected;
  readonly onMetadata = unexpected;
  readonly onDataMessage = unexpected;
}

function unexpected(): void {
  throw new Error('expect nothing but a bandwidth check');
}
