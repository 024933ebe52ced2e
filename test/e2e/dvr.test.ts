/** Recordings: every plan and container, of every kind of source, as ffprobe and ffmpeg read them. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { enhancedTags } from './support/enhanced';
import { assertSameFrames, assertSameTimes, hashesOf, inspect, seek } from './support/frames';
import type { Frame, Kind, Media } from './support/frames';
import { isKeyPacket, isKeyTag, mediaOf, packetsOf, tagLines, tagsOf } from './support/media';
import { assertMetadata, filesBelow, recorded } from './support/recordings';
import type { Recorded } from './support/recordings';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import type { SourceName } from './support/sources';
import { Srs } from './support/srs';

const SOURCES: readonly SourceName[] = [
  'h264-aac.flv',
  'h264-b-frames-aac.flv',
  'h264-mp3.flv',
  'h264.flv',
  'aac.flv',
  'mp3.flv',
  'sorenson-mp3.flv',
  'hevc-aac.mp4',
  'av1-opus.mp4',
];
/** What ffmpeg 5.1 cannot read in FLV. */
const ENHANCED = new Set<SourceName>(['hevc-aac.mp4', 'av1-opus.mp4']);
const FORMATS = ['flv', 'mp4'] as const;
/** A picture of 25 a second is shown no later after the time sought. */
const FRAME_MS = 41;
const TOLERANCE_MS = 100;

/** The vhosts: a plan and a format each. */
function dvr(vhost: string, rows: string, path = '[stream].[timestamp]'): string {
  return `vhost ${vhost} { dvr { enabled on; dvr_path ./rec/[vhost]/${path}.flv; ${rows} } }`;
}
const VHOSTS = [
  ...FORMATS.flatMap((format) => [
    dvr(`session-${format}.test`, `dvr_plan session; dvr_format ${format};`),
    dvr(`segment-${format}.test`, `dvr_plan segment; dvr_duration 1; dvr_format ${format};`),
    dvr(`append-${format}.test`, `dvr_plan append; dvr_format ${format};`, '[app]/[stream]'),
  ]),
  dvr('any.test', 'dvr_plan segment; dvr_duration 0.4; dvr_wait_keyframe off;'),
  dvr('dates.test', '', '[app]/[2006]/[01]/[02]/[15].[04].[05].[999]-[stream]'),
];

