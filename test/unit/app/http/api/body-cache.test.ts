import assert from 'node:assert/strict';

import { BodyCache } from '../../../../../src/app/http/api/body-cache';

const body = Buffer.from('{}');

describe('the cache of bodies', () => {
  let cache: BodyCache;

  beforeEach(() => {
    cache = new BodyCache();
  });

  it('tells a body for a quarter of a second', () => {
    cache.add('a', 1, body, 1000, 1000);
    assert.equal(cache.find('a', 1, 1249), body);
    assert.equal(cache.find('a', 1, 1250), undefined);
    assert.equal(cache.find('b', 1, 1000), undefined);
  });

  it('tells none of another version, unless it was so dear that it has to serve longer', () => {
    cache.add('cheap', 1, body, 1000, 1000);
    assert.equal(cache.find('cheap', 2, 1000), undefined);
    cache.add('dear', 1, body, 1000, 1005);
    assert.equal(cache.find('dear', 2, 1054), body);
    assert.equal(cache.find('dear', 2, 1055), undefined);
    cache.add('dearest', 1, body, 1000, 1100);
    assert.equal(cache.find('dearest', 1, 2000), body);
  });

  it('keeps 64 at most, the newest', () => {
    for (let at = 0; at < 100; at++) cache.add(`${at}`, 1, body, 0, 0);
    assert.equal(cache.size, 64);
    assert.equal(cache.find('35', 1, 0), undefined);
    assert.equal(cache.find('36', 1, 0), body);
    assert.equal(cache.find('99', 1, 0), body);
  });

  it('keeps 4 MiB at most, and nothing that is larger by itself', () => {
    const large = Buffer.alloc(3_000_000);
    cache.add('a', 1, body, 0, 0);
    cache.add('b', 1, large, 0, 0);
    cache.add('c', 1, large, 0, 0);
    assert.deepEqual(['a', 'b', 'c'].map((name) => cache.find(name, 1, 0)?.length), [undefined, undefined, 3_000_000]); // prettier-ignore
    cache.add('c', 1, large, 0, 0);
    assert.equal(cache.size, 1, 'one that is made anew counts once');
    cache.add('d', 1, Buffer.alloc(5_000_000), 0, 0);
    assert.equal(cache.find('d', 1, 0), undefined);
    assert.equal(cache.size, 1);
  });

  it('forgets all when it is told to', () => {
    cache.add('a', 1, body, 0, 100);
    cache.clear();
    assert.equal(cache.find('a', 1, 100), undefined);
    assert.equal(cache.size, 0);
  });
});
