import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import {
  bytesOfMessage,
  command,
  connectCommand,
  HANDSHAKE,
  ReplyReader,
  REPLY_SIZE,
} from '../../support/rtmp-peer';
import { identity, player, publisher, result, ServerHarness } from '../../support/server-harness';
import { pushLent, splits } from '../../support/split';

describe('ServerSession in a bandwidth check', () => {
  /** A client whose connect was granted for it. */
  function tested(): ServerHarness {
    const harness = new ServerHarness();
    harness.decides = false;
    harness.pushHandshake();
    harness.push(connectCommand({}, 3));
    harness.session.acceptTest(identity);
    return harness;
  }

  it('answers connect with window, bandwidth and result, and no onBWDone', () => {
    const replies = tested().push();
    assert.deepEqual(
      replies.map(([type, , name]) => `${type} ${String(name)}`),
      ['5 002625a0', '6 002625a002', '20 _result'],
    );
  });

  it('tells its steps, and passes over all else', () => {
    const harness = tested();
    harness.push();
    harness.events.length = 0;
    const others = [
      command(0, 'createStream', 2, null),
      command(1, 'play', 0, null, 'a'),
      command(0, 'FCPublish', 3, null, 'a'),
      command(1, 'publish', 4, null, 'a'),
      command(0, 'foo', 5, null),
      bytesOfMessage(9, 1, Buffer.of(2)),
    ];
    assert.deepEqual(harness.push(...others, command(0, 'finalClientPacket', 0, null)), []);
    assert.deepEqual(harness.events, ['finalClientPacket']);
    assert.equal(harness.session.role, 'none');
  });

  it('takes messages that are longer than commands, up to 1 MiB', () => {
    const harness = tested();
    harness.events.length = 0;
    const long = (size: number): Buffer =>
      command(0, 'onSrsBandCheckPublishing', 0, null, ['x'.repeat(size)]);
    harness.push(long(900_000));
    assert.deepEqual(harness.events, ['onSrsBandCheckPublishing']);
    const code = ErrorCode.READER_BUFFER_OVERFLOW;
    assert.throws(() => harness.push(long(1_100_000)), { code });
  });

  it('is told when the server stops', () => {
    const harness = tested();
    harness.push();
    harness.session.shutDown('bye');
    const [reply] = harness.push();
    assert.equal((reply?.[5] as { code: string }).code, 'NetConnection.Connect.AppShutdown');
  });
});

