import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import type { AudioTrack, MediaFrame, VideoTrack } from '../../../src/media/track';
import { TsMuxer } from '../../../src/media/ts-muxer';
import { hex, records } from '../../support/media';
import { Muxed, aac, audio, avc, hevc, mp3, packetsOf, video } from '../../support/ts-muxed';

const sps = records.avc.toString('hex', 8, 34);
const pps = records.avc.toString('hex', 37, 42);

describe('media/ts-muxer bytes', () => {
  it('writes tables, a key frame and a sound exactly as the standard has them', () => {
    const muxed = new Muxed(avc, aac);
    muxed.write({ ...video(0, '00000002 6588', true), compositionMs: 80 }, audio(23));
    const pat = `4740001000 00b00d0001c100000001f0012e701905 ${'ff'.repeat(167)}`;
    const pmt = `4750011000 02b0170001c10000e100f0001be100f0000fe101f0002f44b99b ${'ff'.repeat(157)}`;
    const clock = `47410030 72 50 000000007e00 ${'ff'.repeat(107)}`;
    const picture =
      `000001e0 003f 80c00a 3100013841 1100010001` +
      `00000001 09f0 00000001 ${sps} 00000001 ${pps} 000001 6588`;
    const stuffing = `47410130 a0 00 ${'ff'.repeat(159)}`;
    const sound = '000001c0 0011 808005 210001102d fff15080013ffc aabb';
    const expected = [pat, pmt, clock, picture, stuffing, sound].join('').replace(/\s/g, '');
    assert.equal(muxed.bytes.toString('hex'), expected);
    assert.deepEqual(
      muxed.writes.map((packets) => packets.length / 188),
      [3, 1],
      'each frame is handed on at once',
    );
  });

  it('fills packets to the last byte, whatever the size of a frame', () => {
    const muxed = new Muxed(avc, mp3);
    const sizes = Array.from({ length: 600 }, (_, index) => index + 1);
    const frames = sizes.map((size) => Buffer.alloc(size, size));
    frames.forEach((frame, index) => muxed.write(audio(index * 20, frame)));
    const { pes } = muxed.read();
    assert.deepEqual(
      pes.map((one) => one.data),
      frames,
    );
    assert.ok(pes.every((one) => !one.isTruncated && one.pid === 0x102));
  });

  it('leaves the length of a large picture open, never that of sound', () => {
    const large = Buffer.alloc(200_000, 0x41);
    large.writeUInt32BE(large.length - 4);
    const muxed = new Muxed(avc, mp3, 1000).write(video(0, large, true));
    for (let index = 0; index < 20; index++) muxed.write(audio(index, Buffer.alloc(8000, index)));
    muxed.muxer.flush();
    const { pes, summary } = muxed.read();
    const picture = pes.find((one) => one.pid === 0x100);
    assert.equal(picture?.data.subarray(-199_996).equals(large.subarray(4)), true);
    assert.match(packetsOf(muxed.bytes, 0x100)[0] ?? '', /^47410030.*000001e0000080/);
    const sounds = pes.filter((one) => one.pid === 0x102);
    assert.deepEqual(
      sounds.map((one) => one.data.length),
      [64000, 64000, 32000],
    );
    assert.ok(sounds.every((one) => !one.isTruncated));
    assert.equal(summary.pids.get(0x100)?.truncated, 0);
  });

  it('keeps what it handed on as it was', () => {
    const muxed = new Muxed(avc, aac);
    const copies: Buffer[] = [];
    for (let index = 0; index < 100; index++) {
      muxed.write(video(index * 40, '00000002 4101', index === 0), audio(index * 40));
      copies.push(Buffer.from(muxed.writes[index] ?? ''));
    }
    assert.deepEqual(muxed.writes.slice(0, 100), copies);
  });
});

