import assert from 'node:assert/strict';

import { jsonOf, summaryOf } from '../../../../src/app/bandcheck/report';
import { SrsError } from '../../../../src/core/errors';

const server = {
  server: 'SRS/2.1.0',
  version: '2.1.0',
  primary: 'me',
  authors: 'us',
  serverIp: '10.0.0.1',
  pid: 7,
  contextId: 100,
};
const result = {
  durationMs: 6100,
  playKbps: 990,
  publishKbps: 980,
  playBytes: 371_250,
  publishBytes: 367_500,
  playMs: 3000,
  publishMs: 3001,
};
const url = 'rtmp://host/app?key=geheim,vhost=v';

describe('app/bandcheck/report', () => {
  it('tells people what was measured', () => {
    assert.equal(
      summaryOf(url, { server, result, error: undefined }),
      `bandwidth check of rtmp://host/app?key=***,vhost=v
server:   SRS/2.1.0, version=2.1.0, ip=10.0.0.1, pid=7, id=100
download: 990 kbps, 371250 bytes in 3000 ms
upload:   980 kbps, 367500 bytes in 3001 ms
duration: 6100 ms
`,
    );
  });

  it('tells programs the same, in the fields of the tool of SRS', () => {
    assert.equal(
      jsonOf({ server, result, error: undefined }),
      '{"code":0,"srs_server":"SRS/2.1.0","srs_primary":"me","srs_authors":"us",' +
        '"srs_server_ip":"10.0.0.1","srs_version":"2.1.0","srs_pid":7,"srs_id":100,' +
        '"duration":6100,"play_duration":3000,"publish_duration":3001,' +
        '"play_kbps":990,"publish_kbps":980}',
    );
  });

  it('tells an error, with its code', () => {
    const error = new SrsError(1033, 'bandwidth check: rejected');
    const report = { server: undefined, result: undefined, error };
    assert.equal(
      summaryOf(url, report),
      'bandwidth check of rtmp://host/app?key=***,vhost=v\n' +
        'failed:   bandwidth check: rejected, ret=1033\n',
    );
    const { code, srs_id: id, play_kbps: kbps } = JSON.parse(jsonOf(report)) as never;
    assert.deepEqual([code, id, kbps], [1033, 0, 0]);
  });

  it('does to a terminal nothing that a server wants', () => {
    const evil = { ...server, server: '\u001b[2J\u0007', version: '1\n2' };
    const summary = summaryOf(url, { server: evil, result, error: undefined });
    assert.match(summary, /^server: {3}\?\[2J\?, version=1\?2, /m);
  });

  it('names a server that does not name itself', () => {
    const summary = summaryOf(url, { server: { ...server, server: '' }, result, error: undefined });
    assert.match(summary, /^server: {3}unknown, /m);
  });
});
