/** Live streams in a browser, from a page of another origin: HLS by hls.js, FLV by mpegts.js, and how late they are. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import type { Page } from 'playwright-core';

import { Browsing } from './support/browser';
import { HTTP_SERVER, httpUrl, playlistOnce } from './support/hls';
import { Sandbox } from './support/sandbox';
import { Srs } from './support/srs';

/** Playing for so long without an error is playing. */
const PLAYED_SECONDS = 3;
const LIMIT_MS = 30_000;
/** Steady state of LL-HLS: measured over so long, once so much has been played. */
const SETTLING_SECONDS = 3;
const MEASURED = 20;
const MEASURE_EVERY_MS = 100;
const MAX_LATENCY_SECONDS = 2;

const REMUX = 'http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }';
const LOW_LATENCY =
  'hls_low_latency on; hls_part 0.2; hls_format fmp4; hls_mount /ll/[app]/[stream].m3u8;';
const CUT = 'enabled on; hls_fragment 1; hls_window 10;';
const VHOSTS = `
${HTTP_SERVER}
vhost fmp4 { min_latency on; hls { ${CUT} hls_path html/fmp4; hls_format fmp4; } }
vhost ll { min_latency on; hls { ${CUT} hls_storage ram; ${LOW_LATENCY} } }
`;

/**
 * The pictures tell when they were made: the time of day in steps of 20 ms as 16 columns, black or white, in Gray
 * code, so that one that is drawn while the time changes is right, too.
 */
const STEP_MS = 20;
const COLUMN = 'floor(X/4)';
const STEPS = `mod(floor(time(0)*${1000 / STEP_MS}),65536)`;
const BIT = `mod(floor(${STEPS}/pow(2,${COLUMN}))+floor(${STEPS}/pow(2,${COLUMN}+1)),2)`;
const CLOCK = `nullsrc=size=64x36:rate=25,geq=lum='235*${BIT}':cb=128:cr=128,scale=320:180:flags=neighbor`;

/** In real time, and pictures not made long before they are due. */
const PACED = ['-re', '-thread_queue_size', '1'];

/** What a page tells of its player. */
interface Playing {
  readonly seconds: number;
  readonly error: string | undefined;
  /** How long ago the picture that is shown was made, seconds. */
  readonly late: number;
  /** The same by the playlist, as hls.js sees it. */
  readonly lateByPlaylist: number;
}

