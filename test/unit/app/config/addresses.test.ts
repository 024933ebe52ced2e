import assert from 'node:assert/strict';

import {
  isIpv4,
  isIpv6,
  listenText,
  parseListen,
  parseNetwork,
} from '../../../../src/app/config/addresses';

describe('addresses', () => {
  it('tells IPv4 addresses from other words', () => {
    for (const good of ['0.0.0.0', '127.0.0.1', '255.255.255.255']) assert.ok(isIpv4(good), good);
    for (const bad of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', 'a.b.c.d', '1.2.3.-4', '1..2.3']) {
      assert.ok(!isIpv4(bad), bad);
    }
  });

  it('tells IPv6 addresses from other words', () => {
    const good = ['::', '::1', '1::', 'fe80::1:2', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '1:2:3:4:5:6:1.2.3.4']; // prettier-ignore
    for (const word of good) assert.ok(isIpv6(word), word);
    const bad = ['', ':', ':::', '1::2::3', '1:2:3', '12345::', 'g::', '1:2:3:4:5:6:7::8', '1.2.3.4::', '::1.2.3', '1:2:3:4:5:6:7:8:9', 'fe80::1%eth0']; // prettier-ignore
    for (const word of bad) assert.ok(!isIpv6(word), word);
  });

  it('reads a port alone, after an IPv4 and after an IPv6 address', () => {
    assert.deepEqual(parseListen('1935'), { host: '', port: 1935 });
    assert.deepEqual(parseListen('127.0.0.1:1935'), { host: '127.0.0.1', port: 1935 });
    assert.deepEqual(parseListen('[::]:65535'), { host: '::', port: 65535 });
  });

  it('takes port 0 only after an address', () => {
    assert.deepEqual(parseListen('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
    assert.equal(parseListen('0'), undefined);
  });

  it('refuses what is no listen address', () => {
    const bad = ['', 'a', '-1', '65536', '1935a', '::1:1935', '[1.2.3.4]:1', 'localhost:1', ':1935', '[]:1', '1.2.3.4', '[::1]']; // prettier-ignore
    for (const word of bad) assert.equal(parseListen(word), undefined, word);
  });

  it('writes listen addresses as they are read', () => {
    for (const word of ['1935', '127.0.0.1:1935', '[::1]:80']) {
      const address = parseListen(word);
      assert.ok(address);
      assert.equal(listenText(address), word);
    }
  });

  it('reads addresses and ranges', () => {
    assert.deepEqual(parseNetwork('10.0.0.0/8'), { address: '10.0.0.0', prefix: 8 });
    assert.deepEqual(parseNetwork('10.1.2.3'), { address: '10.1.2.3', prefix: 32 });
    assert.deepEqual(parseNetwork('::/0'), { address: '::', prefix: 0 });
    assert.deepEqual(parseNetwork('fe80::1'), { address: 'fe80::1', prefix: 128 });
    for (const bad of ['', 'all', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10/8']) {
      assert.equal(parseNetwork(bad), undefined, bad);
    }
  });
});
