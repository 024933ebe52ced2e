import assert from 'node:assert/strict';

import { namesFrom } from '../../../../src/app/upstream/names';

const vhost = { name: 'demo.com', upstreamVhost: '[vhost]' };
const request = { app: 'live', param: '', stream: 's', streamParam: '' };

describe('the names of a stream upstream', () => {
  it('are those of the client, in the vhost that serves it', () => {
    const param = '?token=a&key=b';
    const names = namesFrom({ ...request, param, streamParam: '?x=1' }, vhost);
    const expected = { vhost: 'demo.com', app: 'live', param, stream: 's', streamParam: '?x=1' };
    assert.deepEqual(names, expected);
  });

  it('may have another vhost', () => {
    const upstreamVhost = 'up.[vhost]';
    assert.equal(namesFrom(request, { ...vhost, upstreamVhost }).vhost, 'up.demo.com');
  });

  for (const [param, rest] of [
    ['?vhost=a', ''],
    ['?vhost=a&token=b', '?token=b'],
    ['?token=b&vhost=a', '?token=b'],
    ['?token=b,vhost=a&key=c', '?token=b&key=c'],
    ['?token=b?vhost=a', '?token=b'],
    ['?key=b&&vhost=a&&x=y', '?key=b&&x=y'],
    ['?vhost...a', ''],
    ['?vhost...a...token...b', '?...token...b'],
    ['?myvhost=a', '?myvhost=a'],
    ['?token=vhost', '?token=vhost'],
    ['?', ''],
    ['', ''],
  ] as const) {
    it(`leave the vhost out of "${param}"`, () => {
      const names = namesFrom({ ...request, param, streamParam: param }, vhost);
      assert.deepEqual([names.param, names.streamParam], [rest, rest]);
    });
  }
});
