import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import {
  av1LevelName,
  av1ProfileName,
  firstAv1SequenceHeader,
  parseAv1Config,
} from '../../../src/media/av1';
import {
  avcLevelName,
  avcProfileName,
  makeAvcConfig,
  parseAvcConfig,
  parseAvcSps,
} from '../../../src/media/avc';
import { BitReader, unescapeNalUnit } from '../../../src/media/bit-reader';
import {
  hevcLevelName,
  hevcProfileName,
  parseHevcConfig,
  parseHevcSps,
  withHevcParameterSets,
} from '../../../src/media/hevc';
import { Bits } from '../../support/bits';
import { hex, records } from '../../support/media';

describe('media/avc', () => {
  it('takes a decoder configuration apart', () => {
    const config = parseAvcConfig(Buffer.concat([hex('ffff'), records.avc, hex('ff')]), 2, 46);
    assert.equal(config.profile, 100);
    assert.equal(config.compatibility, 0);
    assert.equal(config.level, 30);
    assert.equal(config.lengthSize, 4);
    assert.deepEqual(
      config.sps.map((sps) => sps.length),
      [26],
    );
    assert.deepEqual(
      config.pps.map((pps) => Buffer.from(pps)),
      [hex('68e9732c8b')],
    );
  });

  it('refuses another version and a truncated record', () => {
    assert.throws(() => parseAvcConfig(hex('0064001effe1')), {
      code: ErrorCode.HLS_DECODE_ERROR,
      message: /configurationVersion 1, got 0/,
    });
    assert.throws(() => parseAvcConfig(records.avc.subarray(0, 20)), {
      code: ErrorCode.KERNEL_STREAM_INIT,
    });
  });

  it('refuses a parameter set of another kind', () => {
    assert.throws(() => parseAvcSps(hex('68e9732c8b')), { message: /NAL unit of type 7, got 8/ });
  });

  it('reads past scaling lists, field coding, picture order type 1 and the whole of VUI', () => {
    const sps = new Bits().u(0x67, 8).u(100, 8).u(0, 8).u(40, 8).ue(0, 3).u(1, 1).ue(0, 0).u(0, 1);
    sps.u(1, 1).u(1, 1);
    for (let index = 0; index < 15; index++) sps.se(1);
    sps.se(-23);
    sps.u(1, 1).se(-8);
    sps.u(0, 10).ue(0, 1).u(0, 1).se(-1, 2).ue(2).se(1, -1).ue(4).u(0, 1);
    sps.ue(119, 33).u(0, 1).u(1, 1).u(1, 1).u(1, 1).ue(0, 0, 0, 4);
    sps.u(1, 1).u(1, 1).u(255, 8).u(1, 16).u(1, 16).u(1, 1).u(0, 1).u(1, 1).u(5, 3).u(0, 1);
    sps.u(1, 1).u(0x010101, 24).u(1, 1).ue(0, 0).u(1, 1).u(1, 32).u(50, 32).u(1, 8);
    assert.deepEqual(parseAvcSps(sps.done()), {
      profile: 100,
      level: 40,
      width: 1920,
      height: 1080,
      fps: 25,
    });
  });

  it('states no rate when there is no VUI, no timing, or a tick of zero', () => {
    const start = (): Bits =>
      new Bits().u(0x67, 8).u(66, 8).u(0, 8).u(30, 8).ue(0, 0, 0, 0, 1).u(0, 1).ue(39, 29).u(7, 3);
    const bare = parseAvcSps(start().ue(0, 0, 0, 0).u(0, 1).done());
    assert.deepEqual(bare, { profile: 66, level: 30, width: 640, height: 480, fps: 0 });
    const untimed = start().ue(0, 0, 0, 0).u(1, 1).u(0, 5);
    assert.equal(parseAvcSps(untimed.done()).fps, 0);
    const zero = start().ue(0, 0, 0, 0).u(1, 1).u(0, 4).u(1, 1).u(0, 32).u(50, 32);
    assert.equal(parseAvcSps(zero.done()).fps, 0);
  });

  it('refuses an endless picture order cycle and an endless Exp-Golomb number', () => {
    const cycle = new Bits()
      .u(0x67, 8)
      .u(66, 8)
      .u(0, 8)
      .u(30, 8)
      .ue(0, 0, 1)
      .u(0, 1)
      .se(0, 0)
      .ue(256);
    assert.throws(() => parseAvcSps(cycle.done()), { message: /cycle of 256, at most 255/ });
    assert.throws(() => new BitReader(Buffer.alloc(8)).unsignedExpGolomb(), {
      message: /longer than 32 bits/,
    });
  });

  it('names profiles and levels', () => {
    const names = [66, 77, 88, 100, 110, 122, 244, 44].map((profile) => avcProfileName(profile));
    assert.deepEqual(names.join(), 'Baseline,Main,Extended,High,High 10,High 4:2:2,High 4:4:4,44');
    assert.equal(avcProfileName(66, 0x40), 'Constrained Baseline');
    assert.deepEqual([9, 10, 31, 51].map(avcLevelName), ['1b', '1', '3.1', '5.1']);
  });
});

