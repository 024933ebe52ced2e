/** Feeds damaged media to everything that reads it: descriptions never throw, parsers throw nothing but SrsError. */
import assert from 'node:assert/strict';

import fc from 'fast-check';

import { SrsError } from '../../src/core/errors';
import { parseAacConfig } from '../../src/media/aac';
import { parseAv1Config } from '../../src/media/av1';
import { parseAvcConfig, parseAvcSps } from '../../src/media/avc';
import {
  classifyAudio,
  classifyVideo,
  describeAudioHeader,
  describeVideoHeader,
  trackIdOf,
} from '../../src/media/codec';
import { codecString } from '../../src/media/codec-string';
import { FlvTagType } from '../../src/media/flv';
import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';
import { scanFlv } from '../../src/media/flv-scan';
import { parseHevcConfig, parseHevcSps } from '../../src/media/hevc';
import { parseMp3Header } from '../../src/media/mp3';
import { findBox } from '../../src/media/mp4/box';
import { FragmentWriter } from '../../src/media/mp4/fragment-writer';
import { mp4InitSegment, mp4RecordingHeader, mp4Supports } from '../../src/media/mp4/init-segment';
import { findLastFragmentEnd } from '../../src/media/mp4/last-fragment';
import { readFragmentTiming, readTrackTimings } from '../../src/media/mp4/track-timing';
import type { AudioTrack, MediaTrack, VideoTrack } from '../../src/media/track';
import { TrackReader } from '../../src/media/track-reader';
import { TsMuxer } from '../../src/media/ts-muxer';
import { TsReader } from '../../src/media/ts-reader';
import type { TsPes, TsSummary } from '../../src/media/ts-reader';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  flvFile,
  hevcInterFrame,
  hevcKeyFrame,
  hevcSequenceHeader,
  hex,
  records,
  sampleTags,
} from '../support/media';
import { Muxed, aac, audio, avc, video } from '../support/ts-muxed';

import { fuzzParameters } from './parameters';

const defaultSeed = 1935;
const options = { seed: defaultSeed, ...fuzzParameters() };
const allFlags = 31;

/** A seed with some bytes replaced and its end cut, or plain noise. */
function damaged(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const edits = fc.array(fc.tuple(fc.nat(4096), fc.nat(255)), { maxLength: 6 });
  const mutant = fc
    .tuple(fc.constantFrom(...seeds), edits, fc.nat(8))
    .map(([seed, changes, cut]) => {
      const bytes = Buffer.from(seed.subarray(0, Math.max(0, seed.length - cut)));
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 4, arbitrary: mutant }, { weight: 1, arbitrary: noise });
}

function throwsOnlySrsError(run: () => void): void {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof SrsError, String(error));
  }
}

