import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { AmfObject } from '../../../src/rtmp/amf0-value';
import {
  buildTcUrl,
  createRequest,
  parseRtmpUrl,
  parseTcUrl,
  setStreamName,
  splitStreamName,
} from '../../../src/rtmp/request';

function fails(action: () => unknown, code: ErrorCode, message: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SrsError);
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    return true;
  });
}

describe('parseTcUrl', () => {
  // app text, app, vhost, param
  const apps = [
    ['app', 'app', 'host', ''],
    ['app?vhost=a', 'app', 'a', '?vhost=a'],
    ['app?vhost=a&&key=b', 'app', 'a', '?vhost=a&&key=b'],
    ['app?key=b&&vhost=a&&x=y', 'app', 'a', '?key=b&&vhost=a&&x=y'],
    ['app?key=b,vhost=a', 'app', 'a', '?key=b,vhost=a'],
    ['app?key=b&vhost=a', 'app', 'a', '?key=b&vhost=a'],
    ['app...vhost...a', 'app', 'a', ''],
    ['app...key...b...vhost...a...x...y', 'app', 'a', ''],
    ['live/show?vhost=a', 'live/show', 'a', '?vhost=a'],
    ['app?vhost=a&key=b', 'app', 'a', '?vhost=a&key=b'],
    ['app,vhost=a', 'app', 'a', ''],
    ['app&&vhost=a', 'app', 'a', ''],
    ['app=vhost=a', 'app', 'a', ''],
    ['app?vhost...a', 'app', 'a', '?vhost...a'],
    ['app?flag&vhost=a', 'app', 'a', '?flag&vhost=a'],
    ['app?vhost=a=b', 'app', 'a', '?vhost=a=b'],
    ['app?vhost=a?x=y', 'app', 'a', '?vhost=a?x=y'],
    ['app?vhost=a/extra', 'app', 'a', '?vhost=a/extra'],
    ['app?vhost=', 'app', 'host', '?vhost='],
    ['app?vhost', 'app', 'host', '?vhost'],
    ['app?myvhost=a', 'app', 'host', '?myvhost=a'],
    ['app?vhosts=a', 'app', 'host', '?vhosts=a'],
    ['app?key=vhost&x=a', 'app', 'host', '?key=vhost&x=a'],
    ['R&D', 'R&D', 'host', ''],
    ['v1.2..3', 'v1.2..3', 'host', ''],
    ['/live/', 'live', 'host', ''],
    ['live//?vhost=a', 'live', 'a', '?vhost=a'],
    [' l i\tv\r\ne ? vhost = a ', 'live', 'a', '?vhost=a'],
  ] as const;
  for (const [text, app, vhost, param] of apps) {
    it(`reads the application ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseTcUrl(`rtmp://host/${text}`), {
        schema: 'rtmp',
        host: 'host',
        vhost,
        port: 1935,
        app,
        param,
      });
    });
  }

  const hosts = [
    ['rtmp://host/app', 'rtmp', 'host', 1935],
    ['rtmp://host:19350/app', 'rtmp', 'host', 19350],
    ['rtmps://host/app', 'rtmps', 'host', 443],
    ['rtmps://host:1936/app', 'rtmps', 'host', 1936],
    ['rtmpt://host/app', 'rtmpt', 'host', 1935],
    ['rtmp://127.0.0.1:65535/app', 'rtmp', '127.0.0.1', 65535],
    ['rtmp://[::1]/app', 'rtmp', '::1', 1935],
    ['rtmp://[2001:db8::7]:1936/app', 'rtmp', '2001:db8::7', 1936],
    [' rtmp://ho st\r\n:1 936/app', 'rtmp', 'host', 1936],
  ] as const;
  for (const [url, schema, host, port] of hosts) {
    it(`reads the host of ${JSON.stringify(url)}`, () => {
      assert.deepEqual(parseTcUrl(url), { schema, host, vhost: host, port, app: 'app', param: '' });
    });
  }

  it('needs no host when the vhost is given', () => {
    assert.equal(parseTcUrl('rtmp:///live?vhost=a').vhost, 'a');
  });

  for (const [url, part] of [
    ['', 'schema'],
    ['host/app', 'schema'],
    ['://host/app', 'schema'],
    ['rtmp://', 'vhost'],
    ['rtmp:///app', 'vhost'],
    ['rtmp://:1935/app', 'vhost'],
    ['rtmp://host', 'app'],
    ['rtmp://host/', 'app'],
    ['rtmp://host/?vhost=a', 'app'],
    ['rtmp://host:/app', 'port'],
    ['rtmp://host:0/app', 'port'],
    ['rtmp://host:65536/app', 'port'],
    ['rtmp://host:-1/app', 'port'],
    ['rtmp://host:rtmp/app', 'port'],
    ['rtmp://host:1:2/app', 'port'],
    ['rtmp://[::1/app', 'port'],
    ['rtmp://[::1]x/app', 'port'],
  ] as const) {
    it(`refuses ${JSON.stringify(url)} for its ${part}`, () => {
      const quoted = JSON.stringify(url);
      fails(
        () => parseTcUrl(url),
        ErrorCode.RTMP_REQ_TCURL,
        `tcUrl: expected schema://host[:port]/app, got no valid ${part} in ${quoted}`,
      );
    });
  }

  it('repeats only the beginning of a long url in its error', () => {
    assert.throws(
      () => parseTcUrl('x'.repeat(60000)),
      (error) => error instanceof SrsError && error.message.length < 300,
    );
  });

  it('takes no longer on many separators than their number', () => {
    const noise = ['/', '?', '&&', '...', '=', 'vhost', '?vhost='];
    for (const text of noise) {
      const url = `rtmp://host/app${text.repeat(20000)}x`;
      assert.ok(parseTcUrl(url).app.startsWith('app'));
      assert.ok(parseRtmpUrl(`${url}/stream`).app.startsWith('app'));
    }
  });

  it('throws nothing but its own error, and never gives an empty part', () => {
    const piece = fc.constantFrom('rtmp', '://', 'host', ':', '1935', '/', 'app', '?', 'vhost', '='); // prettier-ignore
    const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 3 }))).map((all) => all.join(''));
    fc.assert(
      fc.property(text, (url) => {
        try {
          const { schema, vhost, port, app } = parseTcUrl(url);
          assert.ok(schema !== '' && vhost !== '' && app !== '' && port >= 1 && port <= 65535);
          assert.doesNotMatch(vhost, /[ \t\r\n/]/);
          assert.doesNotMatch(app, /[ \t\r\n?]|^\/|\/$/);
        } catch (error) {
          assert.ok(error instanceof SrsError && error.code === ErrorCode.RTMP_REQ_TCURL);
        }
      }),
    );
  });
});

