import assert from 'node:assert/strict';

import sinon from 'sinon';

import { RefusalStatus } from '../../../../../src/app/access/access';
import { ErrorCode, SrsError } from '../../../../../src/core/errors';
import { flvFile, sampleTags } from '../../../../support/media';

import { LiveHarness, TestAuthorizer } from './harness';
import type { LiveClient, LiveHarnessOptions } from './harness';

const CHUNKED = { 'Transfer-Encoding': 'chunked' };
const file = flvFile(sampleTags(3));

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
}

describe('publishing over HTTP', () => {
  let harness: LiveHarness;
  const start = (options: LiveHarnessOptions = {}): LiveHarness => {
    harness.close();
    harness = new LiveHarness(options);
    return harness;
  };
  const publisher = async (): Promise<LiveClient> => {
    const client = harness.request('POST /live/s.flv', CHUNKED);
    client.send(chunk(file));
    await harness.log.until(() => harness.log.matching('audio sh').length > 0);
    return client;
  };
  const put = (body: Buffer): LiveClient => {
    const client = harness.request('PUT /live/s.flv', { 'Content-Length': `${body.length}` });
    client.send(body);
    return client;
  };
  beforeEach(() => {
    harness = new LiveHarness();
  });
  afterEach(() => {
    harness.close();
  });

  it('relays a chunked body while it comes, and says how much it was', async () => {
    const client = harness.request('POST /live/s.flv', CHUNKED);
    const player = harness.request('GET /live/s.flv');
    client.send(chunk(file.subarray(0, 100)));
    client.send(chunk(file.subarray(100)));
    const tags = await player.untilTags(9);
    assert.ok(tags.some(({ payload }) => payload.includes('v2')));
    assert.equal(tags[0]?.type, 18);
    client.send('0\r\n\r\n');
    assert.equal(await client.status(), 200);
    await client.until(() => client.body.includes('}}'));
    const reply: unknown = JSON.parse(client.body.toString());
    assert.deepEqual(reply, { code: 0, data: { bytes: file.length, messages: 8 } });
    assert.match(await client.head(), /Content-Type: application\/json/);
    assert.equal(harness.source().publisher, undefined);
    assert.equal(
      harness.log.matching(`client finished. time=0, received=${file.length}`).length,
      1,
    );
  });

  it('takes a body of known length, after saying that it does', async () => {
    const length = { 'Content-Length': `${file.length}`, Expect: '100-continue' };
    const client = harness.request('PUT /live/s.flv', length);
    await client.until(() => client.received.includes('HTTP/1.1 100 Continue\r\n\r\n'));
    client.send(file);
    await client.until(() => client.received.includes('HTTP/1.1 200 OK'));
  });

  it('refuses damage with what is wrong, after what came before', async () => {
    const client = put(Buffer.concat([file, Buffer.alloc(64, 0x77)]));
    assert.equal(await client.status(), 400);
    assert.match(client.body.toString(), /expected tag type 8, 9 or 18 at offset \d+/);
    assert.equal(harness.log.matching('audio sh').length, 1);
    assert.equal(harness.source().publisher, undefined);
  });

  it('refuses a body that ends inside a tag, and one that is no FLV', async () => {
    const cut = put(file.subarray(0, file.length - 6));
    assert.equal(await cut.status(), 400);
    assert.match(cut.body.toString(), /FLV is truncated: expected a whole tag/);
    const other = put(Buffer.from('GIF89a and more'));
    assert.equal(await other.status(), 400);
  });

  it('refuses a second publisher while the first is there', async () => {
    await publisher();
    const second = put(file);
    assert.equal(await second.status(), 409);
    assert.match(second.body.toString(), /already published by id=100/);
  });

  it('hands over to a second one where the vhost says so', async () => {
    start({ vhost: 'publish_conflict takeover;' });
    const first = await publisher();
    assert.equal(await put(file).status(), 200);
    assert.equal(await first.status(), 409);
    assert.equal(first.body.toString(), 'replaced by id=101');
    await first.end();
  });

  it('takes over from a silent publisher, and ends like any other publisher when told', async () => {
    const silent = harness.publish();
    harness.clock.advance(4000);
    const client = await publisher();
    assert.equal(silent.replacedBy, 100);
    harness.source().publisher?.drop(new SrsError(ErrorCode.SYSTEM_FILE_WRITE, 'the disk is full'));
    assert.equal(await client.status(), 403);
    assert.equal(client.body.toString(), 'the disk is full');
  });

  it('gives the stream up when the client leaves', async () => {
    const authorizer = new TestAuthorizer();
    start({ authorizer });
    const client = await publisher();
    assert.deepEqual(authorizer.asked, ['connect', 'publish']);
    assert.equal(harness.route.size, 1);
    client.socket.destroy();
    await harness.log.until(() => harness.log.matching('client disconnect peer').length > 0);
    assert.equal(harness.source().publisher, undefined);
    assert.deepEqual(authorizer.endings, ['publish', 'connect']);
    assert.equal(harness.route.size, 0);
  });

  it('refuses whom the authorizer or the refer rules refuse, and bad names', async () => {
    const authorizer = new TestAuthorizer();
    const code = ErrorCode.SYSTEM_SECURITY_DENY;
    authorizer.refusals.set('publish', {
      code,
      status: RefusalStatus.publish,
      description: 'no key',
    });
    start({ authorizer });
    const client = put(file);
    assert.equal(await client.status(), 403);
    assert.equal(client.body.toString(), 'no key');
    assert.deepEqual(authorizer.endings, ['connect']);
    start({ vhost: 'refer_publish good.test;' });
    assert.equal(await put(file).status(), 403);
    const long = harness.request(`POST /live/${'s'.repeat(3000)}.flv`, CHUNKED);
    assert.equal(await long.status(), 404);
  });

  it('refuses one who comes second while its authorizer thinks', async () => {
    let open = (): void => undefined;
    const authorizer = new TestAuthorizer();
    authorizer.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    start({ authorizer });
    const client = put(file);
    await harness.log.until(() => harness.log.matching('client identified').length > 0);
    harness.publish();
    open();
    assert.equal(await client.status(), 409);
    assert.deepEqual(authorizer.endings, ['publish', 'connect']);
  });

  it('survives a fault in what takes the stream', async () => {
    const client = await publisher();
    sinon.stub(harness.source(), 'media').throws(new Error('a fault'));
    client.send(chunk(flvFile(sampleTags(1)).subarray(13)));
    assert.equal(await client.status(), 500);
    assert.equal(harness.log.matching('publish failed, Error: a fault').length, 1);
    assert.equal(harness.source().publisher, undefined);
  });

  it('tells its state in turn', async () => {
    await publisher();
    await harness.log.until(() => harness.log.matching('<- CPB http: got').length > 0);
    const [line] = harness.log.matching('<- CPB http: got');
    assert.match(line ?? '', /got 8 msgs, time=\d+, ikbps=\d+,\d+,\d+$/);
  });

  it('does not begin when the server has stopped meanwhile', async () => {
    let open = (): void => undefined;
    const authorizer = new TestAuthorizer();
    authorizer.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    start({ authorizer });
    const client = put(file);
    await harness.log.until(() => harness.log.matching('client identified').length > 0);
    await harness.route.stop(1000);
    open();
    assert.equal(await client.status(), 503);
    assert.deepEqual(authorizer.endings, ['publish', 'connect']);
  });

  it('is told when the server stops', async () => {
    const client = await publisher();
    const stopped = harness.route.stop(1000);
    assert.equal(await client.status(), 503);
    assert.equal(client.body.toString(), 'the server is shutting down');
    await client.end();
    await stopped;
    assert.equal(harness.source().publisher, undefined);
  });
});
