import assert from 'node:assert/strict';

import {
  announceCommand,
  changesCommand,
  findCommand,
  foundAddresses,
  registryKey,
  withdrawCommand,
} from '../../../../src/app/registry/lease-scripts';

describe('registryKey', () => {
  it('joins the names', () => {
    assert.equal(registryKey({ vhost: 'v', app: 'live', stream: 's' }), 'v/live/s');
  });

  it('keeps streams apart whose names hold slashes', () => {
    const one = registryKey({ vhost: 'v', app: 'a/b', stream: 'c' });
    const other = registryKey({ vhost: 'v', app: 'a', stream: 'b/c' });
    const escaped = registryKey({ vhost: 'v', app: 'a%2Fb', stream: 'c' });
    assert.deepEqual([one, other, escaped], ['v/a%2Fb/c', 'v/a/b%2Fc', 'v/a%252Fb/c']);
  });
});

describe('the commands of the registry', () => {
  /** Without the name and the text of the script. */
  const words = (command: string[]): string[] => command.slice(2);

  it('announce with the age of each stream', () => {
    const streams = [
      { key: 'v/a/b', ageMs: 10.4 },
      { key: 'v/a/c', ageMs: 0 },
    ];
    assert.deepEqual(
      words(announceCommand('p:', 'host:1935', 9000, streams)),
      '3 p:changes p:stream:v/a/b p:stream:v/a/c host:1935 9000 10 0'.split(' '),
    );
  });

  it('take back and ask', () => {
    assert.deepEqual(words(withdrawCommand('p:', 'host:1', ['k'])), ['1', 'p:stream:k', 'host:1']);
    assert.deepEqual(words(findCommand('p:', ['k', 'l'])), ['2', 'p:stream:k', 'p:stream:l']);
    assert.deepEqual(changesCommand('p:'), ['GET', 'p:changes']);
  });
});

describe('foundAddresses', () => {
  it('puts who began last in front, whatever the order of the answer', () => {
    const reply = [['a:1', '100', 'b:1', '300', 'c:1', '200'], []];
    assert.deepEqual(foundAddresses(reply, 2), [['b:1', 'c:1', 'a:1'], []]);
  });

  it('orders those of the same time by name', () => {
    assert.deepEqual(foundAddresses([['b:1', '5', 'a:1', '5']], 1), [['a:1', 'b:1']]);
  });

  it('leaves out what is no address', () => {
    const junk = ['host', 'host:0', 'host:65536', 'a b:1', 'rtmp://h:1', '[x]:1', 'h:1/x', ''];
    const good = ['10.0.0.1:1935', '[fd00::1]:80', 'origin-1.example:65535'];
    const list = [...junk, ...good].flatMap((address) => [address, '1']);
    assert.deepEqual(foundAddresses([[...list, 'h:2', 'soon', 'h:3']], 1), [[...good].sort()]);
  });

  it('makes nothing of what is no answer', () => {
    for (const reply of [null, undefined, 'OK', 7, [null], ['a:1']]) {
      assert.deepEqual(foundAddresses(reply, 1), [[]]);
    }
  });

  it('takes a bounded number of them', () => {
    const list = Array.from({ length: 1000 }, (_none, at) => [`h${at}:1`, '1']).flat();
    assert.equal(foundAddresses([list], 1)[0]?.length, 32);
  });
});
