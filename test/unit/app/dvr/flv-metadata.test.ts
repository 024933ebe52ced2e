import assert from 'node:assert/strict';

import {
  encodeFlvMetadata,
  flvMetadataRoom,
  flvPatches,
  readFlvMetadata,
} from '../../../../src/app/dvr/flv-metadata';
import type { FlvFacts } from '../../../../src/app/dvr/flv-metadata';
import { FlvIndex } from '../../../../src/media/flv-index';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../../src/rtmp/amf0-writer';

const metadata = AmfObject.of({ width: 640, note: 'x', duration: 5, server: 'other' });

function facts(entries: number): FlvFacts {
  const index = new FlvIndex(1024);
  for (let at = 0; at < entries; at++) index.addVideo(at * 1000, 1000 + at);
  return { metadata, durationMs: 7500, bytes: 4321, index, hasAudio: true, hasVideo: false };
}

describe('FLV metadata', () => {
  it('fills its room exactly, whatever the index takes', () => {
    const room = flvMetadataRoom(metadata, 100);
    for (let entries = 0; entries <= 300; entries += 7) {
      const body = encodeFlvMetadata(facts(entries), room);
      assert.equal(body?.length, room, `${entries} entries`);
    }
  });

  it('reads back what was written', () => {
    const body = encodeFlvMetadata(facts(3), flvMetadataRoom(metadata, 100));
    const read = body && readFlvMetadata(body);
    assert.deepEqual(read?.entries, facts(3).index.entries);
    assert.equal(read.durationMs, 7500);
    assert.equal(read.bytes, 4321);
    assert.deepEqual([...read.metadata.entries.keys()], ['width', 'note']);
  });

  it('thins the index out evenly when there is too little room', () => {
    const room = flvMetadataRoom(metadata, 0);
    const body = encodeFlvMetadata(facts(1000), room);
    const times = (body && readFlvMetadata(body)?.entries)?.map(({ timeMs }) => timeMs) ?? [];
    assert.ok(times.length > 90 && times.length <= 120, String(times.length));
    assert.equal(times[0], 0);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    assert.ok(Math.max(...gaps) - Math.min(...gaps) <= 1000);
    assert.ok((times.at(-1) ?? 0) >= 980_000);
  });

  it('leaves out an index of one entry', () => {
    const body = encodeFlvMetadata(facts(1), flvMetadataRoom(metadata, 10));
    assert.equal(body?.includes('filepositions'), false);
  });

  it('keeps to the essential when there is no more room, and to nothing when there is none', () => {
    const small = encodeAmf0('onMetaData', AmfObject.ecmaArray({ width: 640 })).length + 120;
    const long = AmfObject.of({ width: 640, note: 'x'.repeat(200) });
    const body = encodeFlvMetadata({ ...facts(0), metadata: long }, small);
    assert.deepEqual(
      [...((body && readFlvMetadata(body)) ?? { metadata }).metadata.entries],
      [['width', 640]],
    );
    assert.equal(encodeFlvMetadata(facts(0), 50), undefined);
    assert.deepEqual(flvPatches(facts(0), 50), [{ position: 4, bytes: Buffer.of(4) }]);
    assert.equal(flvPatches(facts(0), undefined).length, 1);
  });

  it('reads no other script tags and no damaged ones', () => {
    assert.equal(readFlvMetadata(encodeAmf0('onCuePoint', AmfObject.of({}))), undefined);
    assert.equal(readFlvMetadata(encodeAmf0('onMetaData', 5)), undefined);
    assert.equal(readFlvMetadata(Buffer.from([2, 0, 99])), undefined);
    const odd = AmfObject.of({ keyframes: AmfObject.of({ times: 'x', filepositions: [1] }) });
    const read = readFlvMetadata(encodeAmf0('onMetaData', odd));
    assert.deepEqual(read?.entries, []);
    assert.deepEqual([read.bytes, read.durationMs], [-1, 0]);
  });
});
