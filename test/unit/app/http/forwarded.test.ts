import assert from 'node:assert/strict';

import fc from 'fast-check';

import { forwardedClient } from '../../../../src/app/http/forwarded';
import { NetworkSet } from '../../../../src/core/network-set';

const proxy = '10.0.0.1';
const trusted = new NetworkSet([
  { address: '10.0.0.0', prefix: 8 },
  { address: 'fd00::', prefix: 8 },
]);

function ipOf(headers: Record<string, string>, peer = proxy): string {
  return forwardedClient(headers, { ip: peer, isSecure: false }, trusted).ip;
}

function isSecure(headers: Record<string, string>, peerIsSecure = false): boolean {
  return forwardedClient(headers, { ip: proxy, isSecure: peerIsSecure }, trusted).isSecure;
}

describe('the client behind a trusted proxy', () => {
  const lists: readonly (readonly [list: string, ip: string])[] = [
    ['198.51.100.7', '198.51.100.7'],
    ['203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['1.1.1.1,198.51.100.7 , 10.0.0.2,10.0.0.3', '198.51.100.7'],
    ['10.0.0.9, 10.0.0.2', '10.0.0.9'],
    ['198.51.100.7:4321', '198.51.100.7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443, fd00::5', '2001:db8::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['nonsense, 198.51.100.7', '198.51.100.7'],
    ['198.51.100.7, nonsense', proxy],
    ['198.51.100.7, nonsense, 10.0.0.2', proxy],
    ['198.51.100.7,', proxy],
    ['unknown', proxy],
    ['198.51.100.7:x', proxy],
    ['[198.51.100.7', proxy],
    ['', proxy],
  ];
  for (const [list, ip] of lists) {
    it(`is ${ip} by X-Forwarded-For: ${list}`, () => {
      assert.equal(ipOf({ 'x-forwarded-for': list }), ip);
    });
  }

  const forwarded: readonly (readonly [list: string, ip: string])[] = [
    ['for=198.51.100.7', '198.51.100.7'],
    ['for=1.1.1.1, For=198.51.100.7;proto=https;by=10.0.0.1, for=10.0.0.2', '198.51.100.7'],
    ['proto=http; for="[2001:db8::1]:4321" ', '2001:db8::1'],
    ['for="198.51.100.7:80";host="a,b"', '198.51.100.7'],
    ['for=_hidden', proxy],
    ['by=198.51.100.7', proxy],
    ['for="198.51.100.7', proxy],
  ];
  for (const [list, ip] of forwarded) {
    it(`is ${ip} by Forwarded: ${list}`, () => {
      assert.equal(ipOf({ forwarded: list }), ip);
    });
  }

  it('is told by X-Real-IP only where no list is', () => {
    assert.equal(ipOf({ 'x-real-ip': '198.51.100.7' }), '198.51.100.7');
    assert.equal(ipOf({ 'x-real-ip': '198.51.100.7', 'x-forwarded-for': '1.2.3.4' }), '1.2.3.4');
    assert.equal(ipOf({ 'x-real-ip': '198.51.100.7', 'x-forwarded-for': 'nonsense' }), proxy);
    assert.equal(ipOf({ 'x-real-ip': '198.51.100.7', forwarded: 'for=1.2.3.4' }), '1.2.3.4');
    assert.equal(ipOf({ 'x-real-ip': 'nonsense' }), proxy);
  });

  it('counts by X-Forwarded-For before Forwarded', () => {
    assert.equal(ipOf({ 'x-forwarded-for': '1.2.3.4', forwarded: 'for=5.6.7.8' }), '1.2.3.4');
  });

  it('is the peer itself when that is not trusted', () => {
    const peer = { ip: '198.51.100.1', isSecure: false };
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' };
    assert.equal(forwardedClient(headers, peer, trusted), peer);
  });

  it('uses TLS or not by X-Forwarded-Proto, else by Forwarded, else by the connection of the proxy', () => {
    assert.equal(isSecure({ 'x-forwarded-proto': 'https' }), true);
    assert.equal(isSecure({ 'x-forwarded-proto': 'HTTP' }, true), false);
    assert.equal(isSecure({ 'x-forwarded-proto': 'https, http' }), true);
    assert.equal(isSecure({ forwarded: 'for=1.2.3.4;proto=https, proto=http' }), true);
    assert.equal(isSecure({ 'x-forwarded-proto': 'gopher' }, true), true);
    assert.equal(isSecure({}, true), true);
  });

  it('is some address, whatever the headers say', () => {
    const piece = fc.constantFrom('for=', '"', '[', ']', ',', ';', ':', '1.2.3.4', '::1', ' ', 'x');
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, text, text, (list, elements, real) => {
        const all = { 'x-forwarded-for': list, forwarded: elements, 'x-real-ip': real };
        for (const name of Object.keys(all) as (keyof typeof all)[]) {
          assert.match(ipOf({ [name]: all[name] }), /^[0-9a-f.:]+$/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no long time to be found in long headers', () => {
    for (const hostile of [
      '1.2.3.4,',
      ',',
      ' ',
      '"',
      'for=',
      'for=" ',
      ';for=',
      '10.0.0.1,',
      ': ',
    ]) {
      const text = `for=${hostile.repeat(16_384 / hostile.length)}"`;
      const began = performance.now();
      ipOf({ 'x-forwarded-for': text });
      ipOf({ 'x-forwarded-for': hostile.repeat(16_384 / hostile.length) });
      ipOf({ forwarded: text });
      ipOf({ 'x-real-ip': text });
      assert.ok(performance.now() - began < 500, hostile);
    }
  });
});