describe('fuzz: media', () => {
  const bodies = [
    avcSequenceHeader(),
    avcSequenceHeader(records.avcInterlaced),
    hevcSequenceHeader(),
    Buffer.concat([hex('9600 68766331 02'), records.hevc]),
    Buffer.concat([hex('9702aabbcc 00 61763031'), records.av1]),
    Buffer.concat([hex('90 76703039'), records.vp9]),
    aacSequenceHeader(),
    aacSequenceHeader(records.aacSbr),
    Buffer.concat([hex('9500 4f707573 01'), records.opus]),
    Buffer.concat([hex('90 664c6143'), records.flac]),
    hex('2ffffb9064000000'),
  ];

  it('classifies and describes any body without throwing', function () {
    fc.assert(
      fc.property(damaged(bodies), fc.nat(3), (body, start) => {
        const end = body.length;
        assert.equal(classifyVideo(body, start, end) & ~allFlags, 0);
        assert.equal(classifyAudio(body, start, end) & ~allFlags, 0);
        for (const kind of ['audio', 'video'] as const) {
          const track = trackIdOf(kind, body, start, end);
          assert.ok(track >= 0 && track <= 255);
        }
        describeVideoHeader(body, start, end);
        describeAudioHeader(body, start, end);
        parseMp3Header(body, start, end);
      }),
      options,
    );
  });

  it('parses any codec record or throws an SrsError', function () {
    fc.assert(
      fc.property(damaged(Object.values(records)), (record) => {
        const parsers = [parseAvcConfig, parseHevcConfig, parseAv1Config, parseAacConfig];
        for (const parse of [...parsers, parseAvcSps, parseHevcSps]) {
          throwsOnlySrsError(() => {
            parse(record);
          });
        }
      }),
      options,
    );
  });

  it('reads any FLV file the same, however it is cut', function () {
    fc.assert(
      fc.property(
        damaged([flvFile(sampleTags(4))]),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 800 })), {
          minLength: 1,
        }),
        (file, sizes) => {
          assert.deepEqual(readFlv(file, sizes), readFlv(file, [file.length + 1]));
        },
      ),
      options,
    );
  });

  it('takes whatever tracks and frames messages hold into TS and MP4 that can be read back', function () {
    fc.assert(
      fc.property(
        fc.array(message(bodies), { maxLength: 30 }),
        fc.constantFrom(0, 100),
        (messages, audioPesMs) => {
          const remux = new Remux(audioPesMs);
          for (const one of messages) {
            throwsOnlySrsError(() => {
              remux.read(one);
            });
          }
          remux.finish();
        },
      ),
      options,
    );
  });

  it('reads any transport stream the same, however it is cut', function () {
    const stream = new Muxed(avc, aac, 100);
    for (let at = 0; at < 500; at += 40) {
      stream.write(video(at, '0000000565aabbccdd', at % 200 === 0), audio(at), audio(at + 20));
    }
    stream.muxer.flush();
    fc.assert(
      fc.property(damaged([stream.bytes]), fc.integer({ min: 1, max: 700 }), (bytes, size) => {
        assert.deepEqual(readPieces(bytes, size), readPieces(bytes, bytes.length + 1));
      }),
      options,
    );
  });

  it('finds the whole part of any recording', async function () {
    const flv = flvFile(sampleTags(30));
    await fc.assert(
      fc.asyncProperty(damaged([flv, mp4File()]), async (file) => {
        const source = {
          size: file.length,
          read: (at: number, length: number) => Promise.resolve(file.subarray(at, at + length)),
        };
        for (const { end } of [await scanFlv(source, 10), await findLastFragmentEnd(source)]) {
          assert.ok(end >= 0 && end <= file.length);
        }
      }),
      options,
    );
  });
});

interface Message {
  readonly body: Buffer;
  readonly isVideo: boolean;
  readonly stepMs: number;
}

/** A configuration or a frame, whole or damaged, of either kind, so many milliseconds after the one before. */
function message(configurations: readonly Buffer[]): fc.Arbitrary<Message> {
  const frames = [
    avcKeyFrame('key', 300),
    avcInterFrame('inter', 200),
    hevcKeyFrame(),
    hevcInterFrame(),
    aacFrame('sound', 150),
    hex('1701000050 0000000109 0000000365b804'),
    hex('1701000000 00000001674d00 00000001 68ee 00000165b804'),
    hex('a76176303100 0a0b00000024c4ffdf00680200'),
    Buffer.concat([hex('2ffffb9064'), Buffer.alloc(400)]),
    Buffer.concat([hex('2ffffb9064'), Buffer.alloc(66_000)]),
    Buffer.concat([hex('9161632d33 0b77000014402f84'), Buffer.alloc(20)]),
  ];
  const whole = fc.constantFrom(...configurations, ...frames);
  return fc.record({
    body: fc.oneof(whole, damaged([...configurations, ...frames])),
    isVideo: fc.boolean(),
    stepMs: fc.oneof(fc.nat(50), fc.integer({ min: -5000, max: 5000 }), fc.constant(2 ** 32 - 20)),
  });
}

