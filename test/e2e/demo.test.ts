/** The demonstration: the bundled sample as an endless live stream that other people's players follow. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';

import { packetsOf } from './support/media';
import { Sandbox } from './support/sandbox';
import { binary } from './support/srs';

const DEMO = join(__dirname, '../../conf/demo.conf');
/** Longer than two rounds of the sample, which has 10.24 s. */
const RECORD_SECONDS = 25;
const LONGEST_GAP_MS = 200;

describe('the demonstration', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  it('loops its sample without a seam, at the urls that it prints', async () => {
    const text = fs
      .readFileSync(DEMO, 'utf8')
      .replace('listen 1935;', 'listen 127.0.0.1:0; pid srs.pid;')
      .replace('listen 8080;', 'listen 127.0.0.1:0;');
    sandbox.write('demo.conf', text);
    const server = sandbox.start(binary, ['-c', 'demo.conf']);
    await server.prints(/publishing to \S+live\/livestream/);
    const [, url = ''] = /\] play: (rtmp:\S+)\n/.exec(server.stdout) ?? [];
    assert.match(url, /^rtmp:\/\/127\.0\.0\.1:\d+\/live\/livestream$/);

    const recorder = sandbox.start('ffmpeg', [
      ...['-v', 'error', '-i', url, '-t', String(RECORD_SECONDS), '-c', 'copy', 'demo.flv'],
    ]);
    const entries = 'stream=codec_type,codec_name,profile,width';
    const urls = [...server.stdout.matchAll(/\] play: (\S+)\n/g)].map(
      ([, printed = '']) => printed,
    );
    assert.deepEqual(
      urls.map((printed) => printed.replace(/:\d+\//, ':PORT/')),
      [
        'rtmp://127.0.0.1:PORT/live/livestream',
        'http://127.0.0.1:PORT/live/livestream.flv',
        'http://127.0.0.1:PORT/live/livestream.m3u8',
      ],
    );
    await recorder.succeeds();
    for (const printed of urls) {
      const probe = sandbox.start('ffprobe', [
        ...['-v', 'error', '-show_entries', entries, '-of', 'compact', printed],
      ]);
      const { stdout } = await probe.succeeds();
      assert.match(stdout, /^stream\|codec_name=h264\|profile=High\|codec_type=video\|width=640$/m);
      assert.match(stdout, /^stream\|codec_name=aac\|profile=LC\|codec_type=audio$/m);
    }
    server.kill('SIGINT');
    await server.succeeds();
    const packets = await packetsOf(sandbox.path('demo.flv'));
    for (const kind of ['video', 'audio']) {
      const times = packets.filter((packet) => packet.codec_type === kind).map(({ dts }) => dts);
      const steps = times.slice(1).map((time, index) => time - times[index]!);
      assert.ok(times.at(-1)! - times[0]! > 24_000, `${kind} ends at ${times.at(-1) ?? ''} ms`);
      assert.ok(Math.min(...steps) > 0, `${kind} goes back`);
      assert.ok(
        Math.max(...steps) <= LONGEST_GAP_MS,
        `${kind} has a gap of ${Math.max(...steps)} ms`,
      );
    }
  });
});
