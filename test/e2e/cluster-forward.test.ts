/** Copies to other servers: our own, nginx-rtmp, ffmpeg, over TLS, and to one that is away for a while. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { isListening, steadyPort } from '../support/steady-ports';
import { pairFiles } from '../support/tls';
import { eventually } from '../support/waits';

import { Client } from './support/client';
import { Member } from './support/cluster';
import {
  isKeyTag,
  lastGroup,
  mediaOf,
  packetArguments,
  packetLines,
  packetsOf,
  parsePackets,
  tagLines,
} from './support/media';
import { startNginx } from './support/nginx';
import type { Nginx } from './support/nginx';
import type { Program } from './support/program';
import { publish, publishEndlessly } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Viewer } from './support/viewer';

const VIDEO = 9;
const isHeader = ({ type, payload }: { type: number; payload: Buffer }): boolean =>
  payload[1] === 0 && (type !== VIDEO || (payload[0]! & 0x0f) === 7);

describe('forward', () => {
  let sandbox: Sandbox;
  let slave: Member;
  let master: Member;
  let nginx: Nginx;
  let listener: Program;
  let path: string;

  before(async () => {
    sandbox = new Sandbox();
    path = await source('h264-b-frames-aac.flv');
    const port = await steadyPort('127.0.0.1');
    const url = `rtmp://127.0.0.1:${port}/live/all`;
    const input = ['-v', 'error', '-listen', '1', '-i', url, '-c', 'copy', 'listen.flv'];
    listener = sandbox.start('ffmpeg', input);
    const securePort = await steadyPort('127.0.0.1');
    const { cert, key } = pairFiles('first');
    const secure = `rtmps_listen 127.0.0.1:${securePort}; rtmps_cert ${cert}; rtmps_key ${key};`;
    slave = await Member.start(sandbox, 'slave', { vhost: 'min_latency on;', global: secure });
    nginx = await startNginx(sandbox);
    const rtmps = `rtmps://127.0.0.1:${securePort}/live/`;
    master = await Member.start(sandbox, 'master', {
      vhost: `
        min_latency on;
        upstream_verify off;
        forward ${slave.address} 127.0.0.1:${nginx.port} 127.0.0.1:${port} ${rtmps}tls_[stream];`,
      global: `
        vhost one.test { min_latency on; forward ${slave.address}; }
        vhost strict.test { forward ${rtmps}strict; }`,
    });
    await eventually('ffmpeg to listen', () => isListening(port));
  });

  after(() => sandbox.close());

  it('copies a stream to our own server, to nginx-rtmp, to ffmpeg that listens, and over TLS', async () => {
    const players = {
      plain: await Client.play(slave.port, 'all'),
      secure: await Client.play(slave.port, 'tls_all'),
      nginx: await Client.play(nginx.port, 'all'),
    };
    // It ends by itself, after two seconds of the stream.
    const probing = [...packetArguments(slave.url('all')), '-read_intervals', '%+2'];
    const probe = sandbox.start('ffprobe', probing);
    await slave.srs.hasPlayers('all', 2);
    const tags = mediaOf(path);
    // What comes after it ends the sequence.
    const last = tags.at(-2)!.payload;
    await publish(sandbox, path, master.url('all')).succeeds();
    for (const [name, player] of Object.entries(players)) {
      await player.until(`all of it from ${name}`, () =>
        player.tags.some(({ payload }) => payload.equals(last)),
      );
      assert.equal(player.metadata?.get('width'), 320, name);
    }
    assert.deepEqual(tagLines(players.plain.tags), tagLines(tags));
    assert.deepEqual(tagLines(players.secure.tags), tagLines(tags));
    // nginx passes video on from the first key frame after a player has come.
    assert.deepEqual(lastGroup(players.nginx.tags), lastGroup(tags));
    for (const player of Object.values(players)) player.close();

    const sent = await packetsOf(path);
    await listener.succeeds();
    const listened = await packetsOf(sandbox.path('listen.flv'));
    const probed = parsePackets((await probe.succeeds()).stdout);
    for (const kind of ['video', 'audio']) {
      const lines = packetLines(sent, kind);
      assert.deepEqual(packetLines(listened, kind), lines);
      const begin = packetLines(probed, kind);
      assert.ok(begin.length > 45);
      assert.deepEqual(begin, lines.slice(0, begin.length));
    }
  });

  it('refuses a server whose certificate nobody has signed that is trusted', async () => {
    const url = `rtmp://${master.address}/live?vhost=strict.test/s`;
    const publisher = publishEndlessly(sandbox, path, url);
    await master.program.prints(/\[(?:warn|error)\].*certificate/);
    publisher.kill('SIGKILL');
    await publisher.ended;
    assert.equal(slave.program.count('stream_name=strict,'), 0);
  });

  describe('to a server that is away for a while', () => {
    let publisher: Program;

    before(async () => {
      const url = `rtmp://${master.address}/live?vhost=one.test/away`;
      publisher = publishEndlessly(sandbox, path, url);
      await slave.srs.hasPublishers('away');
    });

    after(() => {
      publisher.kill('SIGKILL');
    });

    it('goes on when it is back, metadata and sequence headers first', async () => {
      await slave.kill();
      await slave.restart();
      // Who waits for it sees the beginning of the copy.
      const player = await Client.play(slave.port, 'away');
      await slave.srs.hasPublishers('away');
      await player.receives(50);
      assert.equal(player.metadata?.get('width'), 320);
      const [first, second, ...rest] = player.tags;
      assert.deepEqual([isHeader(first!), isHeader(second!)], [true, true]);
      assert.ok(isKeyTag(rest.find(({ type }) => type === VIDEO)!));
      player.close();
    });

    it('costs the players of the master nothing while it is frozen, and goes on afterwards', async () => {
      const viewer = await Viewer.join(slave, 'away');
      await viewer.flows();
      const beside = await Client.play(master.port, 'away?vhost=one.test');
      slave.freeze();
      // Four seconds of media.
      await beside.receives(4 * (25 + 43));
      slave.thaw();
      await viewer.resumes();
      viewer.isWell();
      viewer.client.close();
      beside.close();
      const status = fs.readFileSync(`/proc/${master.program.pid}/status`, 'utf8');
      assert.ok(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) < 150_000);
    });
  });
});
