import assert from 'node:assert/strict';

import { PullRequests } from '../../../../src/app/edge/pull-requests';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { createRequest } from '../../../../src/rtmp/request';
import type { RtmpRequest } from '../../../../src/rtmp/request';

const request = (name: string): RtmpRequest =>
  createRequest(AmfObject.of({ tcUrl: `rtmp://${name}/live` }));

describe('those in whose name a stream is fetched', () => {
  const [first, second, third] = ['a.com', 'b.com', 'c.com'].map(request) as [
    RtmpRequest,
    RtmpRequest,
    RtmpRequest,
  ];

  it('are the newest', () => {
    const requests = new PullRequests(first);
    assert.equal(requests.current, first);
    requests.grant(first);
    requests.add(second);
    assert.equal(requests.current, second);
  });

  it('are who had it before, while the newest is refused', () => {
    const requests = new PullRequests(first);
    requests.grant(first);
    requests.add(second);
    assert.equal(requests.refuse(second), true);
    assert.equal(requests.current, first);
    requests.add(third);
    assert.equal(requests.current, third);
  });

  it('are nobody else when there is nobody who had it, or who had it is refused now', () => {
    const requests = new PullRequests(first);
    assert.equal(requests.refuse(first), false);
    assert.equal(requests.current, first);
    requests.grant(first);
    assert.equal(requests.refuse(first), false);
    requests.add(second);
    assert.equal(requests.refuse(second), true);
    assert.equal(requests.refuse(first), false);
    assert.equal(requests.current, second);
  });
});
