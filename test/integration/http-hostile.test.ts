import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { httpConfig, LiveServer, liveServers, texts } from '../support/live-server';
import { flvFile, sampleTags } from '../support/media';
import { HANDSHAKE, connectCommand } from '../support/rtmp-peer';
import { pairFiles, trusted } from '../support/tls';

const tags = sampleTags(6, 3);
const REQUESTS = 300;
const AT_A_TIME = 30;
const SEED = 20150808;
/** What the server may take more in the end than in the beginning. */
const MAX_GROWTH = 150 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of memory in use; what only waits to be collected does not count. */
function usedBytes(): number {
  collectGarbage();
  return process.memoryUsage().rss;
}

/** A small generator of the linear congruential kind: the same numbers on every machine. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * below);
  };
}

const head = (line: string, ...headers: string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`;
const flv = flvFile(tags);
const chunks = Buffer.concat([
  Buffer.from(`${flv.length.toString(16)}\r\n`),
  flv,
  Buffer.from('\r\n0\r\n\r\n'),
]);

/** Whole and sound conversations, to be damaged. */
const conversations: readonly (string | Buffer)[][] = [
  [head('GET /live/steady.flv')],
  [
    head('GET /none'),
    head('HEAD /live/steady.flv'),
    head('OPTIONS *'),
    head('GET /live/steady.ts'),
  ],
  [head('POST /live/a.flv', 'Transfer-Encoding: chunked'), chunks, head('GET /x.m3u8?_HLS_msn=1')],
  [head('PUT /live/b.flv', `Content-Length: ${flv.length}`, 'Expect: 100-continue'), flv],
  [
    head(
      'GET /live/steady.flv?x=%41',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ),
    Buffer.from('818537fa213d7f9f4d5158', 'hex'),
  ],
  [head('GET /live/steady.aac', 'Range: bytes=0-9', 'If-None-Match: "a"', 'Referer: http://a/')],
];

/** Changes, removes or doubles a few bytes. */
function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let mutated = Buffer.from(bytes);
  for (let count = 1 + random(6); count > 0; count--) {
    const at = random(mutated.length);
    const kind = random(5);
    if (kind > 2) mutated[at] = random(256);
    else if (kind === 2) mutated[at] = '\r\n\0 :%/?'.charCodeAt(random(8));
    else if (kind === 1) {
      mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + 1 + random(8))]);
    } else mutated = Buffer.concat([mutated.subarray(0, at + 1), mutated.subarray(at)]);
  }
  return mutated;
}

/** Says it, and that it is all; resolves with what was answered when the connection is closed. */
function say(port: number, bytes: Buffer | string, isSecure = false): Promise<Buffer> {
  const to = { port, host: '127.0.0.1' };
  const socket: Socket = isSecure
    ? connectTls({ ...to, servername: 'localhost', ca: trusted('first') })
    : connect(to);
  const answers: Buffer[] = [];
  socket.on('data', (data: Buffer) => answers.push(data));
  socket.on('error', () => undefined);
  socket.end(bytes);
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve(Buffer.concat(answers));
    });
  });
}

