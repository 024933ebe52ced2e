/** Edges: they pull what is played and push what is published, over several levels, from our origin and from nginx-rtmp. */
import assert from 'node:assert/strict';

import { steadyPort } from '../support/steady-ports';

import { Client } from './support/client';
import { Member } from './support/cluster';
import { lastGroup, mediaOf, packetLines, packetsOf, tagLines, tagsOf } from './support/media';
import { startNginx } from './support/nginx';
import type { Nginx } from './support/nginx';
import { due, publish, publishEndlessly, record, recorderNames } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Viewer } from './support/viewer';

const PLAYS = (stream: string): string => `client identified, type=Play, stream_name=${stream},`;

describe('edge', () => {
  let sandbox: Sandbox;
  let origin: Member;
  let edge: Member;
  let farEdge: Member;
  let nginx: Nginx;
  let httpPort: number;
  let path: string;

  before(async () => {
    sandbox = new Sandbox();
    path = await source('h264-b-frames-aac.flv');
    origin = await Member.start(sandbox, 'origin', { vhost: 'min_latency on;' });
    nginx = await startNginx(sandbox);
    const remote = (to: string): string =>
      `min_latency on; mode remote; origin ${to}; edge_linger 1;`;
    httpPort = await steadyPort('127.0.0.1');
    edge = await Member.start(sandbox, 'edge', {
      vhost: `${remote(origin.address)} http_remux { enabled on; }`,
      global: `
        http_server { enabled on; listen 127.0.0.1:${httpPort}; dir html; }
        vhost nginx.test { ${remote(`127.0.0.1:${nginx.port}`)} }`,
    });
    farEdge = await Member.start(sandbox, 'far-edge', { vhost: remote(edge.address) });
  });

  after(() => sandbox.close());

  it('fetches a running stream once for many players, and stops soon after the last has left', async () => {
    const publisher = publishEndlessly(sandbox, path, origin.url('r'));
    await origin.srs.hasPublishers('r');
    const viewers = await Promise.all([1, 2, 3].map(() => Viewer.join(edge, 'r')));
    await Promise.all(viewers.map((viewer) => viewer.flows()));
    const urls = [edge.url('r'), `http://127.0.0.1:${httpPort}/live/r.flv`];
    for (const [index, url] of urls.entries()) {
      const args = ['-v', 'error', '-i', url, '-t', '1', '-c', 'copy', `r${index}.flv`];
      assert.equal((await sandbox.start('ffmpeg', args).succeeds()).stderr, '');
    }
    assert.equal(origin.program.count(PLAYS('r')), 1);
    const joined = /\[trace\]\[\d+\]\[(\d+)\] client identified, type=Play, stream_name=r,/;
    const [, id = ''] = joined.exec(origin.program.stdout)!;
    // The two logs lead from one to the other.
    assert.match(
      edge.program.stdout,
      new RegExp(`upstream connected, url=\\S+/live/r, .*pid=${origin.program.pid}, id=${id}\\n`),
    );
    assert.match(origin.program.stdout, new RegExp(`edge-srs ip=.*, pid=${edge.program.pid}, id=`));
    for (const viewer of viewers) {
      viewer.isWell();
      viewer.client.close();
    }
    const left = new RegExp(`\\]\\[${id}\\](?:\\[\\d+\\])? client (?:finished|disconnect peer)`);
    await origin.program.prints(left);
    publisher.kill('SIGKILL');
    await publisher.ended;
  });

  it('pulls from nginx-rtmp', async () => {
    const publisher = publishEndlessly(sandbox, path, nginx.url('n'));
    const player = await Client.play(edge.port, 'n?vhost=nginx.test');
    await player.until('a group of pictures', () => player.tags.length > 2 * (25 + 43));
    assert.equal(player.metadata?.get('width'), 320);
    publisher.kill('SIGKILL');
    await publisher.ended;
    player.close();
  });

  it('pushes what is published at it to the origin, from where it comes to other edges', async () => {
    const players = await Promise.all(
      [edge, origin, farEdge].map((at) => Client.play(at.port, 'p')),
    );
    const tags = mediaOf(path);
    const last = tags.at(-2)!.payload;
    await publish(sandbox, path, edge.url('p')).succeeds();
    for (const player of players) {
      await player.until('the end of it', () =>
        player.tags.some(({ payload }) => payload.equals(last)),
      );
      assert.deepEqual(tagLines(player.tags), tagLines(tags));
      assert.equal(player.metadata?.get('width'), 320);
      player.close();
    }
    assert.equal(origin.srs.program.count(/type=publish\(\w+\), stream_name=p,/), 1);
  });

  it('pushes to nginx-rtmp', async () => {
    const player = await Client.play(nginx.port, 'q');
    const tags = mediaOf(path);
    const last = tags.at(-2)!.payload;
    await publish(sandbox, path, `rtmp://${edge.address}/live?vhost=nginx.test/q`).succeeds();
    await player.until('the end of it', () =>
      player.tags.some(({ payload }) => payload.equals(last)),
    );
    assert.deepEqual(lastGroup(player.tags), lastGroup(tags));
    player.close();
  });

  it('tells a publisher in the words of the origin that the stream is taken there', async () => {
    const first = await Client.publish(origin.port, 'taken');
    first.send(mediaOf(path).slice(0, 10));
    const atOrigin = await Client.refusal(origin.port, 'taken');
    assert.match(atOrigin, /BadName/);
    assert.equal(await Client.refusal(edge.port, 'taken'), atOrigin);
    first.close();
  });

  // The last one: it stops the servers.
  it('gives waiting players all that is published at the origin, at the second level, too', async () => {
    const recorders = [edge, farEdge].flatMap((member) =>
      recorderNames.map((name) =>
        record(sandbox, name, member.url('w'), `${member.name}.${name}.flv`),
      ),
    );
    await Promise.all([edge.srs.hasPlayers('w', 4), farEdge.srs.hasPlayers('w', 3)]);
    await origin.srs.hasPlayers('w');
    const last = mediaOf(path).at(-2)!.payload;
    const witness = await Client.play(farEdge.port, 'w');
    await publish(sandbox, path, origin.url('w')).succeeds();
    await witness.until('the end of it', () =>
      witness.tags.some(({ payload }) => payload.equals(last)),
    );
    assert.equal(origin.program.count(PLAYS('w')), 1);
    // All of them end with their server.
    for (const member of [farEdge, edge, origin]) await member.stop();
    await Promise.all(recorders.map((recorder) => recorder.ended));

    const sent = await packetsOf(path);
    const sentTags = tagLines(tagsOf(path));
    for (const member of [edge, farEdge]) {
      const received = await packetsOf(sandbox.path(`${member.name}.ffmpeg.flv`));
      for (const kind of ['video', 'audio']) {
        const lines = packetLines(received, kind);
        assert.deepEqual(lines, packetLines(sent, kind), member.name);
      }
      for (const name of ['rtmpdump', 'gstreamer'] as const) {
        const lines = tagLines(tagsOf(sandbox.path(`${member.name}.${name}.flv`)));
        assert.deepEqual(lines, due(name, sentTags, lines.length), `${member.name} ${name}`);
      }
    }
  });
});