describe('media/ts-muxer H.264 and H.265', () => {
  it('puts delimiter and parameter sets where a frame lacks them', () => {
    const sets = `00000001${sps}00000001${pps}`;
    const aud = '0000000109f0';
    const rows: [string, MediaFrame, string][] = [
      ['an inter frame', video(0, '00000002 4101'), `${aud}0000014101`],
      ['a key frame', video(0, '00000002 6588', true), `${aud}${sets}0000016588`],
      ['an IDR not announced as key', video(0, '00000002 6588'), `${aud}${sets}0000016588`],
      ['a key frame without IDR', video(0, '00000002 4188', true), `${aud}${sets}0000014188`],
      [
        'its own delimiter',
        video(0, '00000002 0910 00000002 6588', true),
        `000000010910${sets}0000016588`,
      ],
      [
        'its own sets',
        video(0, '00000002 6742 00000002 68ce 00000002 0601 00000002 6588', true),
        `${aud}0000000167420000000168ce00000106010000016588`,
      ],
      [
        'only one of the sets',
        video(0, '00000002 68ce 00000002 6588', true),
        `${aud}${sets}0000000168ce0000016588`,
      ],
      [
        'a delimiter in the middle and empty units',
        video(0, '00000000 00000002 4101 00000002 09f0 00000001 41'),
        `${aud}000001410100000141`,
      ],
      [
        'bytes that look like start codes',
        video(0, '00000006 410000030001'),
        `${aud}000001410000030001`,
      ],
    ];
    for (const [name, frame, expected] of rows) {
      assert.deepEqual(new Muxed(avc).write(frame).streams(0x100), [expected], name);
    }
  });

  it('writes all parameter sets of a record with several', () => {
    const two = hex('0142c01e ffe2 0003 674201 0003 674202 02 0002 6801 0002 6802');
    const muxed = new Muxed({ ...avc, record: two }).write(video(0, '00000002 6588', true));
    const prefix = '0000000167420100000001674202000000016801000000016802';
    assert.deepEqual(muxed.streams(0x100), [`0000000109f0${prefix}0000016588`]);
  });

  it('reads lengths of 1 and 2 bytes', () => {
    for (const [lengthSize, data] of [
      [1, '02 4101 01 41'],
      [2, '0002 4101 0001 41'],
    ] as const) {
      const muxed = new Muxed({ ...avc, lengthSize }).write(video(0, data));
      assert.deepEqual(muxed.streams(0x100), ['0000000109f0000001410100000141']);
    }
  });

  it('does the same for H.265, whose sets go in the order VPS, SPS, PPS', () => {
    const sets = [
      [28, 24],
      [57, 43],
      [105, 6],
    ].map(([at = 0, size = 0]) => `00000001${records.hevc.toString('hex', at, at + size)}`);
    const aud = '00000001460150';
    const key = new Muxed(hevc).write(video(0, '00000003 2601af', true));
    assert.deepEqual(key.streams(0x100), [`${aud}${sets.join('')}0000012601af`]);
    const cra = new Muxed(hevc).write(video(0, '00000003 2a01af'));
    assert.deepEqual(cra.streams(0x100), [`${aud}${sets.join('')}0000012a01af`]);
    const inter = new Muxed(hevc).write(video(0, '00000003 460110 00000003 0201d0'));
    assert.deepEqual(inter.streams(0x100), ['000000014601100000010201d0']);
    assert.equal(key.read().summary.programs[0]?.streams[0]?.streamType, 0x24);
  });

  it('writes nothing for a frame with nothing in it', () => {
    const muxed = new Muxed(avc, aac);
    muxed.write(video(0, '', true), video(0, '00000000'), video(0, '00000002 09f0'), audio(0, ''));
    assert.deepEqual(muxed.writes, []);
  });

  it('refuses a frame whose units do not fill it, before anything of it is written', () => {
    const muxed = new Muxed(avc);
    for (const data of ['00000009 41', '00000002 4101 00', 'ffffffff 41']) {
      assert.throws(() => muxed.write(video(0, data)), { code: ErrorCode.HLS_AVC_SAMPLE_SIZE });
    }
    assert.deepEqual(muxed.writes, []);
  });
});