/** The first bytes of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.once('data', (data: Buffer) => {
        resolve(data);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      connectTls({ port, host: '127.0.0.1' }).on('error', () => undefined);
    });
  });
}

describe('a server among strangers', () => {
  const startAny = liveServers();
  const { cert, key } = pairFiles('first');
  const others = `rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};`;
  const start = (): Promise<LiveServer> =>
    startAny(
      httpConfig({ remux: 'publisher_wait 0;', others, vhost: 'publish_1stpkt_timeout 1000;' }),
    );

  it('answers or closes whatever is spoken at a port for something else', async () => {
    const live = await start();
    const rtmp = Buffer.concat([HANDSHAKE, connectCommand()]);
    const sayings = {
      TLS: await clientHello(),
      HTTP: Buffer.from(head('GET /live/s.flv')),
      RTMP: rtmp,
      zeros: Buffer.alloc(50_000),
      noise: Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7919) % 256)),
      nothing: Buffer.alloc(0),
    };
    for (const protocol of ['HTTP', 'HTTPS', 'RTMP', 'RTMPS'] as const) {
      const [port = 0] = live.server.ports(protocol);
      for (const [what, bytes] of Object.entries(sayings)) {
        const answer = await say(port, bytes);
        if (protocol === 'HTTP' && !['HTTP', 'nothing'].includes(what)) {
          assert.match(answer.toString('latin1'), /^HTTP\/1.1 400 /, what);
        }
      }
    }
    await live.sockets(0);
    assert.equal((await live.get('/none')).status, 404);
  });

  for (const isSecure of [false, true]) {
    const count = isSecure ? REQUESTS / 3 : REQUESTS;
    it(`outlives ${count} damaged conversations ${isSecure ? 'over TLS' : 'in the clear'}`, async () => {
      const live = await start();
      const random = numbers(SEED + Number(isSecure));
      const steady = await live.publisher('steady');
      steady.sendAll(tags.slice(1));
      const witness = await live.httpPlayer('/live/steady.flv');
      await witness.flv.media(2);
      const before = usedBytes();
      const port = live.httpPort(isSecure ? 'HTTPS' : 'HTTP');
      for (let index = 0; index < count; index += AT_A_TIME) {
        const sayings = Array.from({ length: AT_A_TIME }, () => {
          const conversation = conversations[random(conversations.length)]!.map((one) =>
            Buffer.from(one),
          );
          return say(port, mutate(Buffer.concat(conversation), random), isSecure);
        });
        await Promise.all(sayings);
        const next = tags
          .slice(3)
          .map((tag) => ({ ...tag, timestamp: 1000 + index * 40 + tag.timestamp }));
        steady.sendAll(next);
        const last = next.at(-1)!.payload;
        await witness.flv.next('the last frame', ({ payload }) => payload.equals(last));
      }
      await live.sockets(2);
      assert.ok(live.heldBytes < 1024 * 1024);
      const growth = usedBytes() - before;
      assert.ok(growth < MAX_GROWTH, `${growth} bytes more`);
      const player = await live.httpPlayer('/live/after.flv').catch(() => undefined);
      assert.equal(player, undefined, 'nobody publishes that');
      const publisher = await live.publisher('after');
      const late = await live.httpPlayer('/live/after.flv');
      publisher.sendAll(tags.slice(1));
      assert.deepEqual(texts(await late.flv.media(14)), texts(tags.slice(1)));
    });
  }

  it('is not held up by strangers in TLS when it stops, nor brought down', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const live = new LiveServer(httpConfig({ others }));
      await live.server.start();
      const strangers = (['HTTPS', 'RTMPS'] as const).flatMap((protocol) => {
        const [port = 0] = live.server.ports(protocol);
        return Array.from({ length: 5 }, () =>
          connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: trusted('first') })
            .on('error', () => undefined)
            .resume(),
        );
      });
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      await live.stop();
      for (const stranger of strangers) stranger.destroy();
    }
  });

  it('closes those who break TLS amid a request or an answer', async () => {
    const live = await start();
    const publisher = await live.publisher('steady');
    publisher.sendAll(tags.slice(1));
    for (const request of [
      head('GET /none', 'Connection: close'),
      head('GET /live/steady.flv'),
      'GET /',
    ]) {
      const raw = connect(live.httpPort('HTTPS'), '127.0.0.1');
      const tls = connectTls({ socket: raw, servername: 'localhost', ca: trusted('first') });
      tls.on('error', () => undefined).resume();
      const closed = new Promise((resolve) => raw.once('close', resolve));
      await new Promise((resolve) => tls.once('secureConnect', resolve));
      tls.write(request);
      raw.write(Buffer.alloc(500, 0x17));
      raw.write(Buffer.alloc(500, 0xff));
      await closed;
    }
    await live.sockets(1);
  });
});