describe('splitStreamName', () => {
  for (const [name, stream, streamParam, vhost] of [
    ['livestream', 'livestream', '', ''],
    ['livestream?token=x', 'livestream', '?token=x', ''],
    ['livestream?token=x&vhost=a', 'livestream', '?token=x&vhost=a', 'a'],
    ['livestream?vhost=a/b', 'livestream', '?vhost=a/b', 'a'],
    ['/show/one//?a=b?c', 'show/one', '?a=b?c', ''],
    ['mp4:file.mp4', 'mp4:file.mp4', '', ''],
    ['a=b,c', 'a=b,c', '', ''],
    [' live\r\nstream\t', 'livestream', '', ''],
    ['?a=b', '', '?a=b', ''],
    ['///', '', '', ''],
    ['', '', '', ''],
  ] as const) {
    it(`takes ${JSON.stringify(name)} apart`, () => {
      assert.deepEqual(splitStreamName(name), { stream, streamParam, vhost });
    });
  }
});

describe('createRequest', () => {
  it('takes what the connect command offers', () => {
    const args = AmfObject.of({ token: 'x' });
    const command = AmfObject.of({
      app: 'ignored',
      flashVer: 'FMLE/3.0',
      swfUrl: 'http://a/b.swf',
      tcUrl: 'rtmp://host/live?vhost=a',
      pageUrl: 'http://a/',
      objectEncoding: 3,
    });
    assert.deepEqual(createRequest(command, args), {
      schema: 'rtmp',
      host: 'host',
      vhost: 'a',
      port: 1935,
      app: 'live',
      param: '?vhost=a',
      tcUrl: 'rtmp://host/live?vhost=a',
      pageUrl: 'http://a/',
      swfUrl: 'http://a/b.swf',
      flashVer: 'FMLE/3.0',
      objectEncoding: 3,
      args,
      stream: '',
      streamParam: '',
      duration: -1,
    });
  });

  it('puts in defaults for what is missing or of another type', () => {
    const command = AmfObject.of({ tcUrl: 'rtmp://host/live', pageUrl: null, objectEncoding: '3' });
    const { pageUrl, swfUrl, flashVer, objectEncoding, args } = createRequest(command);
    assert.deepEqual([pageUrl, swfUrl, flashVer, objectEncoding, args], ['', '', '', 0, undefined]);
  });

  it('refuses a command without a tcUrl string', () => {
    for (const [command, got] of [
      [AmfObject.of({ app: 'live' }), 'undefined'],
      [AmfObject.of({ tcUrl: 7 }), 'number'],
    ] as const) {
      const message = `connect: expected a tcUrl string, got ${got}`;
      fails(() => createRequest(command), ErrorCode.RTMP_REQ_CONNECT, message);
    }
  });
});

describe('setStreamName', () => {
  it('keeps the vhost of the connect command unless the name has one', () => {
    const request = createRequest(AmfObject.of({ tcUrl: 'rtmp://host/live' }));
    setStreamName(request, 'one?token=x');
    assert.deepEqual([request.stream, request.streamParam], ['one', '?token=x']);
    assert.equal(request.vhost, 'host');
    setStreamName(request, 'two?vhost=a');
    assert.deepEqual([request.stream, request.vhost], ['two', 'a']);
  });
});

