import assert from 'node:assert/strict';

import { isVerdict, refusalBy } from '../../../../src/app/edge/verdict';
import { UpstreamError } from '../../../../src/app/upstream/upstream-error';
import { ErrorCode } from '../../../../src/core/errors';

function error(status?: string, description = ''): UpstreamError {
  const verdict = status === undefined ? {} : { verdict: { status, description } };
  return new UpstreamError(ErrorCode.SYSTEM_STREAM_BUSY, 'as we say it', verdict);
}

describe('the words of an origin', () => {
  it('reach the client of the edge', () => {
    assert.deepEqual(refusalBy(error('NetStream.Publish.BadName', 'busy'), 'publish'), {
      code: ErrorCode.SYSTEM_STREAM_BUSY,
      status: 'NetStream.Publish.BadName',
      description: 'busy',
    });
  });

  it('get the status of what the client does when they are about something else', () => {
    const refusal = refusalBy(error('NetConnection.Connect.Rejected', 'no'), 'publish');
    assert.deepEqual([refusal.status, refusal.description], ['NetStream.Publish.Denied', 'no']);
  });

  it('are ours when the origin has said nothing, or could not be asked', () => {
    for (const silent of [error('NetStream.Publish.BadName'), error()]) {
      assert.equal(refusalBy(silent, 'publish').description, 'as we say it');
    }
  });

  it('are none when it is going to stop, or was lost', () => {
    assert.equal(isVerdict(error('NetConnection.Connect.AppShutdown', 'bye')), false);
    assert.equal(isVerdict(error()), false);
    assert.equal(isVerdict(error('NetStream.Play.StreamNotFound')), true);
    const { status, description } = refusalBy(
      error('NetConnection.Connect.AppShutdown'),
      'connect',
    );
    assert.deepEqual([status, description], ['NetConnection.Connect.Rejected', 'as we say it']);
  });
});