/** Takes what messages hold into a transport stream and into fragments, and reads both back. */
class Remux {
  readonly #ts: Muxed;
  readonly #reader = new TrackReader({
    onTrack: (track) => {
      this.#onTrack(track);
    },
    onFrame: (frame) => {
      this.#fragments.add(frame);
      this.#ts.muxer.writeFrame(frame);
    },
    onIgnored: () => undefined,
  });
  #video: VideoTrack | undefined;
  #audio: AudioTrack | undefined;
  /** The tracks that MP4 can describe. */
  #described: MediaTrack[] = [];
  #fragments = new FragmentWriter([]);
  #timestamp = 0;

  constructor(audioPesMs: number) {
    this.#ts = new Muxed(undefined, undefined, audioPesMs);
  }

  read({ body, isVideo, stepMs }: Message): void {
    this.#timestamp = Math.max(0, this.#timestamp + stepMs) % 2 ** 32;
    const classify = isVideo ? classifyVideo : classifyAudio;
    this.#reader.read({
      type: isVideo ? FlvTagType.video : FlvTagType.audio,
      timestamp: this.#timestamp,
      flags: classify(body, 0, body.length),
      payload: body,
    });
  }

  finish(): void {
    this.#checkFragment();
    this.#ts.muxer.flush();
    for (const pes of this.#ts.read().pes) assert.ok(!pes.isTruncated);
  }

  #onTrack(track: MediaTrack): void {
    this.#checkFragment();
    codecString(track);
    if (track.kind === 'video') this.#video = track;
    else this.#audio = track;
    const tracks = [this.#video, this.#audio].filter((one) => one !== undefined);
    this.#described = tracks.filter(mp4Supports);
    this.#fragments = new FragmentWriter(this.#described);
    this.#ts.muxer.setTracks(carried(this.#video), carried(this.#audio));
  }

  #checkFragment(): void {
    const fragment = this.#fragments.flush();
    if (fragment === undefined) return;
    const bytes = Buffer.concat(fragment.data);
    assert.equal(bytes.length, fragment.bytes);
    const moov = findBox(mp4InitSegment(this.#described), 'moov');
    const moof = findBox(bytes, 'moof');
    assert.ok(moov && moof && findBox(bytes, 'mdat'));
    const timing = readFragmentTiming(moof.content, readTrackTimings(moov.content));
    assert.ok(timing !== undefined && timing.endMs > timing.startMs);
  }
}

/** A track that MPEG-TS carries. */
function carried<Track extends MediaTrack>(track: Track | undefined): Track | undefined {
  return track && TsMuxer.supports(track) ? track : undefined;
}

/** A recording of two fragments. */
function mp4File(): Buffer {
  const writer = new FragmentWriter([avc, aac]);
  const parts = [mp4RecordingHeader([avc, aac])];
  for (let at = 0; at < 400; at += 40) {
    writer.add(video(at, '0000000565aabbccdd', at % 200 === 0));
    if (at === 200) parts.push(...(writer.cut()?.data ?? []));
    writer.add(audio(at));
  }
  parts.push(...(writer.flush()?.data ?? []));
  return Buffer.concat(parts);
}

function readPieces(bytes: Buffer, size: number): { summary: TsSummary; pes: TsPes[] } {
  const pes: TsPes[] = [];
  const reader = new TsReader({ onPes: (one) => pes.push(one) });
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return { summary: reader.finish(), pes };
}

/** One line per tag, and one for the error that ended it. The sizes of the pieces come round again. */
function readFlv(file: Buffer, sizes: readonly number[]): string[] {
  const tags: FlvTag[] = [];
  const errors: string[] = [];
  const reader = new FlvReader();
  try {
    for (let at = 0, turn = 0; at < file.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      reader.push(file.subarray(at, at + size));
      at += size;
      for (let tag = reader.read(); tag !== undefined; tag = reader.read()) tags.push(tag);
    }
    reader.finish();
  } catch (error) {
    assert.ok(error instanceof SrsError, String(error));
    errors.push(error.message);
  }
  // Only now: what was handed out must not have changed since.
  const lines = tags.map((tag) => `${tag.type} ${tag.timestamp} ${tag.payload.toString('hex')}`);
  return [...lines, ...errors];
}
