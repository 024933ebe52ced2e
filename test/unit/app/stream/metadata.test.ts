import assert from 'node:assert/strict';

import { asksForAtc, describeMetadata, enrichMetadata } from '../../../../src/app/stream/metadata';
import { product } from '../../../../src/core/version';
import { AmfObject } from '../../../../src/rtmp/amf0-value';

describe('metadata', () => {
  it('becomes a plain object with our fields at its end', () => {
    const published = AmfObject.ecmaArray({ server: 'other', width: 768, duration: 12.5 });
    const metadata = enrichMetadata(published);
    assert.equal(metadata.kind, 'object');
    assert.deepEqual(
      [...metadata.entries],
      [
        ['width', 768],
        ['duration', 12.5],
        ['server', product.serverName],
        ['srs_primary', product.primary],
        ['srs_authors', product.authors],
        ['server_version', product.version],
      ],
    );
    assert.equal(published.string('server'), 'other');
  });

  it('asks for absolute timestamps by the text or the boolean true', () => {
    for (const [value, expected] of [
      ['true', true],
      [true, true],
      ['false', false],
      [1, false],
    ] as const) {
      assert.equal(asksForAtc(AmfObject.of({ bravo_atc: value })), expected);
    }
    assert.equal(asksForAtc(new AmfObject()), false);
  });

  it('is described by what it states as numbers', () => {
    const metadata = AmfObject.of({
      width: 768,
      height: 320,
      videocodecid: 7,
      audiocodecid: 'mp4a',
    });
    assert.equal(describeMetadata(metadata), 'got metadata, width=768, height=320, vcodec=7');
    assert.equal(describeMetadata(new AmfObject()), 'got metadata');
  });
});
