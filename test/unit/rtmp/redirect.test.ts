import assert from 'node:assert/strict';

import { AmfObject } from '../../../src/rtmp/amf0-value';
import { followsReconnect, redirectMessage } from '../../../src/rtmp/redirect';
import { createRequest, setStreamName } from '../../../src/rtmp/request';
import type { RtmpRequest } from '../../../src/rtmp/request';
import { plainValues } from '../../support/rtmp-peer';

function requestOf(stream: string, capsEx?: number): RtmpRequest {
  const more = capsEx === undefined ? {} : { capsEx };
  const request = createRequest(AmfObject.of({ tcUrl: 'rtmp://host/live', ...more }));
  setStreamName(request, stream);
  return request;
}

describe('redirectMessage', () => {
  it('is a refusal with the new address for a client of plain RTMP', () => {
    const url = 'rtmp://10.0.0.2:1935/live?redirected=1/s?token=a/b';
    const message = redirectMessage(requestOf('s?token=a/b'), url);
    assert.equal(message.streamId, 0);
    assert.deepEqual(plainValues(Buffer.from(message.payload)), [
      'onStatus',
      0,
      null,
      {
        level: 'error',
        code: 'NetConnection.Connect.Rejected',
        description: 'RTMP 302 Redirect',
        ex: { code: 302, redirect: 'rtmp://10.0.0.2:1935/live?redirected=1', redirect2: url },
      },
    ]);
  });

  it('is a reconnect request for a client that follows those', () => {
    const message = redirectMessage(requestOf('a/b', 1 | 2), 'rtmp://10.0.0.2:1935/live/a/b');
    assert.equal(message.streamId, 0);
    assert.deepEqual(plainValues(Buffer.from(message.payload)), [
      'onStatus',
      0,
      null,
      {
        level: 'status',
        code: 'NetConnection.Connect.ReconnectRequest',
        description: 'The stream is at another server.',
        tcUrl: 'rtmp://10.0.0.2:1935/live',
      },
    ]);
  });

  it('takes apart a url that names the stream in another way', () => {
    const message = redirectMessage(requestOf('s'), 'rtmp://10.0.0.2/live/other');
    const [, , , info] = plainValues(Buffer.from(message.payload)) as { ex: object }[];
    assert.deepEqual(info?.ex, {
      code: 302,
      redirect: 'rtmp://10.0.0.2/live',
      redirect2: 'rtmp://10.0.0.2/live/other',
    });
  });

  it('knows who follows a reconnect request', () => {
    assert.deepEqual(
      [undefined, 0, 1, 2, 15].map((capsEx) => followsReconnect(requestOf('s', capsEx))),
      [false, false, true, false, true],
    );
  });
});