describe('a browser', () => {
  let sandbox: Sandbox;
  let server: Srs;
  let browsing: Browsing | undefined;

  before(async () => {
    sandbox = new Sandbox();
    fs.mkdirSync(sandbox.path('html'));
    const vhost = `min_latency on; hls { ${CUT} hls_path html/ts; } ${REMUX}`;
    server = await Srs.start(sandbox, { vhost, global: VHOSTS });
    publishLive();
    browsing = await Browsing.start();
  });

  after(async () => {
    await browsing?.close();
    await sandbox.close();
  });

  /** One encoder, one key frame a second, to all vhosts. */
  function publishLive(): void {
    const video = ['-f', 'lavfi', '-i', CLOCK];
    const audio = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
    const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25'];
    const outputs = ['', '?vhost=fmp4', '?vhost=ll'].map(
      (query) => `[f=flv]rtmp://127.0.0.1:${server.port}/live${query}/s`,
    );
    sandbox.start('ffmpeg', [
      ...[
        '-v',
        'error',
        ...PACED,
        ...video,
        ...PACED,
        ...audio,
        '-map',
        '0',
        '-map',
        '1',
        ...coding,
      ],
      ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-flags', '+global_header'],
      ...['-f', 'tee', outputs.join('|')],
    ]);
  }

  async function play(script: string, url: string): Promise<Page> {
    const page = await browsing!.page();
    await page.evaluate(`window.url = ${JSON.stringify(url)}; window.error = undefined; ${script}`);
    return page;
  }

  /** Players of low latency catch up when they have fallen behind the distance that the playlist asks for. */
  const CATCH_UP = '{ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 }';
  const HLS = `
    window.hls = new Hls(window.options ?? {});
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) window.error = data.type + ' ' + data.details; });
    hls.loadSource(url);
    hls.attachMedia(document.querySelector('video'));
    void document.querySelector('video').play();
  `;
  const MPEGTS = `
    window.player = mpegts.createPlayer({ type: 'flv', isLive: true, url });
    player.on(mpegts.Events.ERROR, (...what) => { window.error = what.join(); });
    player.attachMediaElement(document.querySelector('video'));
    player.load();
    void player.play();
  `;

  const LOOK = `(() => {
    const video = document.querySelector('video');
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 64, 36);
    const { data } = context.getImageData(0, 18, 64, 1);
    let [bit, steps] = [0, 0];
    for (let column = 15; column >= 0; column--) {
      bit ^= data[(column * 4 + 2) * 4] > 128 ? 1 : 0;
      steps += bit << column;
    }
    const nowMs = Date.now();
    const late = (Math.floor(nowMs / ${STEP_MS}) - steps) & 0xffff;
    const shownMs = window.hls?.playingDate?.getTime() ?? 0;
    return {
      seconds: video.currentTime,
      error: window.error,
      late: (late * ${STEP_MS}) / 1000,
      lateByPlaylist: (nowMs - shownMs) / 1000,
    };
  })()`;

  /** Plays on for some seconds without an error. */
  async function advances(page: Page, bySeconds: number): Promise<void> {
    const { seconds } = await page.evaluate<Playing>(LOOK);
    const from = Math.max(seconds, await startOf(page));
    await page
      .waitForFunction(
        `window.error !== undefined || document.querySelector('video').currentTime > ${from + bySeconds}`,
        undefined,
        { timeout: LIMIT_MS },
      )
      .catch(async (error: unknown) => {
        throw new Error(JSON.stringify(await page.evaluate(LOOK)), { cause: error });
      });
    const { error } = await page.evaluate<Playing>(LOOK);
    assert.equal(error, undefined);
  }

  /** Where playing begins: live streams do not begin at 0. */
  async function startOf(page: Page): Promise<number> {
    await page.waitForFunction(
      `window.error !== undefined || document.querySelector('video').currentTime > 0 && !document.querySelector('video').seeking`,
      undefined,
      { timeout: LIMIT_MS },
    );
    return (await page.evaluate<Playing>(LOOK)).seconds;
  }

  it('plays low-latency HLS less than two seconds late', async () => {
    const url = httpUrl(server, '/ll/live/s.m3u8');
    await playlistOnce(url, 'begun', ({ segments }) => segments.length >= 2);
    const page = await play(`window.options = ${CATCH_UP}; ${HLS}`, url);
    await advances(page, SETTLING_SECONDS);
    const looks: Playing[] = [];
    for (let count = 0; count < MEASURED; count++) {
      looks.push(await page.evaluate<Playing>(LOOK));
      await page.waitForTimeout(MEASURE_EVERY_MS);
    }
    assert.ok(looks.every(({ error }) => error === undefined));
    const late = looks.map((look) => look.late).sort((a, b) => a - b);
    const claimed = looks.map(({ lateByPlaylist }) => lateByPlaylist).sort((a, b) => a - b);
    const [median, worst] = [late[MEASURED / 2]!, late.at(-1)!];
    process.stdout.write(
      `      LL-HLS, glass to glass: median ${median.toFixed(2)} s, worst ${worst.toFixed(2)} s; ` +
        `by the playlist ${claimed[MEASURED / 2]!.toFixed(2)} s\n`,
    );
    assert.ok(worst < MAX_LATENCY_SECONDS, `${worst} s late`);
    await page.close();
  });

  it('plays HLS of TS and of fMP4, FLV over HTTP and over WebSocket', async () => {
    const flv = httpUrl(server, '/live/s.flv');
    const pages = await Promise.all([
      play(HLS, httpUrl(server, '/ts/live/s.m3u8')),
      play(HLS, httpUrl(server, '/fmp4/live/s.m3u8')),
      play(MPEGTS, flv),
      play(MPEGTS, flv.replace('http:', 'ws:')),
    ]);
    await Promise.all(pages.map((page) => advances(page, PLAYED_SECONDS)));
    const { stdout } = await server.stop();
    assert.doesNotMatch(stdout, /\[error\]/);
  });
});
