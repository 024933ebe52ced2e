import assert from 'node:assert/strict';

import {
  hostAndPort,
  parseUpstream,
  redirectedUrl,
  urlOf,
} from '../../../../src/app/upstream/target';
import type { UpstreamServer } from '../../../../src/app/upstream/target';
import { ErrorCode, SrsError } from '../../../../src/core/errors';

const names = {
  vhost: 'demo.com',
  app: 'a/b',
  param: '?token=x',
  stream: 's',
  streamParam: '?y=1',
};

function serverOf(word: string): UpstreamServer {
  const parsed = parseUpstream(word);
  const { schema, host, port } = parsed;
  const label = hostAndPort(host, port);
  return { schema, host, port, priority: 0, weight: 1, label, word: parsed };
}

describe('a word for a server upstream', () => {
  for (const [word, expected] of [
    ['origin', ['rtmp', 'origin', 1935, false, undefined]],
    ['10.0.0.1:1936', ['rtmp', '10.0.0.1', 1936, false, undefined]],
    ['[fe80::1]:1936', ['rtmp', 'fe80::1', 1936, false, undefined]],
    ['[::1]', ['rtmp', '::1', 1935, false, undefined]],
    [' rtmp://origin/ ', ['rtmp', 'origin', 1935, false, undefined]],
    ['rtmps://origin', ['rtmps', 'origin', 443, false, undefined]],
    ['RTMPS://origin:444', ['rtmps', 'origin', 444, false, undefined]],
    ['srv:_rtmp._tcp.example.com', ['rtmp', '_rtmp._tcp.example.com', 0, true, undefined]],
    ['srv:_rtmps._tcp.example.com', ['rtmps', '_rtmps._tcp.example.com', 0, true, undefined]],
    ['rtmp://h/app', ['rtmp', 'h', 1935, false, ['app', '', '', '']]],
    ['rtmp://h/app/?a=1', ['rtmp', 'h', 1935, false, ['app', '?a=1', '', '']]],
    ['rtmp://h/app/key?s=a/b', ['rtmp', 'h', 1935, false, ['app', '', 'key', '?s=a/b']]],
    ['rtmp://h/a/b/[stream]', ['rtmp', 'h', 1935, false, ['a/b', '', '[stream]', '']]],
    ['rtmp://h/[app]/[stream]', ['rtmp', 'h', 1935, false, ['[app]', '', '[stream]', '']]],
    ['rtmp://h/app?a=1/key?b=2', ['rtmp', 'h', 1935, false, ['app', '?a=1', 'key', '?b=2']]],
    ['rtmp://h/a/b?vhost=v/k', ['rtmp', 'h', 1935, false, ['a/b', '?vhost=v', 'k', '']]],
  ] as const) {
    it(`is read: ${word}`, () => {
      const { schema, host, port, isService, path } = parseUpstream(word);
      const parts = path && [path.app, path.param, path.stream, path.streamParam];
      assert.deepEqual([schema, host, port, isService, parts], expected);
    });
  }

  for (const [word, code, text] of [
    ['', ErrorCode.RTMP_REQ_TCURL, /expected host\[:port\], got ""/],
    ['a b', ErrorCode.RTMP_REQ_TCURL, /got "a b"/],
    ['http://h/x', ErrorCode.RTMP_REQ_TCURL, /expected rtmp:\/\/ or rtmps:\/\/, got "http:\/\/h"/],
    ['rtmp:///app/key', ErrorCode.RTMP_REQ_TCURL, /expected host\[:port\], got "rtmp:\/\/"/],
    ['host/app/key', ErrorCode.RTMP_REQ_TCURL, /expected host\[:port\], got "host"/],
    ['origin:0', ErrorCode.EDGE_PORT_INVALID, /expected a port in \[1, 65535\], got 0/],
    ['origin:65536', ErrorCode.EDGE_PORT_INVALID, /got 65536/],
    ['origin:x', ErrorCode.RTMP_REQ_TCURL, /expected host\[:port\]/],
    ['srv:', ErrorCode.RTMP_REQ_TCURL, /a name as srv:/],
    ['srv:_rtmp._tcp.a:1935', ErrorCode.RTMP_REQ_TCURL, /a name as srv:/],
    ['rtmp://me:secret@h/app/key', ErrorCode.RTMP_REQ_TCURL, /a user name, which we cannot/],
  ] as const) {
    it(`is refused: "${word}"`, () => {
      assert.throws(
        () => parseUpstream(word),
        (error) => {
          assert.ok(error instanceof SrsError);
          assert.equal(error.code, code);
          assert.match(error.message, text);
          assert.doesNotMatch(error.message, /secret|key/);
          return true;
        },
      );
    });
  }

  it('hides the key in the log', () => {
    const textOf = (word: string): string => parseUpstream(word).text;
    assert.equal(textOf('rtmp://h:1/live2/abcd-efgh?backup=1'), 'rtmp://h:1/live2/***');
    assert.equal(textOf('rtmp://h/[app]/[stream]?k=1'), 'rtmp://h/[app]/[stream]');
    assert.equal(textOf('rtmps://h/app'), 'rtmps://h/app');
    assert.equal(textOf('h:1936'), 'h:1936');
  });
});