describe('parseRtmpUrl', () => {
  // url, tcUrl, app, param, stream, stream parameters, vhost
  const urls = [
    ['rtmp://h/live/s', 'rtmp://h/live', 'live', '', 's', '', 'h'],
    ['rtmp://h:1936/live/show/s', 'rtmp://h:1936/live/show', 'live/show', '', 's', '', 'h'],
    ['rtmp://h/live?vhost=demo/s', 'rtmp://h/live?vhost=demo', 'live', '?vhost=demo', 's', '', 'demo'], // prettier-ignore
    ['rtmp://h/a/b?vhost=demo/s', 'rtmp://h/a/b?vhost=demo', 'a/b', '?vhost=demo', 's', '', 'demo'],
    ['rtmp://h/live?k=v/s?t=x', 'rtmp://h/live?k=v', 'live', '?k=v', 's', '?t=x', 'h'],
    ['rtmp://h/live/s?vhost=demo', 'rtmp://h/live', 'live', '', 's', '?vhost=demo', 'demo'],
    ['rtmp://h/live/s?t=a/b', 'rtmp://h/live', 'live', '', 's', '?t=a/b', 'h'],
    ['rtmp://h/live?vhost=a/s?vhost=b', 'rtmp://h/live?vhost=a', 'live', '?vhost=a', 's', '?vhost=b', 'b'], // prettier-ignore
    ['rtmp://h/live...vhost...demo/s', 'rtmp://h/live...vhost...demo', 'live', '', 's', '', 'demo'],
    ['rtmp://[::1]:1936/live/s', 'rtmp://[::1]:1936/live', 'live', '', 's', '', '::1'],
    ['rtmp://h//live/s/', 'rtmp://h/live', 'live', '', 's', '', 'h'],
  ] as const;
  for (const [url, tcUrl, app, param, stream, streamParam, vhost] of urls) {
    it(`takes ${url} apart`, () => {
      const { schema, host, port, ...rest } = parseRtmpUrl(url);
      assert.deepEqual(rest, { tcUrl, app, param, stream, streamParam, vhost });
      const { vhost: connectVhost, ...address } = parseTcUrl(tcUrl);
      assert.deepEqual({ schema, host, port, app, param }, address);
      assert.ok(connectVhost !== '');
    });
  }

  it('reads the host of the usual spelling of an ingest output', () => {
    const { host, port, vhost, stream } = parseRtmpUrl(
      'rtmp://127.0.0.1:1935/live?vhost=demo/livestream',
    );
    assert.deepEqual([host, port, vhost, stream], ['127.0.0.1', 1935, 'demo', 'livestream']);
  });

  for (const [url, message] of [
    ['rtmp://h/live', 'rtmp url: expected schema://host[:port]/app/stream, got no valid stream in'],
    ['rtmp://h/live?vhost=a', 'rtmp url: expected schema://host[:port]/app/stream, got no valid stream in'], // prettier-ignore
    ['h/live/s', 'tcUrl: expected schema://host[:port]/app, got no valid schema in'],
    ['rtmp://h', 'tcUrl: expected schema://host[:port]/app, got no valid app in'],
  ] as const) {
    it(`refuses ${url}`, () => {
      assert.throws(
        () => parseRtmpUrl(url),
        (error) => error instanceof SrsError && error.message.startsWith(message),
      );
    });
  }
});

describe('buildTcUrl', () => {
  const base = { host: '10.0.0.1', vhost: '__defaultVhost__', port: 1935, app: 'live' };
  for (const [change, expected] of [
    [{}, 'rtmp://10.0.0.1/live'],
    [{ vhost: '' }, 'rtmp://10.0.0.1/live'],
    [{ vhost: 'demo' }, 'rtmp://demo/live'],
    [{ port: 1936 }, 'rtmp://10.0.0.1:1936/live'],
    [{ host: '::1', port: 1936 }, 'rtmp://[::1]:1936/live'],
    [{ schema: 'rtmps', port: 443 }, 'rtmps://10.0.0.1/live'],
    [{ schema: 'rtmps' }, 'rtmps://10.0.0.1:1935/live'],
    [{ param: '?token=x' }, 'rtmp://10.0.0.1/live?token=x'],
  ] as const) {
    it(`gives ${expected} for ${JSON.stringify(change)}`, () => {
      assert.equal(buildTcUrl({ ...base, ...change }), expected);
    });
  }

  it('gives what parseTcUrl takes apart again', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,20}$/).filter((s) => !s.includes('..'));
    const address = fc.record({
      schema: fc.constantFrom('rtmp', 'rtmps'),
      host: fc.oneof(name, fc.ipV4(), fc.ipV6()),
      port: fc.integer({ min: 1, max: 65535 }),
      app: name,
      param: fc.oneof(
        fc.constant(''),
        name.map((value) => `?key=${value}`),
      ),
    });
    fc.assert(
      fc.property(address, (parts) => {
        const whole = { ...parts, vhost: parts.host };
        assert.deepEqual(parseTcUrl(buildTcUrl(whole)), whole);
      }),
    );
  });
});
