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
import { FlvReader } from '../../src/media/flv-reader';
import { parseHevcConfig, parseHevcSps } from '../../src/media/hevc';
import { parseMp3Header } from '../../src/media/mp3';
import {
  aacSequenceHeader,
  avcSequenceHeader,
  flvFile,
  hevcSequenceHeader,
  hex,
  records,
  sampleTags,
} from '../support/media';

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
        fc.integer({ min: 1, max: 300 }),
        (file, size) => {
          assert.deepEqual(readFlv(file, size), readFlv(file, file.length + 1));
        },
      ),
      options,
    );
  });
});

/** One line per tag, and one for the error that ended it. */
function readFlv(file: Buffer, size: number): string[] {
  const lines: string[] = [];
  const reader = new FlvReader();
  try {
    for (let at = 0; at < file.length; at += size) {
      reader.push(file.subarray(at, at + size));
      for (let tag = reader.read(); tag !== undefined; tag = reader.read()) {
        lines.push(`${tag.type} ${tag.timestamp} ${tag.payload.toString('hex')}`);
      }
    }
    reader.finish();
  } catch (error) {
    assert.ok(error instanceof SrsError, String(error));
    lines.push(error.message);
  }
  return lines;
}