describe('the URL of a stream upstream', () => {
  for (const [word, tcUrl, app, stream, label] of [
    ['h', 'rtmp://demo.com/a/b?token=x', 'a/b?token=x', 's?y=1', 'rtmp://h:1935/a/b/s'],
    ['h:1936', 'rtmp://demo.com:1936/a/b?token=x', 'a/b?token=x', 's?y=1', 'rtmp://h:1936/a/b/s'],
    ['rtmps://h', 'rtmps://demo.com/a/b?token=x', 'a/b?token=x', 's?y=1', 'rtmps://h:443/a/b/s'],
    ['rtmp://h/app', 'rtmp://h/app?token=x', 'app?token=x', 's?y=1', 'rtmp://h:1935/app/s'],
    ['rtmp://h/app?v=1', 'rtmp://h/app?v=1', 'app?v=1', 's?y=1', 'rtmp://h:1935/app/s'],
    ['rtmp://h/p/k?z=2', 'rtmp://h/p?token=x', 'p?token=x', 'k?z=2', 'rtmp://h:1935/p/***'],
    [
      'rtmp://h/[vhost]/[app]/[stream]',
      'rtmp://h/demo.com/a/b?token=x',
      'demo.com/a/b?token=x',
      's?y=1',
      'rtmp://h:1935/demo.com/a/b/s',
    ],
  ] as const) {
    it(`is made of ${word}`, () => {
      const url = urlOf(serverOf(word), names);
      assert.deepEqual([url.tcUrl, url.app, url.stream, url.label], [tcUrl, app, stream, label]);
    });
  }

  it('has the host in place of a vhost without a name', () => {
    const { tcUrl } = urlOf(serverOf('[::1]:1936'), { ...names, vhost: '__defaultVhost__' });
    assert.equal(tcUrl, 'rtmp://[::1]:1936/a/b?token=x');
  });

  it('takes names as they are', () => {
    const { stream } = urlOf(serverOf('rtmp://h/app/[stream]'), { ...names, stream: '[app]$&' });
    assert.equal(stream, '[app]$&?y=1');
  });

  it('leads elsewhere after a redirect, and the key stays hidden', () => {
    const from = urlOf(serverOf('rtmp://h/app/key'), names);
    const to = redirectedUrl(from, 'rtmp://other:1936/live?a=1');
    const { host, port, label } = to.server;
    assert.deepEqual([host, port, label], ['other', 1936, 'other:1936']);
    assert.deepEqual([to.app, to.stream], ['live?a=1', 'key?y=1']);
    assert.equal(to.label, 'rtmp://other:1936/live/***');
    assert.equal(redirectedUrl(from, 'rtmp://other/live', 'b').stream, 'b');
    assert.throws(() => redirectedUrl(from, 'http://other/live'), /expected rtmp:/);
    assert.throws(() => redirectedUrl(from, 'rtmp://'), SrsError);
  });
});
