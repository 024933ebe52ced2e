import assert from 'node:assert/strict';

import { nearest } from '../../../../src/app/config/suggest';

describe('the suggestion for a mistyped directive', () => {
  const known = ['gop_cache', 'queue_length', 'mr', 'hls', 'atc', 'atc_auto'];

  it('finds the name with one or two slips', () => {
    for (const word of ['gop_cach', 'gop_cachee', 'gpo_cache', 'gop-cache', 'GOp_cache']) {
      assert.equal(nearest(word, known), 'gop_cache', word);
    }
    assert.equal(nearest('hsl', known), 'hls');
    assert.equal(nearest('atc_aut', known), 'atc_auto');
  });

  it('says nothing when no name is near', () => {
    for (const word of ['m', 'xx', 'foo', 'gop', 'something_else', 'gop_cache'.repeat(20)]) {
      assert.equal(nearest(word, known), undefined, word);
    }
  });
});
