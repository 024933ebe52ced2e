/** Who gets a live stream over HTTP, and how: vhosts, refusals, old clients, WebSockets, crowds. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { WebSocket } from 'ws';

import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';

import { Client } from './support/client';
import { mediaOf, tagLines } from './support/media';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Web } from './support/web';

const VIDEO = 9;
const CROWD = 300;
/** With the heap that many more of them would not make grow. */
const MAX_RESIDENT_KB = 200_000;
const LIVE = 'min_latency on; http_remux { enabled on; }';
const VHOSTS = `
vhost a.test { ${LIVE} }
vhost closed.test { min_latency on; refer_play good.test; http_remux { enabled on; } }
vhost impatient.test { http_remux { enabled on; publisher_wait 0.2; } }
vhost off.test { enabled off; http_remux { enabled on; } }
vhost flv.test { http_remux { enabled on; publish off; hstrs off; } }
`;

/** What a process holds. */
function held(pid: number): { readonly fds: number; readonly residentKb: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const residentKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  return { fds: fs.readdirSync(`/proc/${pid}/fd`).length, residentKb };
}

describe('HTTP live players', () => {
  let sandbox: Sandbox;
  let web: Web;
  let tags: FlvTag[];

  before(async () => {
    sandbox = new Sandbox();
    web = await Web.start(sandbox, { vhost: LIVE, global: VHOSTS });
    tags = mediaOf(await source('h264-aac.flv'));
  });

  after(async () => {
    await web.srs.stop();
    await sandbox.close();
  });

  /** Publishes all that is sent; players that come now begin with its last key frame. */
  async function publishAll(stream: string): Promise<Client> {
    const publisher = await Client.publish(web.srs.port, stream);
    const witness = await Client.play(web.srs.port, stream);
    publisher.send(tags);
    await witness.receives(tags.length);
    witness.close();
    return publisher;
  }

  /** What curl has got of a stream when its publisher has left and there comes no other. */
  async function firstBytes(path: string, ...args: string[]): Promise<Buffer> {
    const file = `${Math.random()}`.slice(2);
    const player = web.save(path, file, ...args);
    await sandbox.until(path, () => sandbox.has(file) && fs.statSync(sandbox.path(file)).size > 0);
    player.kill('SIGTERM');
    await player.ended;
    return fs.readFileSync(sandbox.path(file));
  }

  it('find the vhost by ?vhost=, by Host, or the default one', async () => {
    const publishers = [await publishAll('v?vhost=a.test'), await publishAll('w')];
    const flv = 'FLV\x01\x05';
    const start = (bytes: Buffer): string => bytes.toString('latin1', 0, 5);
    assert.equal(start(await firstBytes('/live/v.flv?vhost=a.test')), flv);
    assert.equal(start(await firstBytes('/live/v.flv', '-H', 'Host: a.test:8080')), flv);
    assert.equal(start(await firstBytes('/live/v.flv', '-H', 'Host: A.TEST')), flv);
    assert.equal(start(await firstBytes('/live/w.flv', '-H', 'Host: nobody.test')), flv);
    assert.equal((await firstBytes('/live/v.ts?vhost=a.test')).readUInt8(0), 0x47);
    assert.equal((await web.ask('/live/w.ts?vhost=off.test')).status, 404);
    for (const publisher of publishers) publisher.close();
  });

  it('are refused with the reason', async () => {
    const publisher = await publishAll('r');
    const closed = await Client.publish(web.srs.port, 'c?vhost=closed.test');
    closed.send(tags);
    const page = ['-e', 'http://www.good.test/page'];
    assert.ok((await firstBytes('/live/c.flv?vhost=closed.test', ...page)).length > 0);
    const asked = await Promise.all([
      web.ask('/live/none.flv?vhost=impatient.test'),
      web.ask('/live/none.ts'),
      web.ask('/live/none.flv?vhost=flv.test'),
      web.ask('/live/r.mp3'),
      web.ask('/live/c.flv?vhost=closed.test'),
      web.ask('/live/c.flv?vhost=closed.test', '-e', 'http://bad.test/page'),
      web.ask('/live/r.flv', '-X', 'DELETE'),
      web.ask('/live/r.ts', '-X', 'POST'),
      web.ask('/live/x.flv?vhost=flv.test', '-X', 'PUT', '-d', 'x'),
    ]);
    assert.deepEqual(
      asked.map(({ status, body, headers }) => [status, headers.get('allow') ?? '', body]),
      [
        [404, '', 'live/none is not published'],
        [404, '', 'Not Found'],
        [404, '', 'Not Found'],
        [406, '', 'expect MP3 audio for .mp3, the stream has AAC'],
        [403, '', 'refer rule denies a client without pageUrl'],
        [403, '', 'refer rule denies page "bad.test"'],
        [405, 'GET, HEAD, POST, PUT', 'Method Not Allowed'],
        [405, 'GET, HEAD', 'Method Not Allowed'],
        [405, 'GET, HEAD', 'Method Not Allowed'],
      ],
    );
    publisher.close();
    closed.close();
  });

  it('get the headers of a stream by HEAD, and a body without chunks with HTTP/1.0', async () => {
    const publisher = await publishAll('h');
    const types = { flv: 'video/x-flv', ts: 'video/MP2T', aac: 'audio/x-aac' };
    for (const [container, type] of Object.entries(types)) {
      const head = await web.ask(`/live/h.${container}`, '-I');
      assert.equal(head.status, 200);
      assert.equal(head.headers.get('content-type'), type);
      assert.equal(head.headers.get('cache-control'), 'no-cache, no-store');
      assert.equal(head.headers.get('access-control-allow-origin'), '*');
      assert.equal(head.body, '');
    }
    const players = ['old.flv', 'old.ts'].map((file) =>
      web.save(`/live/h.${file.slice(4)}`, file, '-0', '-D', `${file}.head`),
    );
    for (const file of ['old.flv', 'old.ts']) {
      await sandbox.until(
        file,
        () => sandbox.has(file) && fs.statSync(sandbox.path(file)).size > 0,
      );
      const head = sandbox.read(`${file}.head`);
      assert.doesNotMatch(head, /^(?:transfer-encoding|content-length|connection: keep)/im);
    }
    for (const player of players) player.kill('SIGTERM');
    assert.match(sandbox.read('old.flv').slice(0, 3), /^FLV/);
    assert.equal(fs.readFileSync(sandbox.path('old.ts'))[188], 0x47);
    publisher.close();
  });

  it('get FLV in the messages of a WebSocket', async () => {
    const socket = new WebSocket(web.url('/live/ws.flv').replace('http', 'ws'));
    const reader = new FlvReader();
    const got: FlvTag[] = [];
    const publisher = await new Promise<Client>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (data: Buffer, isBinary) => {
        assert.ok(isBinary);
        reader.push(data);
        for (let tag = reader.read(); tag; tag = reader.read())
          if (tag.type <= VIDEO) got.push(tag);
      });
      web
        .hasPlayers('ws')
        .then(() => Client.publish(web.srs.port, 'ws'))
        .then(resolve, reject);
    });
    publisher.send(tags);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const witness = await Client.play(web.srs.port, 'ws');
    await witness.until(
      'the last',
      () => witness.tags.at(-1)?.payload.equals(tags.at(-1)!.payload) === true,
    );
    await new Promise((resolve) => setImmediate(resolve));
    socket.close();
    await closed;
    assert.deepEqual(tagLines(got), tagLines(tags));
    witness.close();
    publisher.close();
  });

  it(`come and go by hundreds, and leave nothing behind`, async () => {
    const publisher = await publishAll('x');
    const kinds = ['flv', 'ts', 'aac', 'ws'];
    const rounds: { readonly fds: number; readonly residentKb: number }[] = [held(web.program.pid)];
    const last = tags.slice(-3);
    const feed = setInterval(() => {
      publisher.send(last);
    }, 40);
    const gone = /client (?:disconnect peer|finished|timeout)/;
    for (let round = 0; round < 3; round++) {
      const before = web.program.count(gone);
      const leave = await Promise.all(
        Array.from({ length: CROWD }, (_, index) => join(kinds[index % kinds.length]!)),
      );
      assert.ok(held(web.program.pid).fds > CROWD);
      for (const one of leave) one();
      await web.program.prints(gone, before + CROWD);
      rounds.push(held(web.program.pid));
    }
    clearInterval(feed);
    publisher.close();
    const [start, , , end] = rounds;
    assert.ok(end!.fds <= start!.fds, `${start!.fds} descriptors before, ${end!.fds} after`);
    assert.ok(end!.residentKb < MAX_RESIDENT_KB, `${end!.residentKb} kB resident`);
  });

  /** Joins the stream x; resolves with what leaves it, once media has come. */
  function join(kind: string): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (kind === 'ws') {
        const socket = new WebSocket(web.url('/live/x.flv').replace('http', 'ws'));
        socket.on('error', reject);
        socket.once('message', () => {
          resolve(() => {
            socket.terminate();
          });
        });
        return;
      }
      const request = get(
        web.url(`/live/x.${kind}`),
        { agent: false },
        (answer: IncomingMessage) => {
          answer.on('error', () => undefined);
          answer.once('data', () => {
            resolve(() => request.destroy());
          });
          answer.resume();
        },
      );
      request.on('error', reject);
    });
  }
});