describe('media/ts-muxer tables', () => {
  it('lists only what is there, with the clock where it runs', () => {
    const rows: [VideoTrack | undefined, AudioTrack | undefined, number, number[][]][] = [
      [avc, undefined, 0x100, [[0x1b, 0x100]]],
      [undefined, aac, 0x101, [[0x0f, 0x101]]],
      [undefined, mp3, 0x102, [[0x03, 0x102]]],
      [undefined, { ...mp3, sampleRate: 22050 }, 0x102, [[0x04, 0x102]]],
      [undefined, { ...mp3, codec: 'ac-3' }, 0x102, [[0x81, 0x102]]],
      [
        hevc,
        { ...mp3, codec: 'ec-3' },
        0x100,
        [
          [0x24, 0x100],
          [0x87, 0x102],
        ],
      ],
      [undefined, undefined, 0x1fff, []],
    ];
    for (const [videoTrack, audioTrack, pcrPid, expected] of rows) {
      const muxed = new Muxed(videoTrack, audioTrack);
      muxed.muxer.writeTables();
      const [program] = muxed.read().summary.programs;
      assert.equal(program?.pmtPid, 0x1001);
      assert.equal(program.pcrPid, pcrPid);
      const streams = program.streams.map(({ streamType, pid }) => [streamType, pid]);
      assert.deepEqual(streams, expected);
    }
  });

  it('raises the version when the list changes, not when a record does', () => {
    const muxed = new Muxed(avc);
    const version = (): number | undefined => muxed.read().summary.programs[0]?.version;
    muxed.muxer.setTracks(avc, aac);
    muxed.muxer.writeTables();
    assert.equal(version(), 0, 'nobody has seen the first list');
    muxed.muxer.setTracks({ ...avc, record: records.avcBaseline }, aac);
    muxed.muxer.writeTables();
    assert.equal(version(), 0);
    muxed.muxer.setTracks(avc, mp3);
    muxed.write(video(0, '00000002 4101'));
    assert.equal(version(), 1);
    for (let turn = 0; turn < 31; turn++) {
      muxed.muxer.setTracks(avc, turn % 2 === 0 ? aac : mp3);
      muxed.muxer.writeTables();
    }
    assert.equal(version(), 0);
  });

  it('repeats them every 500 ms of media, later when they were asked for', () => {
    const muxed = new Muxed(avc);
    const tables = (): number => packetsOf(muxed.bytes, 0).length;
    for (let ms = 0; ms < 2000; ms += 40) muxed.write(video(ms, '00000002 4101', ms === 0));
    assert.equal(tables(), 4);
    assert.equal(packetsOf(muxed.bytes, 0x1001).length, 4);
    muxed.muxer.writeTables();
    muxed.write(video(2040, '00000002 4101'), video(2500, '00000002 4101'));
    assert.equal(tables(), 5);
    muxed.write(video(2540, '00000002 4101'));
    assert.equal(tables(), 6);
    muxed.read();
  });

  it('refuses tracks it cannot carry and stays as it was', () => {
    const muxed = new Muxed(avc, aac);
    const xhe = { ...aac, record: hex('f94840') };
    for (const track of [
      { ...avc, codec: 'av01' } as const,
      { ...avc, codec: 'vp09' } as const,
      { ...aac, codec: 'Opus' } as const,
      { ...aac, codec: 'fLaC' } as const,
      xhe,
    ]) {
      assert.equal(TsMuxer.supports(track), false);
    }
    assert.throws(
      () => {
        muxed.muxer.setTracks({ ...avc, codec: 'av01' }, undefined);
      },
      { code: ErrorCode.HLS_DECODE_ERROR, message: /carries, got av01/ },
    );
    assert.throws(() => {
      muxed.muxer.setTracks(undefined, xhe);
    });
    muxed.write(video(0, '00000002 4101'), audio(0));
    assert.equal(muxed.read().pes.length, 2);
    for (const track of [avc, hevc, aac, mp3, { ...mp3, codec: 'ac-3' } as const]) {
      assert.equal(TsMuxer.supports(track), true);
    }
  });

  it('ignores frames of a kind that has no track', () => {
    const muxed = new Muxed(avc).write(audio(0));
    muxed.muxer.setTracks(undefined, aac);
    muxed.write(video(0, '00000002 4101'));
    assert.deepEqual(muxed.writes, []);
  });
});