describe('media/avc records made of parameter sets', () => {
  it('makes the record again that the sets came from', () => {
    for (const record of [records.avc, records.avcBaseline, records.avc444]) {
      const { sps, pps, lengthSize } = parseAvcConfig(record);
      assert.equal(makeAvcConfig(sps, pps, lengthSize).toString('hex'), record.toString('hex'));
    }
  });

  it('refuses to make one without a whole sequence parameter set', () => {
    for (const sps of [[], [hex('6764')], [hex('6764001e')], [hex('6764001e0200')]]) {
      assert.throws(() => makeAvcConfig(sps, [], 4), { code: ErrorCode.HLS_DECODE_ERROR });
    }
    const { sps, pps } = parseAvcConfig(records.avc);
    const tooMany = Array.from({ length: 32 }, () => sps[0]!);
    for (const [some, others] of [
      [tooMany, pps],
      [sps, Array.from({ length: 256 }, () => pps[0]!)],
      [sps, [Buffer.alloc(65536)]],
    ]) {
      assert.throws(() => makeAvcConfig(some!, others!, 4), { message: /too many or too long/ });
    }
    const absurd = new Bits().u(0x67, 8).u(100, 8).u(0, 8).u(30, 8).ue(0, 3).u(0, 1).ue(7, 0);
    assert.throws(() => makeAvcConfig([absurd.done()], [], 4), { message: /8\+7, 8\+0/ });
  });
});

describe('media/bit-reader', () => {
  it('removes emulation prevention bytes, and only those', () => {
    const nal = hex('6700000300000301000003000000000003');
    assert.deepEqual(
      Buffer.from(unescapeNalUnit(nal)),
      hex('6700000000010000000000000000').subarray(0, 13),
    );
    assert.deepEqual(Buffer.from(unescapeNalUnit(hex('00030003'))), hex('00030003'));
  });

  it('reads signed and unsigned Exp-Golomb numbers of every size', () => {
    const values = [0, 1, 2, 3, 254, 255, 65535, 2 ** 31, 2 ** 32 - 2];
    const unsigned = new BitReader(new Bits().ue(...values).done());
    assert.deepEqual(
      values.map(() => unsigned.unsignedExpGolomb()),
      values,
    );
    const signed = new BitReader(new Bits().se(0, 1, -1, 2, -2, 300, -300).done());
    const got = [1, 2, 3, 4, 5, 6, 7].map(() => signed.signedExpGolomb() + 0);
    assert.deepEqual(got, [0, 1, -1, 2, -2, 300, -300]);
  });

  it('refuses to read or skip beyond the end', () => {
    const bits = new BitReader(hex('ff'));
    assert.throws(() => bits.bits(9), { message: /9 bits wanted, 8 left/ });
    assert.throws(
      () => {
        bits.skip(9);
      },
      { code: ErrorCode.HLS_DECODE_ERROR },
    );
    assert.equal(bits.bits(8), 255);
  });
});

describe('media/hevc', () => {
  it('takes a decoder configuration apart', () => {
    const config = parseHevcConfig(records.hevcMain10);
    assert.equal(config.profile, 2);
    assert.equal(config.isHighTier, false);
    assert.equal(config.level, 120);
    assert.equal(config.lengthSize, 4);
    assert.deepEqual(
      config.nalUnits.map((unit) => [unit.type, unit.data.length]),
      [
        [32, 24],
        [33, 45],
        [34, 6],
      ],
    );
  });

  it('refuses another version, a truncated record and a parameter set of another kind', () => {
    assert.throws(() => parseHevcConfig(hex('0201')), { message: /configurationVersion 1, got 2/ });
    assert.throws(() => parseHevcConfig(records.hevc.subarray(0, 60)), {
      code: ErrorCode.KERNEL_STREAM_INIT,
    });
    assert.throws(() => parseHevcSps(hex('4401c073c189')), { message: /type 33, got 34/ });
  });

  it('refuses more NAL units than parameter sets could be, whose bytes are far fewer than their cost', () => {
    const record = (count: number): Buffer => {
      const array = Buffer.alloc(3 + 2 * count, 0x00);
      array.writeUInt16BE(count, 1);
      return Buffer.concat([records.hevc.subarray(0, 22), hex('01'), array]);
    };
    assert.equal(parseHevcConfig(record(1024)).nalUnits.length, 1024);
    assert.throws(() => parseHevcConfig(record(1025)), { message: /more than 1024 NAL units/ });
  });

  it('replaces the parameter sets of a record', () => {
    const sets = parseHevcConfig(records.hevcMain10).nalUnits.map((unit) => unit.data);
    const replaced = withHevcParameterSets(records.hevc, sets);
    assert.deepEqual(
      parseHevcConfig(replaced).nalUnits.map((unit) => unit.data),
      sets,
    );
    assert.equal(replaced.toString('hex', 0, 22), records.hevc.toString('hex', 0, 22));
    assert.throws(() => withHevcParameterSets(records.hevc, [Buffer.alloc(65536)]), {
      code: ErrorCode.HLS_DECODE_ERROR,
    });
  });

  it('reads past sub-layers, separate planes and the conformance window', () => {
    const start = (): Bits => new Bits().u(0x4201, 16).u(0, 4);
    const layered = start()
      .u(2, 3)
      .u(1, 1)
      .u(0, 96)
      .u(0b1101, 4)
      .u(0, 12)
      .u(0, 88 + 8 + 8);
    layered.ue(0, 1).ue(1920, 1088).u(1, 1).ue(0, 0, 0, 4);
    assert.deepEqual(parseHevcSps(layered.done()), { width: 1920, height: 1080 });
    const separate = start()
      .u(0, 3)
      .u(1, 1)
      .u(0, 96)
      .ue(0, 3)
      .u(1, 1)
      .ue(640, 364)
      .u(1, 1)
      .ue(0, 0, 2, 2);
    assert.deepEqual(parseHevcSps(separate.done()), { width: 640, height: 360 });
  });

  it('reads the average frame rate and the tier', () => {
    const record = Buffer.from(records.hevc.subarray(0, 23));
    record[1] = 0x21;
    record.writeUInt16BE(25 * 256, 19);
    record[22] = 0;
    const config = parseHevcConfig(record);
    assert.equal(config.fps, 25);
    assert.equal(config.isHighTier, true);
  });

  it('names profiles and levels', () => {
    assert.deepEqual([1, 2, 3, 4, 9].map(hevcProfileName), [
      'Main',
      'Main 10',
      'Main Still Picture',
      'Rext',
      '9',
    ]);
    assert.deepEqual([30, 93, 153].map(hevcLevelName), ['1', '3.1', '5.1']);
  });
});