describe('recordings', () => {
  let sandbox: Sandbox;
  let server: Srs;
  const media = new Map<SourceName, Media>();
  const tags = new Map<SourceName, FlvTag[]>();
  let published = 0;

  before(async () => {
    sandbox = new Sandbox();
    server = await Srs.start(sandbox, { global: `utc_time on;\n${VHOSTS.join('\n')}` });
    for (const name of SOURCES) {
      const path = await source(name);
      tags.set(name, ENHANCED.has(name) ? await enhancedTags(path) : mediaOf(path));
      media.set(name, await inspect(path));
    }
    for (const vhost of FORMATS.map((format) => `session-${format}.test`)) {
      await Promise.all(SOURCES.map((name) => publish(name, vhost)));
    }
    for (const vhost of FORMATS.map((format) => `segment-${format}.test`)) {
      await Promise.all(
        (['h264-b-frames-aac.flv', 'aac.flv'] as const).map((name) => publish(name, vhost)),
      );
    }
    for (const format of FORMATS) {
      await publish('h264-aac.flv', `append-${format}.test`);
      await publish('h264-aac.flv', `append-${format}.test`);
    }
    await publish('h264-aac.flv', 'any.test');
    await publish('h264-aac.flv', 'dates.test');
    await server.hasUnpublished(published);
    const { stdout } = await server.stop();
    const errors = stdout.split('\n').filter((line) => line.includes('[error]'));
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(errors[0]!, /dvr .*sorenson-mp3\.flv leaves out: video/);
  });

  after(() => sandbox.close());

  /** Publishes all of a source, as fast as it goes. */
  async function publish(name: SourceName, vhost: string): Promise<void> {
    const publisher = await Client.publish(server.port, `${name}?vhost=${vhost}`);
    publisher.send(tags.get(name)!);
    publisher.close();
    await publisher.until('its end', () => publisher.isClosed);
    published++;
  }

  function filesOf(vhost: string, name: SourceName): Recorded[] {
    return recorded(server.program, `${vhost}/`).filter(({ file }) => file.includes(`/${name}`));
  }

  function pathOf({ file }: Recorded): string {
    return sandbox.path(file);
  }

  /** How long a source lasts, from its first frame to the end of its last. */
  function durationOf(name: SourceName): number {
    return media.get(name)!.durationMs;
  }

  for (const format of FORMATS) {
    for (const name of SOURCES) {
      it(`of a publish of ${name} hold it all, as ${format}`, async () => {
        const files = filesOf(`session-${format}.test`, name);
        assert.equal(files.length, 1);
        const [file] = files as [Recorded];
        const path = pathOf(file);
        assert.equal(file.bytes, fs.statSync(path).size);
        assert.ok(
          Math.abs(file.durationMs - durationOf(name)) <= TOLERANCE_MS,
          `${file.durationMs} ms of ${durationOf(name)} ms`,
        );
        if (format === 'flv') {
          assertMetadata(path, durationOf(name));
          assert.deepEqual(tagLines(tagsOf(path)), tagLines(tags.get(name)!));
          if (ENHANCED.has(name)) return;
        }
        const got = await inspect(path);
        const isSorenson = name === 'sorenson-mp3.flv' && format === 'mp4';
        assertSameFrames(got, media.get(name)!, isSorenson ? ['audio'] : undefined);
        if (!isSorenson) assertSameTimes(got, media.get(name)!);
        const offMs = got.durationMs - durationOf(name);
        assert.ok(Math.abs(offMs) <= TOLERANCE_MS, `duration is off by ${offMs} ms`);
        if (got.frames.video.length === 0) return;
        for (const seconds of [0.5, 2.2]) {
          const shown = await seek(path, seconds);
          const lateMs = shown - seconds * 1000;
          assert.ok(lateMs >= -1 && lateMs <= startOf(got) + FRAME_MS, `${shown} ms`);
        }
      });
    }

    it(`in segments begin with a key frame each, and lose nothing, as ${format}`, async () => {
      const name = 'h264-b-frames-aac.flv';
      const files = filesOf(`segment-${format}.test`, name);
      assert.equal(files.length, 3);
      const parts = await Promise.all(files.map((file) => inspect(pathOf(file))));
      for (const { complaints, durationMs, path } of parts) {
        assert.equal(complaints, '');
        assert.ok(durationMs > 900 && durationMs < 1200, `${path}: ${durationMs} ms`);
        const first = (await packetsOf(path)).find(({ codec_type: type }) => type === 'video');
        assert.ok(isKeyPacket(first!), path);
      }
      for (const kind of ['video', 'audio'] as const) {
        assertWhole(parts, media.get(name)!, kind);
      }
      const audio = filesOf(`segment-${format}.test`, 'aac.flv');
      assert.equal(audio.length, 3);
      const sounds = await Promise.all(audio.map((file) => inspect(pathOf(file))));
      assertWhole(sounds, media.get('aac.flv')!, 'audio');
    });

    it(`that are appended to go on in one timeline, as ${format}`, async () => {
      const path = sandbox.path(`rec/append-${format}.test/live/h264-aac.flv.${format}`);
      const got = await inspect(path);
      const sent = media.get('h264-aac.flv')!;
      assert.equal(got.complaints, '');
      for (const kind of ['video', 'audio'] as const) {
        const once = hashesOf(sent, kind);
        assert.deepEqual(hashesOf(got, kind), [...once, ...once]);
        assertRising(got.frames[kind]);
      }
      const offMs = got.durationMs - 2 * durationOf('h264-aac.flv');
      assert.ok(offMs >= -TOLERANCE_MS && offMs < 300, `duration is off by ${offMs} ms`);
      if (format === 'flv') assertMetadata(path, got.durationMs);
      for (const seconds of [2.2, 5.1]) {
        const shown = await seek(path, seconds);
        assert.ok(Math.abs(shown - seconds * 1000) < 300, `${shown} ms`);
      }
    });
  }

  it('that need not wait for a key frame are cut on time, and lose nothing', () => {
    const files = filesOf('any.test', 'h264-aac.flv');
    assert.ok(files.length >= 6 && files.length <= 8, `${files.length} files`);
    const parts = files.map((file) => tagsOf(pathOf(file)).filter(({ type }) => type <= 9));
    const frames = (list: readonly FlvTag[]): string[] =>
      list
        .filter(({ payload }) => payload[1] === 1)
        .map(({ type, payload }) => `${type} ${payload.toString('base64')}`);
    // Where a picture cannot be decoded it is left out.
    const all = new Set(parts.flatMap(frames));
    const due = frames(tags.get('h264-aac.flv')!).filter((one) => one.startsWith('8 '));
    assert.ok(due.every((one) => all.has(one)));
    assert.equal(parts.flat().filter(isKeyTag).length, 3);
  });

  it('are named by date and time, and none is left unfinished', () => {
    const [file] = filesOf('dates.test', 'h264-aac.flv').concat(
      recorded(server.program, 'dates.test/'),
    );
    const [year, month, day] = new Date().toISOString().slice(0, 10).split('-') as [
      string,
      string,
      string,
    ];
    assert.match(
      file!.file,
      new RegExp(
        `^(\\./)?rec/dates.test/live/${year}/${month}/${day}/\\d\\d\\.\\d\\d\\.\\d\\d\\.\\d{3}-h264-aac\\.flv\\.flv$`,
      ),
    );
    assert.deepEqual(
      filesBelow(sandbox.path('rec')).filter((path) => !/\.(?:flv|mp4)$/.test(path)),
      [],
    );
  });
});

/** Fails unless parts hold all frames of a source; small ones may have been finished in any order. */
function assertWhole(parts: readonly Media[], sent: Media, kind: Kind): void {
  const due = hashesOf(sent, kind);
  const got = parts.map((part) => hashesOf(part, kind));
  got.sort(([a = ''], [b = '']) => due.indexOf(a) - due.indexOf(b));
  assert.deepEqual(got.flat(), due);
}

/** Time at which a file begins to be shown. */
function startOf({ frames }: Media): number {
  return Math.min(...[...frames.video, ...frames.audio].map(({ pts }) => pts));
}

function assertRising(frames: readonly Frame[]): void {
  const steps = frames.slice(1).map(({ dts }, index) => dts - frames[index]!.dts);
  assert.ok(Math.min(...steps) > 0 && Math.max(...steps) < 500, steps.join());
}
