import assert from 'node:assert/strict';

import fc from 'fast-check';

import { carriedQuery, withQuery } from '../../../../../src/app/http/hls/carried-query';

describe('the query that is carried on', () => {
  const cases: readonly (readonly [url: string, query: string])[] = [
    ['/live/show.m3u8', ''],
    ['/live/show.m3u8?', ''],
    ['/live/show.m3u8?token=abc&vhost=a.com', 'token=abc&vhost=a.com'],
    ['/live/show.m3u8?_HLS_msn=3&token=abc&_HLS_part=1&_HLS_skip=YES', 'token=abc'],
    ['/live/show.m3u8?_HLS_msn=3', ''],
    ['/a?&token=abc&&', 'token=abc'],
    ['/a?token=a?b#token=c', 'token=a?b'],
    ['/a?token=a%22b+c%20d', 'token=a%22b+c%20d'],
    ['/a?token="<a>"\\', 'token=%22%3Ca%3E%22%5C'],
    ['/a?name=\u00c3\u00a9', 'name=%C3%A9'],
  ];
  for (const [url, query] of cases) {
    it(`of ${url} is ${query === '' ? 'none' : query}`, () => {
      assert.equal(carriedQuery(url), query);
      // What a player sends back is the same player's.
      assert.equal(carriedQuery(`/seg.ts?${query}`), query);
    });
  }

  it('can stand within an attribute, whatever it is', () => {
    const text = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1'));
    fc.assert(
      fc.property(text, (noise) => {
        const query = carriedQuery(`/a?${noise}`);
        assert.match(query, /^[!$&'()*+,\-./\w:;=?@~%]*$/);
        assert.equal(carriedQuery(`/a?${query}`), query);
      }),
    );
  });
});

describe('a playlist with a query', () => {
  const playlist = [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f,mp4a.40.2"',
    'show.m3u8',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="audio.m3u8"',
    '#EXT-X-MAP:URI="show-0.mp4"',
    '#EXT-X-KEY:METHOD=AES-128,URI="show-0.key",IV=0x00',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key"',
    '#EXT-X-PART:DURATION=0.2,URI="show-1.part1.m4s",INDEPENDENT=YES',
    '#EXTINF:2.000,',
    'http://cdn.example.com/live/show-0.m4s?x=1',
    '# a comment with URI="a"',
    '',
    '#EXTINF:2.000,',
    'show-1.m4s#t=1\r',
    'show-2.m4s?',
    'data:video/mp4;base64,AAAA',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="show-1.part2.m4s"',
    '#EXT-X-RENDITION-REPORT:URI="../other.m3u8?y=2",LAST-MSN=1',
    '',
  ];
  const expected = [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f,mp4a.40.2"',
    'show.m3u8?t=$&1',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="audio.m3u8?t=$&1"',
    '#EXT-X-MAP:URI="show-0.mp4?t=$&1"',
    '#EXT-X-KEY:METHOD=AES-128,URI="show-0.key?t=$&1",IV=0x00',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key"',
    '#EXT-X-PART:DURATION=0.2,URI="show-1.part1.m4s?t=$&1",INDEPENDENT=YES',
    '#EXTINF:2.000,',
    'http://cdn.example.com/live/show-0.m4s?x=1&t=$&1',
    '# a comment with URI="a"',
    '',
    '#EXTINF:2.000,',
    'show-1.m4s?t=$&1#t=1\r',
    'show-2.m4s?t=$&1',
    'data:video/mp4;base64,AAAA',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="show-1.part2.m4s?t=$&1"',
    '#EXT-X-RENDITION-REPORT:URI="../other.m3u8?y=2&t=$&1",LAST-MSN=1',
    '',
  ];

  it('has it at everything that is fetched, and is else as it was', () => {
    assert.deepEqual(withQuery(playlist.join('\n'), 't=$&1').split('\n'), expected);
  });

  it('is the same without a query', () => {
    assert.equal(withQuery(playlist.join('\n'), ''), playlist.join('\n'));
  });
});
