/** Who may publish and play, as ffmpeg and curl are told: addresses, keys, signed URLs, limits. */
import assert from 'node:assert/strict';

import { packetsOf } from './support/media';
import { publish, record } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Web } from './support/web';

const SECRET = 'a-secret-of-the-tests';
const LIVE =
  'http_remux { enabled on; publisher_wait 0; } hls { enabled on; hls_path html; hls_fragment 1;';

describe('access', () => {
  let sandbox: Sandbox;
  let path: string;

  beforeEach(async () => {
    sandbox = new Sandbox();
    path = await source('h264-aac.flv');
  });
  afterEach(() => sandbox.close());

  /** The query of a signed URL, made by openssl as the documents say. */
  async function signed(action: string, stream: string, expires: number): Promise<string> {
    const command = `printf '%s' "${action}:/live/${stream}:${expires}" | openssl dgst -sha256 -hmac ${SECRET}`;
    const { stdout } = await sandbox.run('bash', ['-c', command]);
    const [sign = ''] = /[0-9a-f]{64}/.exec(stdout) ?? [];
    return `?expires=${expires}&sign=${sign}`;
  }
  const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600;
  const refused = async (url: string): Promise<string> => {
    const { status, stderr } = await publish(sandbox, path, url).ended;
    assert.notEqual(status, 0);
    return stderr;
  };

  it('by address: who is denied is told so, and others are let in', async () => {
    const security =
      'security { enabled on; allow play all; allow publish all; deny publish 127.0.0.1; }';
    const global = `vhost open.com { security { enabled on; allow publish 127.0.0.0/8; allow play 127.0.0.1; } }`;
    const { srs } = await Web.start(sandbox, { vhost: security, global });
    assert.match(await refused(srs.url('s')), /security rule denies publish/);
    const open = `rtmp://127.0.0.1:${srs.port}/live?vhost=open.com/s`;
    const recorder = record(sandbox, 'ffmpeg', open, 's.flv');
    await srs.hasPlayers('s');
    await publish(sandbox, path, open).succeeds();
    const { stdout } = await srs.stop();
    await recorder.ended;
    assert.match(stdout, /publish refused, .*security.*, ret=1053/);
    assert.ok((await packetsOf(sandbox.path('s.flv'))).length > 50);
  });

  it('by a key behind the stream name, which no log shows', async () => {
    const auth = 'auth { enabled on; key publish correct-horse-battery live/s; }';
    const { srs } = await Web.start(sandbox, { vhost: auth });
    assert.match(await refused(srs.url('s')), /a key is missing/);
    assert.match(await refused(srs.url('s?key=wrong-horse-battery')), /the key is wrong/);
    const recorder = record(sandbox, 'rtmpdump', srs.url('s'), 's.flv');
    await srs.hasPlayers('s');
    await publish(sandbox, path, srs.url('s?key=correct-horse-battery')).succeeds();
    await srs.hasUnpublished();
    const { stdout } = await srs.stop();
    await recorder.ended;
    assert.ok(!stdout.includes('horse'));
  });

  for (const storage of ['disk', 'ram']) {
    it(`by a signed URL that expires, for RTMP, FLV and HLS from ${storage} with its segments`, async () => {
      const auth = `auth { enabled on; secret another-secret-before ${SECRET}; signed publish play; }`;
      const web = await Web.start(sandbox, { vhost: `${auth} ${LIVE} hls_storage ${storage}; }` });
      const past = await signed('publish', 's', 1_700_000_000);
      assert.match(await refused(web.rtmp(`s${past}`)), /the signature has expired/);
      const play = await signed('play', 's', inAnHour());
      assert.match(await refused(web.rtmp(`s${play}`)), /the signature is wrong/);

      const good = await signed('publish', 's', inAnHour());
      const recorder = record(sandbox, 'ffmpeg', web.rtmp(`s${play}`), 'rtmp.flv');
      await web.program.prints('type=Play, stream_name=s,');
      const publisher = publish(sandbox, path, web.rtmp(`s${good}`));
      await web.program.prints(/\d+B video sh/);
      const flv = web.save(`/live/s.flv${play}`, sandbox.path('http.flv'));
      await web.program.prints('type=Play(HTTP-FLV)');
      const playlist = async (): Promise<string> => (await web.ask(`/live/s.m3u8${play}`)).body;
      while (!(await playlist()).includes('#EXTINF')) await new Promise(setImmediate);
      const [, segment = ''] = /^(s-\d+\.ts)\?/m.exec(await playlist()) ?? [];

      const old = await signed('play', 's', 1_700_000_000);
      for (const query of ['', old, play.replace('/s', '/t').replace(/.$/, 'x'), good]) {
        for (const file of ['s.flv', 's.m3u8', segment]) {
          const { status } = await web.ask(`/live/${file}${query}`);
          assert.equal(status, 403, `${file}${query}`);
        }
      }
      await publisher.succeeds();
      await web.srs.hasUnpublished();
      // A player that knows nothing but the url of the playlist.
      const hls = ['-v', 'error', '-i', web.url(`/live/s.m3u8${play}`), '-t', '2', '-c', 'copy'];
      await sandbox.start('ffmpeg', [...hls, sandbox.path('hls.ts')]).succeeds();
      const { stdout } = await web.srs.stop();
      await Promise.all([recorder.ended, flv.ended]);
      assert.ok((await packetsOf(sandbox.path('hls.ts'))).length > 50);
      assert.ok((await packetsOf(sandbox.path('rtmp.flv'))).length > 100);
      assert.ok((await packetsOf(sandbox.path('http.flv'))).length > 20);
      const [, sign = 'none'] = /sign=(\w+)/.exec(play) ?? [];
      assert.ok(!stdout.includes(sign), 'no signature in the log');
    });
  }

  it('within the limits of the vhost', async () => {
    const limits = 'limits { clients 2; publishers 1; }';
    const { srs } = await Web.start(sandbox, { vhost: limits });
    const recorder = record(sandbox, 'ffmpeg', srs.url('s'), 's.flv');
    await srs.hasPlayers('s');
    const publisher = publish(sandbox, path, srs.url('s'));
    await srs.program.prints(/\d+B video sh/);
    assert.match(await refused(srs.url('other')), /a limit denies publish/);
    const late = await sandbox.run('ffmpeg', [
      '-v',
      'error',
      '-i',
      srs.url('s'),
      '-f',
      'null',
      '-',
    ]);
    assert.notEqual(late.status, 0);
    await publisher.succeeds();
    await srs.hasUnpublished();
    await publish(sandbox, path, srs.url('other')).succeeds();
    await srs.stop();
    await recorder.ended;
  });

  it('not beyond publisher_kbps for long', async () => {
    const { srs } = await Web.start(sandbox, { vhost: 'limits { publisher_kbps 1; }' });
    const loop = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', path, '-c', 'copy'];
    const { status, stderr } = await sandbox.run('ffmpeg', [...loop, '-f', 'flv', srs.url('s')]);
    assert.notEqual(status, 0);
    assert.match(stderr, /a limit of its vhost allows 1/);
    await srs.stop();
  });
});