describe('ServerSession at connect', () => {
  it('answers with window, bandwidth, result and onBWDone', () => {
    const harness = new ServerHarness();
    harness.pushHandshake();
    const [window, bandwidth, reply, done, ...rest] = harness.push(connectCommand({}, 3));
    assert.deepEqual(window, [5, 0, '002625a0']);
    assert.deepEqual(bandwidth, [6, 0, '002625a002']);
    assert.deepEqual(done, [20, 0, 'onBWDone', 0, null]);
    assert.deepEqual(rest, []);
    const [type, streamId, name, tid, properties, info] = reply ?? [];
    assert.deepEqual([type, streamId, name, tid], [20, 0, '_result', 3]);
    assert.deepEqual(properties, { fmsVer: 'FMS/3,5,3,888', capabilities: 127, mode: 1 });
    const { data, ...more } = info as { data: Record<string, unknown> };
    assert.deepEqual(more, {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded',
      objectEncoding: 0,
    });
    assert.equal(
      Object.keys(data).join(' '),
      'version srs_sig srs_server srs_license srs_role srs_url srs_version srs_site srs_email ' +
        'srs_copyright srs_primary srs_authors srs_server_ip srs_pid srs_id',
    );
    const { srs_sig: sig, srs_server_ip: ip, srs_pid: pid, srs_id: id } = data;
    assert.deepEqual([sig, ip, pid, id], ['SRS', '10.0.0.1', 7, 100]);
    assert.deepEqual(harness.events, ['connect host live']);
    assert.equal(harness.session.request.app, 'live');
  });

  it('writes the real number of entries of the data array', () => {
    const harness = new ServerHarness();
    harness.pushHandshake();
    harness.session.push(connectCommand(), 0, connectCommand().length);
    const bytes = harness.transport.take().toString('hex');
    assert.match(bytes, new RegExp(`${Buffer.from('data').toString('hex')}080000000f`));
  });

  it('echoes the object encoding and answers the enhanced capabilities that were declared', () => {
    const harness = new ServerHarness();
    harness.pushHandshake();
    const reply = harness.push(
      connectCommand({ objectEncoding: 3, fourCcList: ['hvc1'], capsEx: 15 }),
    )[2];
    const info = reply?.[5] as Record<string, unknown>;
    assert.equal(info['objectEncoding'], 3);
    assert.equal(info['capsEx'], 7);
    assert.ok((info['fourCcList'] as string[]).includes('hvc1'));
    assert.equal('videoFourCcInfoMap' in info, false);
  });

  it('answers wherever the bytes are cut', () => {
    const bytes = Buffer.concat([HANDSHAKE, connectCommand(), command(0, 'createStream', 2, null)]);
    const cuts = [1, 1536, 1537, 1538, 3072, 3073, 3074, 3080, 3090, 3100, 3250, bytes.length - 1];
    for (const at of cuts) {
      const harness = new ServerHarness();
      pushLent([bytes.subarray(0, at), bytes.subarray(at)], (slab, start, end) => {
        harness.session.push(slab, start, end);
      });
      const sent = harness.transport.take().subarray(REPLY_SIZE);
      assert.deepEqual(new ReplyReader().read(sent).at(-1), result(2, 1));
    }
  });

  it('refuses a connect without tcUrl, or with a bad one, and says so before it closes', () => {
    for (const [tcUrl, code] of [
      [undefined, ErrorCode.RTMP_REQ_CONNECT],
      [5, ErrorCode.RTMP_REQ_CONNECT],
      ['rtmp://host', ErrorCode.RTMP_REQ_TCURL],
    ] as const) {
      const harness = new ServerHarness();
      harness.pushHandshake();
      const [reply, ...rest] = harness.push(connectCommand({ tcUrl }));
      assert.deepEqual(rest, []);
      assert.deepEqual(reply?.slice(0, 5), [20, 0, '_error', 1, null]);
      const info = reply[5] as Record<string, unknown>;
      assert.deepEqual([info['level'], info['code']], ['error', 'NetConnection.Connect.Rejected']);
      assert.deepEqual(harness.events, [`refused ${code}`]);
      assert.ok(harness.transport.isEnded);
      assert.deepEqual(harness.push(connectCommand()), []);
    }
  });

  it('refuses a connect that cannot be decoded, and other commands are not heard before it', () => {
    const harness = new ServerHarness();
    harness.pushHandshake();
    assert.deepEqual(harness.push(command(0, 'createStream', 1, null)), []);
    assert.throws(
      () => harness.push(command(0, 'connect', 1, null)),
      (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_AMF0_DECODE,
    );
  });

  it('refuses when the owner does, with its words', () => {
    const harness = new ServerHarness();
    harness.decides = false;
    harness.pushHandshake();
    harness.push(connectCommand({}, 4));
    harness.session.rejectConnect('no such vhost');
    const reply = harness.push();
    assert.deepEqual(reply, [
      [
        20,
        0,
        '_error',
        4,
        null,
        { level: 'error', code: 'NetConnection.Connect.Rejected', description: 'no such vhost' },
      ],
    ]);
    assert.ok(harness.transport.isEnded);
    harness.session.acceptConnect(identity);
    harness.session.resume();
    assert.deepEqual(harness.push(connectCommand()), []);
  });

  it('has no request before connect', () => {
    assert.throws(() => new ServerHarness().session.request, SrsError);
  });
});

describe('ServerSession while a decision is pending', () => {
  const later = Buffer.concat([
    command(0, 'createStream', 2, null),
    command(1, 'publish', 0, null, 'a'),
    bytesOfMessage(9, 1, Buffer.of(1, 2)),
  ]);

  it('keeps what comes and goes on with it after the answer, however it was cut', () => {
    for (const pieces of splits(later)) {
      const harness = new ServerHarness();
      harness.decides = false;
      harness.pushHandshake();
      harness.push(connectCommand(), ...pieces);
      assert.deepEqual(harness.events, ['connect host live']);
      harness.session.acceptConnect(identity);
      harness.decides = true;
      harness.session.resume();
      assert.deepEqual(harness.events.slice(1), ['publish a flash', 'media 9 0 0102']);
    }
  });

  it('keeps the rest of the push in which it was asked', () => {
    const harness = new ServerHarness();
    harness.decides = false;
    harness.pushHandshake();
    harness.push(Buffer.concat([connectCommand(), later]));
    harness.session.acceptConnect(identity);
    assert.deepEqual(harness.events, ['connect host live']);
    harness.session.resume();
    assert.deepEqual(harness.events.at(-1), 'publish a flash');
    harness.session.acceptPublish();
    harness.session.resume();
    assert.deepEqual(harness.events.at(-1), 'media 9 0 0102');
  });

  it('stays suspended while the owner wants it, decision or not', () => {
    const harness = publisher();
    harness.session.suspend();
    harness.push(bytesOfMessage(9, 1, Buffer.of(1)));
    assert.deepEqual(harness.events, []);
    harness.session.resume();
    harness.push(bytesOfMessage(9, 1, Buffer.of(2)));
    assert.deepEqual(harness.events, ['media 9 0 01', 'media 9 0 02']);
  });

  it('does not go on by resume alone', () => {
    const harness = new ServerHarness();
    harness.decides = false;
    harness.pushHandshake();
    harness.push(connectCommand(), later);
    harness.session.resume();
    assert.deepEqual(harness.events, ['connect host live']);
  });

  it('goes on with the next bytes when the answer came without a resume', () => {
    const harness = new ServerHarness();
    harness.decides = false;
    harness.pushHandshake();
    harness.push(connectCommand(), command(0, 'createStream', 2, null));
    harness.session.acceptConnect(identity);
    harness.decides = true;
    harness.push(command(1, 'publish', 0, null, 'a'));
    assert.deepEqual(harness.events, ['connect host live', 'publish a flash']);
  });

  it('keeps only so much', () => {
    const harness = new ServerHarness(100);
    harness.decides = false;
    harness.pushHandshake();
    harness.push(connectCommand(), Buffer.alloc(100));
    assert.throws(
      () => harness.push(Buffer.alloc(1)),
      (error) =>
        error instanceof SrsError &&
        error.code === ErrorCode.READER_BUFFER_OVERFLOW &&
        /at most 100 bytes.*got 101/.test(error.message),
    );
  });

  it('keeps much that comes in little pieces without copying it over and over', () => {
    const size = 256 * 1024;
    const harness = new ServerHarness(size);
    harness.decides = false;
    harness.pushHandshake();
    harness.push(connectCommand());
    const ping = bytesOfMessage(4, 0, Buffer.from('000600000001', 'hex'));
    const pings = Buffer.concat(Array.from({ length: Math.floor(size / ping.length) }, () => ping));
    for (let at = 0; at < pings.length; at++) harness.session.push(pings, at, at + 1);
    harness.session.acceptConnect(identity);
    harness.session.resume();
    const pongs = harness.push().filter(([type]) => type === 4);
    assert.equal(pongs.length, pings.length / ping.length);
  });

  it('does nothing after it was closed', () => {
    const harness = publisher();
    harness.session.close();
    assert.deepEqual(harness.push(command(0, 'foo', 5, null)), []);
    harness.session.resume();
    assert.deepEqual(harness.push(bytesOfMessage(9, 1, Buffer.of(2))), []);
    assert.deepEqual(harness.events, []);
  });

  it('sends what the owner wants in order', () => {
    const harness = player();
    harness.session.send({
      type: 8,
      timestamp: 0,
      streamId: 1,
      chunkStreamId: 7,
      payload: Buffer.of(1),
    });
    assert.deepEqual(harness.push(), [[8, 1, '01']]);
  });
});
