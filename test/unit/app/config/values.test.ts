import assert from 'node:assert/strict';

import * as values from '../../../../src/app/config/values';
import type { ValueType } from '../../../../src/app/config/values';

describe('config values', () => {
  const cases: readonly [
    string,
    ValueType<unknown>,
    Readonly<Record<string, unknown>>,
    string[],
  ][] = [
    ['on and off', values.onOff, { on: true, off: false }, ['', 'ON', 'yes', '1']],
    ['integers', values.int(-1, 10), { '-1': -1, '0': 0, '+7': 7, '010': 10 }, ['', '-2', '11', '1.0', '1a', ' 1', '1e1', '9'.repeat(30)]], // prettier-ignore
    ['numbers', values.number(0, 10), { '0': 0, '9.5': 9.5, '.5': 0.5, '2.': 2 }, ['', '.', '1,5', '1e1', '-1', '10.1', 'NaN', 'Infinity', '0x1']], // prettier-ignore
    ['milliseconds', values.milliseconds(0, 60000), { '350': 350 }, ['0.5', '60001']],
    ['seconds', values.seconds(0.1, 100), { '9.3': 9300, '0.1': 100, '100': 100_000, '1.0005': 1001 }, ['0', '-1', '101', 'x']], // prettier-ignore
    ['sizes', values.size(1024, 2 ** 31), { '1024': 1024, '64k': 65536, '32M': 33554432, '1g': 2 ** 30 }, ['', '1023', 'k', '1.5k', '3g', '1t', '-1k']], // prettier-ignore
    ['choices', values.choice('full', 'zero'), { full: 'full', zero: 'zero' }, ['', 'Full', 'fullx']], // prettier-ignore
    ['text', values.text(), { '': '', 'a b': 'a b' }, []],
    ['paths', values.path, { './objs': './objs' }, []],
    ['URLs of the web', values.webUrl, { 'http://a/b?c': 'http://a/b?c', 'HTTPS://u:p@[::1]:1/': 'HTTPS://u:p@[::1]:1/', 'http://a/[app]?u=[ts_url]': 'http://a/[app]?u=[ts_url]' }, ['', 'http:/a', 'a', 'ftp://a/', 'rtmp://a/', 'xhttp://a', 'http:///x']], // prettier-ignore
    ['URLs that may be missing', values.optionalWebUrl, { '': '', 'http://a': 'http://a' }, ['a', 'redis://a']], // prettier-ignore
    ['listen addresses', values.listen, { '1935': { host: '', port: 1935 } }, ['0', 'x']],
    ['ports', values.port, { '1': 1, '65535': 65535 }, ['0', '65536', '-1']],
    ['addresses to announce', values.optionalAddress, { '': '', 'a.com': 'a.com', '10.0.0.1:1935': '10.0.0.1:1935', '[::1]:1': '[::1]:1' }, ['a:0', 'a/b', 'rtmp://a', 'a b', 'ä.com', '::1']], // prettier-ignore
    ['DNS servers', values.dnsServer, { '9.9.9.9': '9.9.9.9', '127.0.0.1:5353': '127.0.0.1:5353', '::1': '::1', '[::1]:53': '[::1]:53' }, ['', 'a.com', '1.2.3.4:0', '1.2.3.4:65536', '1.2.3.0/24', '[::1]:', '1.2.3.4:x']], // prettier-ignore
    ['upstreams', values.upstream, { 'a.com': 'a.com', '127.0.0.1:1935': '127.0.0.1:1935', '[::1]:1935': '[::1]:1935', 'rtmp://a/b': 'rtmp://a/b', 'srv:_rtmp._tcp.a.com': 'srv:_rtmp._tcp.a.com', 'rtmps://a:443/live2/[stream]': 'rtmps://a:443/live2/[stream]' }, ['', 'http://a/b', 'srv:', 'srv:a/b', 'a:0', 'a:65536', 'a:b', 'a:1:2', ':1935', 'a/b', 'rtmp://a:99999/b/c', 'rtmp://u:p@a/b/c', 'a b']], // prettier-ignore
    ['networks', values.network, { all: null, '::1': { address: '::1', prefix: 128 } }, ['', 'none', '1.2']], // prettier-ignore
    ['ranges of addresses', values.addressRange, { '10.0.0.0/8': { address: '10.0.0.0', prefix: 8 } }, ['', 'all', '10.0.0.0/33', 'a.com']], // prettier-ignore
  ];
  for (const [name, type, good, bad] of cases) {
    it(`reads ${name}, and nothing else`, () => {
      for (const [word, expected] of Object.entries(good)) {
        assert.deepEqual(type.parse(word), expected, word);
      }
      for (const word of bad) assert.equal(type.parse(word), undefined, word);
    });
  }

  it('describes each kind and its rule', () => {
    assert.equal(values.int(128, 65536).rule, 'be an integer in [128, 65536]');
    assert.equal(values.choice('a', 'b').label, 'a|b');
    assert.equal(values.milliseconds(0, 1).label, 'int ms 0..1');
  });
});
