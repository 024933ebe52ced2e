/** The addresses of clients behind haproxy, as the log, the rules and the API see them. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';

import { packetsOf } from './support/media';
import { freePorts } from './support/ports';
import { publish, record } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Web } from './support/web';

/** Where the proxy comes from, as the server sees it. */
const PROXY = '127.0.0.9';

/** Resolves when somebody listens there. */
async function isOpen(port: number): Promise<void> {
  for (;;) {
    const isAccepted = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        done(true);
      });
      socket.once('error', () => {
        done(false);
      });
    });
    if (isAccepted) return;
    await new Promise(setImmediate);
  }
}

describe('behind haproxy', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.close());

  /** TCP with a PROXY header of version 1 and of version 2, TCP without one, and HTTP with X-Forwarded-For. */
  async function proxies(web: Web): Promise<number[]> {
    const ports = await freePorts(4);
    const [rtmp, http] = [web.port('RTMP'), web.port('HTTP')];
    const kinds = [
      ['tcp', rtmp, 'send-proxy'],
      ['tcp', rtmp, 'send-proxy-v2'],
      ['tcp', rtmp, ''],
      ['http', http, ''],
    ] as const;
    const parts = kinds.map(([mode, port, option], at) => {
      const forward = mode === 'http' ? 'option forwardfor' : '';
      return `listen l${at}
  mode ${mode}
  ${forward}
  bind 127.0.0.1:${ports[at]}
  source ${PROXY}
  server s 127.0.0.1:${port} ${option}`;
    });
    const times = 'timeout connect 5s\n  timeout client 30s\n  timeout server 30s';
    sandbox.write('haproxy.cfg', `defaults\n  ${times}\n${parts.join('\n')}\n`);
    sandbox.start('haproxy', ['-db', '-f', 'haproxy.cfg']);
    await Promise.all(ports.slice(-1).map(isOpen));
    return ports;
  }

  it('publishers and players are seen by their own addresses, by PROXY protocol 1 and 2', async () => {
    const path = await source('h264-aac.flv');
    const security = `security { enabled on; allow publish 127.0.0.1; allow play 127.0.0.1; deny publish ${PROXY}; }`;
    const web = await Web.start(sandbox, {
      global: `trusted_proxies ${PROXY};`,
      vhost: `${security} http_remux { enabled on; }`,
    });
    const [first = 0, second = 0, plain = 0, http = 0] = await proxies(web);
    const recorder = record(sandbox, 'ffmpeg', `rtmp://127.0.0.1:${second}/live/s`, 's.flv');
    await web.srs.hasPlayers('s');
    const curl = sandbox.start('curl', [
      ...['-s', '-N', '-m', '30', '--interface', '127.0.0.3'],
      ...['-o', sandbox.path('http.flv'), `http://127.0.0.1:${http}/live/s.flv`],
    ]);
    await web.program.prints(/HTTP GET \/live\/s\.flv, .*ip=127\.0\.0\.3/);
    await publish(sandbox, path, `rtmp://127.0.0.1:${first}/live/s`).succeeds();
    // Without a header it is the proxy that publishes.
    const bare = await publish(sandbox, path, `rtmp://127.0.0.1:${plain}/live/s`).ended;
    assert.match(bare.stderr, /security rule denies publish/);
    const { stdout } = await web.srs.stop();
    await recorder.ended;
    await curl.ended;
    assert.equal(stdout.match(/RTMP client ip=127\.0\.0\.1/g)?.length, 2);
    assert.equal(stdout.match(/RTMP client ip=127\.0\.0\.9/g)?.length, 1);
    const sent = (await packetsOf(path)).map((packet) => packet.data_hash);
    const received = (await packetsOf(sandbox.path('s.flv'))).map((packet) => packet.data_hash);
    assert.deepEqual(received, sent);
  });

  it('nobody can name another address where no proxy is trusted', async () => {
    const path = await source('h264-aac.flv');
    const web = await Web.start(sandbox, {
      vhost: `security { enabled on; allow play 127.0.0.3; } http_remux { enabled on; }`,
    });
    const [first = 0] = await proxies(web);
    const { status } = await publish(sandbox, path, `rtmp://127.0.0.1:${first}/live/s`).ended;
    assert.notEqual(status, 0);
    const answer = await web.ask('/live/s.flv', '-H', 'X-Forwarded-For: 127.0.0.3');
    assert.equal(answer.status, 403);
    web.program.kill('SIGTERM');
    const { stdout } = await web.program.succeeds();
    assert.match(stdout, /HTTP GET \/live\/s\.flv, .*ip=127\.0\.0\.1/);
  });
});
