import assert from 'node:assert/strict';

import { box, findBox, readBoxHeader } from '../../../../src/media/mp4/box';
import { hex } from '../../../support/media';

describe('media/mp4/box', () => {
  it('tells headers from noise', () => {
    assert.deepEqual(readBoxHeader(box('free', hex('00'))), {
      type: 'free',
      headerBytes: 8,
      size: 9,
    });
    assert.deepEqual(readBoxHeader(hex('00000000 6d646174')), {
      type: 'mdat',
      headerBytes: 8,
      size: Infinity,
    });
    assert.equal(readBoxHeader(hex('00000008 6d6461')), undefined);
  });

  it('finds a box down a path and where it stands', () => {
    const data = Buffer.concat([
      box('free', Buffer.alloc(5)),
      box('moov', box('trak'), box('mvex', box('mehd', hex('aabb')))),
    ]);
    const found = findBox(data, 'moov', 'mvex', 'mehd');
    assert.deepEqual(found?.content, hex('aabb'));
    assert.equal(found.start, data.length - 2);
    assert.equal(findBox(data, 'moov', 'udta'), undefined);
  });
});
