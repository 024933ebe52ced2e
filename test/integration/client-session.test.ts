import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { SrsError } from '../../src/core/errors';
import { ErrorCode } from '../../src/core/errors';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { ClientSession } from '../../src/rtmp/client-session';
import type { ClientSessionHandler } from '../../src/rtmp/client-session';
import type { MessageHeader } from '../../src/rtmp/message';
import type { ConnectInfo } from '../../src/rtmp/packets/connect';
import { liveServers, texts, vhost } from '../support/live-server';
import { sampleTags } from '../support/media';

/** Our own client over a plain socket; each event resolves those who wait for it. */
class SessionClient implements ClientSessionHandler {
  readonly session: ClientSession;
  readonly socket: Socket;
  readonly media: { type: number; timestamp: number; payload: Buffer }[] = [];
  metadata: AmfObject | undefined;
  info: ConnectInfo | undefined;
  error: SrsError | undefined;
  readonly #waiting: { holds: () => boolean; resolve: () => void }[] = [];

  constructor(port: number, handshake: 'complex' | 'simple') {
    const socket = connect(port, '127.0.0.1');
    this.socket = socket;
    const transport = {
      write: (data: Uint8Array): void => {
        socket.write(Buffer.from(data));
      },
      end: (): void => {
        socket.end();
      },
      destroy: (): void => {
        socket.destroy();
      },
      bytesReceived: 0,
      bytesSent: 0,
    };
    const tcUrl = `rtmp://127.0.0.1:${port}/live`;
    this.session = new ClientSession(transport, this, { app: 'live', tcUrl, handshake });
    socket.on('data', (data) => {
      this.session.push(data, 0, data.length);
    });
    socket.on('connect', () => {
      this.session.start();
    });
  }

  onConnected(info: ConnectInfo): void {
    this.info = info;
    this.#wake();
  }
  onPublishing(): void {
    this.#wake();
  }
  onPlaying(): void {
    this.#wake();
  }
  onMedia(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const { type, timestamp } = header;
    this.media.push({ type, timestamp, payload: Buffer.from(payload.subarray(start, end)) });
    this.#wake();
  }
  onMetadata(_header: MessageHeader, _name: string, value: AmfObject): void {
    this.metadata = value;
    this.#wake();
  }
  onDataMessage(): void {
    this.#wake();
  }
  onError(error: SrsError): void {
    this.error = error;
    this.#wake();
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
    });
  }

  #wake(): void {
    for (const one of this.#waiting) if (one.holds()) one.resolve();
  }
}

describe('the client session against the server', () => {
  const start = liveServers();

  for (const handshake of ['complex', 'simple'] as const) {
    it(`publishes and plays after a ${handshake} handshake`, async () => {
      const live = await start();
      const player = new SessionClient(live.port, handshake);
      await player.until(() => player.info !== undefined);
      assert.equal(player.info!.contextId, 100);
      assert.equal(player.info!.pid, process.pid);
      player.session.play('s');
      await player.until(() => player.session.isPlaying);
      const publisher = new SessionClient(live.port, handshake);
      await publisher.until(() => publisher.info !== undefined);
      publisher.session.publish('s');
      await publisher.until(() => publisher.session.isPublishing);
      publisher.session.sendMetadata('onMetaData', AmfObject.of({ width: 640 }));
      const tags = sampleTags(50).slice(1);
      for (const { type, timestamp, payload } of tags) {
        publisher.session.sendMedia(type, timestamp, payload);
      }
      await player.until(() => player.media.length === tags.length);
      assert.deepEqual(texts(player.media), texts(tags));
      assert.equal(player.metadata!.number('width'), 640);
      publisher.session.close();
      player.session.close();
      await live.empty();
      assert.deepEqual(live.errors, []);
    });
  }

  it('hears that a stream is taken, and that a vhost is unknown', async () => {
    const live = await start(vhost('publish_conflict reject;'));
    await live.publisher();
    const second = new SessionClient(live.port, 'complex');
    await second.until(() => second.info !== undefined);
    second.session.publish('s');
    await second.until(() => second.error !== undefined);
    assert.equal(second.error!.code, ErrorCode.SYSTEM_STREAM_BUSY);
    second.session.close();
    const other = await start(vhost().replace('__defaultVhost__', 'demo.com'));
    const stranger = new SessionClient(other.port, 'complex');
    await stranger.until(() => stranger.error !== undefined);
    assert.match(
      stranger.error!.message,
      /NetConnection.Connect.Rejected vhost 127.0.0.1 is unknown/,
    );
  });
});
