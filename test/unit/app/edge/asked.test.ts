import assert from 'node:assert/strict';

import { askedBy } from '../../../../src/app/edge/asked';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { createRequest, setStreamName } from '../../../../src/rtmp/request';
import type { RtmpRequest } from '../../../../src/rtmp/request';

function request(tcUrl: string, name: string): RtmpRequest {
  const made = createRequest(AmfObject.of({ tcUrl }));
  setStreamName(made, name);
  return made;
}

describe('what is kept of a request', () => {
  it('stays as it was when the client asks for something else', () => {
    const live = request('rtmp://a.com/live?x=1', 's?y=2');
    const kept = askedBy(live);
    setStreamName(live, 'other');
    assert.deepEqual([kept.stream, kept.param, kept.streamParam], ['s', '?x=1', '?y=2']);
  });

  it('tells the query of an HTTP client behind the application, too', () => {
    const kept = askedBy(request('http://a.com/live', 's?token=t'));
    assert.deepEqual([kept.param, kept.streamParam], ['?token=t', '?token=t']);
  });
});