describe('media/av1', () => {
  const open = (): Bits => new Bits().u(0x81, 8).u(0b00101101, 8).u(0, 16);
  const obu = (): Bits => open().u(0b00001000, 8);

  it('reads profile, level and size', () => {
    assert.deepEqual(parseAv1Config(records.av1), {
      profile: 0,
      level: 5,
      width: 1280,
      height: 720,
    });
    const padded = Buffer.concat([hex('ff'), records.av1]);
    assert.equal(parseAv1Config(padded, 1).width, 1280);
  });

  it('reads the size of a still picture with the reduced header and an extended OBU', () => {
    const still = open().u(0b00001110, 8).u(0, 8).u(0x80, 8).u(0x01, 8);
    still.u(0, 3).u(1, 1).u(1, 1).u(0, 5).u(8, 4).u(8, 4).u(319, 9).u(239, 9);
    assert.deepEqual(parseAv1Config(still.done()), {
      profile: 1,
      level: 13,
      width: 320,
      height: 240,
    });
  });

  it('reads past timing, decoder model and display delays', () => {
    const model = obu().u(0, 5).u(1, 1).u(1, 32).u(25, 32).u(1, 1).ue(0);
    model.u(1, 1).u(9, 5).u(1, 32).u(0, 10).u(1, 1).u(1, 5);
    model.u(0, 12).u(8, 5).u(1, 1).u(1, 1).u(0, 21).u(1, 1).u(3, 4);
    model.u(0, 12).u(5, 5).u(0, 1).u(0, 1);
    model.u(10, 4).u(9, 4).u(1919, 11).u(1023, 10);
    assert.equal(parseAv1Config(model.done()).width, 1920);
    const timed = obu().u(0, 5).u(1, 1).u(1, 32).u(25, 32).u(0, 1).u(0, 1).u(0, 1).u(0, 5);
    timed.u(0, 12).u(5, 5).u(8, 4).u(8, 4).u(319, 9).u(239, 9);
    assert.equal(parseAv1Config(timed.done()).height, 240);
  });

  it('states no size when the record holds no sequence header', () => {
    assert.equal(parseAv1Config(hex('81050c00')).width, 0);
    assert.equal(parseAv1Config(hex('81050c00 1200')).width, 0);
  });

  it('finds the sequence header among the units of a frame', () => {
    const header = records.av1.subarray(4);
    const find = (unit: Buffer): string | undefined =>
      firstAv1SequenceHeader(unit)?.toString('hex');
    assert.equal(find(Buffer.concat([hex('1200'), header, hex('3200')])), header.toString('hex'));
    assert.equal(find(Buffer.concat([hex('160000'), hex('0c01'), hex('ff')])), '0c01ff', 'unsized');
    for (const unit of ['1200 3200', '1205', '12', '12 ffffffffffffffff00', '']) {
      assert.equal(find(hex(unit)), undefined, unit);
    }
  });

  it('refuses another version and an endless size', () => {
    assert.throws(() => parseAv1Config(hex('01050c00')), { message: /version 129, got 1/ });
    assert.throws(() => parseAv1Config(hex('81050c00 0a ffffffffffffffffff')), {
      message: /more than 8 bytes/,
    });
  });

  it('names profiles and levels', () => {
    assert.deepEqual([0, 1, 2, 3].map(av1ProfileName), ['Main', 'High', 'Professional', '3']);
    assert.deepEqual([0, 5, 13].map(av1LevelName), ['2.0', '3.1', '5.1']);
  });
});
