/** TLS: RTMPS and HTTPS with ffmpeg, rtmpdump and curl, and certificates that are replaced while in use. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { assertSameFrames, fromFirstPicture, inspect } from './support/frames';
import type { Media } from './support/frames';
import { tagLines, tagsOf } from './support/media';
import type { Program } from './support/program';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Web } from './support/web';

const GLOBAL = 'rtmps_listen 127.0.0.1:0;\nrtmps_cert tls.crt;\nrtmps_key tls.key;';
const HTTPS = 'https { enabled on; listen 127.0.0.1:0; cert tls.crt; key tls.key; }';
const VHOST = `
min_latency on;
http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
hls { enabled on; hls_fragment 1; hls_path html; }
`;
const TS_VHOST = `vhost ts.test { http_remux { enabled on; mount [vhost]/[app]/[stream].ts; } }`;

describe('TLS', () => {
  let sandbox: Sandbox;
  let web: Web;

  beforeEach(async () => {
    sandbox = new Sandbox();
    await makePair('tls', 1);
    web = await Web.start(sandbox, { vhost: VHOST, global: `${GLOBAL}\n${TS_VHOST}`, http: HTTPS });
  });

  afterEach(() => sandbox.close());

  /** Makes a certificate with a serial number, and its key. */
  async function makePair(name: string, serial: number): Promise<void> {
    const subject = ['-subj', '/CN=localhost', '-set_serial', `${serial}`, '-days', '30'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
    await sandbox.start('openssl', ['req', '-x509', ...key, ...subject, ...files]).succeeds();
  }

  /** Serial number of the certificate that a new connection gets. */
  async function served(protocol: 'HTTPS' | 'RTMPS'): Promise<number> {
    const at = `127.0.0.1:${web.port(protocol)}`;
    const { stdout } = await sandbox.run('openssl', ['s_client', '-connect', at]);
    // Programs that are made with librtmp stumble over TLS 1.3.
    assert.match(stdout, protocol === 'HTTPS' ? /TLSv1\.3/ : /TLSv1\.2/);
    sandbox.write(`${protocol}.pem`, stdout);
    const print = ['x509', '-in', `${protocol}.pem`, '-noout', '-serial'];
    return Number((await sandbox.start('openssl', print).succeeds()).stdout.split('=')[1]);
  }

  function rtmps(stream: string): string {
    return `rtmps://127.0.0.1:${web.port('RTMPS')}/live/${stream}`;
  }

  it('carries what is published to all players, over RTMPS and HTTPS', async () => {
    const path = await source('h264-b-frames-aac.flv');
    const ffmpeg = (url: string, file: string): Program => {
      const trust = url.startsWith('rtmp:') ? [] : ['-tls_verify', '0'];
      return sandbox.start('ffmpeg', ['-v', 'error', ...trust, '-i', url, '-c', 'copy', file]);
    };
    const dump = ['-q', '-v', '-r', rtmps('s'), '-o', 'rtmpdump.flv'];
    const players = {
      'rtmpdump.flv': sandbox.start('rtmpdump', dump),
      'rtmps.flv': ffmpeg(rtmps('s'), 'rtmps.flv'),
      'plain.flv': ffmpeg(web.rtmp('s'), 'plain.flv'),
      'https.flv': ffmpeg(web.url('/live/s.flv', 'https'), 'https.flv'),
      'curl.flv': sandbox.start('curl', [
        '-k',
        '-s',
        '-o',
        'curl.flv',
        web.url('/live/s.flv', 'https'),
      ]),
    };
    await web.srs.hasPlayers('s', 3);
    await web.hasPlayers('s', 2);
    const input = ['-v', 'error', '-re', '-i', path, '-c', 'copy', '-f', 'flv'];
    const published = sandbox.start('ffmpeg', [...input, '-tls_verify', '0', rtmps('s')]);
    await published.succeeds();
    await web.srs.hasUnpublished();
    const hls = ['-v', 'warning', '-tls_verify', '0', '-live_start_index', '0'];
    const list = web.url('/live/s.m3u8', 'https');
    const playlist = await web.askAt(list);
    assert.match(playlist.headers.get('content-type')!, /mpegurl/i);
    const segment = playlist.body.split('\n').find((line) => line.endsWith('.ts'))!;
    const saved = ['-k', '-s', '-f', '-o', 'segment.ts', new URL(segment, list).href];
    await sandbox.start('curl', saved).succeeds();
    assert.equal((await inspect(sandbox.path('segment.ts'))).complaints, '');
    const once = [...hls, '-i', list, '-t', '1', '-f', 'null', '-'];
    assert.equal((await sandbox.start('ffmpeg', once).succeeds()).stderr, '');
    await web.srs.stop();
    await Promise.all(Object.values(players).map(({ ended }) => ended));

    const sent = await inspect(path);
    const got: Record<string, Media> = {};
    for (const file of Object.keys(players)) got[file] = await inspect(sandbox.path(file));
    for (const media of Object.values(got)) {
      assertSameFrames(fromFirstPicture(media), fromFirstPicture(sent));
    }
    for (const file of ['rtmpdump.flv', 'curl.flv']) {
      assert.deepEqual(tagLines(tagsOf(sandbox.path(file))), tagLines(tagsOf(path)), file);
    }
  });

  it('serves a certificate that was replaced to those who come, while those there stay', async () => {
    const path = await source('h264-aac.flv');
    const input = [
      '-v',
      'error',
      '-re',
      '-stream_loop',
      '-1',
      '-i',
      path,
      '-c',
      'copy',
      '-f',
      'flv',
    ];
    const publisher = sandbox.start('ffmpeg', [...input, '-tls_verify', '0', rtmps('c')]);
    await web.srs.hasPublishers('c');
    const url = web.url('/live/c.flv', 'https');
    const player = sandbox.start('curl', ['-k', '-s', '-N', '-o', 'stays.flv', url]);
    await web.hasPlayers('c');
    assert.deepEqual([await served('HTTPS'), await served('RTMPS')], [1, 1]);

    fs.writeFileSync(sandbox.path('tls.crt'), 'no certificate');
    await web.program.prints(/\[error\].* certificate stays as it was: .*tls\.crt/, 2);
    assert.deepEqual([await served('HTTPS'), await served('RTMPS')], [1, 1]);

    await makePair('tls', 2);
    await web.program.prints(/certificate tls\.crt reloaded: names=/, 2);
    assert.deepEqual([await served('HTTPS'), await served('RTMPS')], [2, 2]);
    const size = (): number => fs.statSync(sandbox.path('stays.flv')).size;
    const before = size();
    await sandbox.until('more of the stream', () => size() > before);
    assert.equal(player.hasEnded, false);
    assert.equal(publisher.hasEnded, false);
    assert.equal(web.program.count('certificate stays as it was'), 2);
    publisher.kill('SIGKILL');
    await web.srs.hasUnpublished();
    await web.srs.stop();
    await player.succeeds();
    assert.equal((await inspect(sandbox.path('stays.flv'))).complaints, '');
  });
});
