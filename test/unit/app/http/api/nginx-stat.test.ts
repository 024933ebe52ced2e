import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { renderStat } from '../../../../../src/app/http/api/nginx-stat';
import type { ClientStats, StreamStats } from '../../../../../src/app/stats/stat-types';
import { at, parseXml, pathsIn } from '../../../../support/xml';
import type { XmlElement } from '../../../../support/xml';

import { FakeStatistics, sampleClient, sampleStream, sampleVhost } from './harness';

const fixture = join(__dirname, '../../../../fixtures/nginx-rtmp/stat.xml');
const nginx = parseXml(readFileSync(fixture, 'utf8'));

const publisher: ClientStats = {
  ...sampleClient(101),
  client: { ...sampleClient(101).client, isPublisher: true, type: 'fmle-publish' },
  aliveMs: 6000.9,
  player: undefined,
};

/** A stream that waits for its publisher. */
const waiting: StreamStats = {
  ...sampleStream,
  id: 12,
  name: 'none',
  isActive: false,
  ageMs: 0,
  clients: 1,
  players: 1,
  publisherId: -1,
  media: {},
};

const elements = (parent: XmlElement, name: string): XmlElement[] =>
  parent.children.filter((child) => child.name === name);

/** The order of children by the names of their parents. */
function orders(root: XmlElement, known = new Map<string, string[]>()): Map<string, string[]> {
  const names = known.get(root.name) ?? [];
  let after = -1;
  for (const { name } of root.children) {
    const place = names.indexOf(name);
    if (place < 0) names.splice(after + 1, 0, name);
    after = names.indexOf(name);
  }
  known.set(root.name, names);
  for (const child of root.children) orders(child, known);
  return known;
}

describe('the statistics in the XML of nginx-rtmp', () => {
  let statistics: FakeStatistics;

  beforeEach(() => {
    statistics = new FakeStatistics();
    statistics.vhostList = [{ ...sampleVhost, name: '__defaultVhost__' }];
    statistics.streamList = [sampleStream, waiting];
    statistics.clientList = [
      publisher,
      sampleClient(102),
      { ...sampleClient(103), streamId: 12, aliveMs: 7000 },
    ];
  });

  const render = (): string =>
    renderStat({ statistics, accepted: () => 17 }, { pid: 4321, uptimeSeconds: 99.9 });
  const stat = (): XmlElement => parseXml(render());
  const streams = (root = stat()): XmlElement[] =>
    elements(at(root, 'server/application/live'), 'stream');

  it('have the elements of nginx at their places, all but the version of Flash', () => {
    const expected = pathsIn(nginx).filter((path) => !path.endsWith('/flashver'));
    // Other builds of nginx tell it as well.
    expected.push('rtmp/compiler');
    assert.deepEqual(pathsIn(stat()).sort(), expected.sort());
  });

  it('have them in the order of nginx', () => {
    const theirs = orders(nginx);
    for (const [name, children] of orders(stat())) {
      const known = theirs.get(name) ?? [];
      const ours = children.filter((child) => known.includes(child));
      const inTheirOrder = known.filter((child) => children.includes(child));
      assert.deepEqual(ours, inTheirOrder, name);
    }
  });

  it('have values of the same kind: whole numbers, words, or nothing', () => {
    const kindOf = (text: string): string => {
      if (text === '') return 'nothing';
      return /^-?\d+$/.test(text) ? 'number' : 'words';
    };
    const kinds = (root: XmlElement): Map<string, string> => {
      const found = new Map<string, string>();
      const look = ({ name, text, children }: XmlElement, prefix: string): void => {
        if (children.length === 0) found.set(prefix + name, kindOf(text));
        for (const child of children) look(child, `${prefix}${name}/`);
      };
      look(root, '');
      return found;
    };
    const ours = kinds(stat());
    for (const [path, kind] of kinds(nginx)) {
      const own = ours.get(path) ?? kind;
      // Ours has a rate of pictures with a fraction, and was not built.
      if (!/frame_rate|built/.test(path)) assert.equal(own, kind, path);
    }
  });

  it('tell of process and server: seconds, bytes, and bits per second', () => {
    const root = stat();
    const text = (name: string): string => at(root, name).text;
    assert.match(text('nginx_version'), /^SRS\/\d/);
    assert.equal(text('nginx_rtmp_version'), at(nginx, 'nginx_rtmp_version').text);
    assert.deepEqual([text('pid'), text('uptime'), text('naccepted')], ['4321', '99', '17']);
    assert.deepEqual([text('bw_in'), text('bw_out')], ['20400', '30600']);
    assert.deepEqual([text('bytes_in'), text('bytes_out')], ['2000', '3000']);
  });

  it('tell of a stream: ms, bits per second by kind, what it consists of', () => {
    const [stream] = streams();
    assert.ok(stream);
    const text = (name: string): string => at(stream, name).text;
    assert.deepEqual([text('name'), text('time'), text('nclients')], ['livestream', '5000', '3']);
    assert.deepEqual(
      [text('bw_in'), text('bw_video'), text('bw_audio')],
      ['20400', '18360', '2040'],
    );
    const video = at(stream, 'meta/video').children.map((child) => child.text);
    assert.deepEqual(video, ['1280', '720', '24.988', 'H264', 'High', '0', '3.1']);
    const audio = at(stream, 'meta/audio').children.map((child) => child.text);
    assert.deepEqual(audio, ['AAC', 'LC', '2', '44100']);
    assert.deepEqual(
      stream.children.slice(-2).map(({ name }) => name),
      ['publishing', 'active'],
    );
  });

  it('share nothing out while it is not known what a stream consists of', () => {
    statistics.streamList = [{ ...sampleStream, media: {} }];
    const [stream] = streams();
    assert.ok(stream);
    assert.deepEqual(
      ['bw_in', 'bw_video', 'bw_audio'].map((name) => at(stream, name).text),
      ['20400', '0', '0'],
    );
  });

  it('write the level with a fraction, and flag the constrained baseline', () => {
    const { video } = sampleStream.media;
    assert.ok(video);
    const baseline = { ...video, profile: 'Baseline(Constrained)', level: '4' };
    statistics.streamList = [{ ...sampleStream, media: { video: baseline } }];
    const [stream] = streams();
    assert.ok(stream);
    assert.equal(at(stream, 'meta/video/compat').text, '64');
    assert.equal(at(stream, 'meta/video/level').text, '4.0');
    assert.equal(at(stream, 'meta/audio').children.length, 0);
  });

  it('tell of clients: who publishes, what a player missed and how far it is', () => {
    const [stream] = streams();
    assert.ok(stream);
    const [first, second] = elements(stream, 'client');
    assert.ok(first && second);
    assert.deepEqual(
      first.children.slice(-2).map(({ name }) => name),
      ['publishing', 'active'],
    );
    assert.equal(at(first, 'time').text, '6000');
    assert.equal(at(first, 'timestamp').text, '5000');
    const text = (name: string): string => at(second, name).text;
    assert.deepEqual([text('id'), text('address')], ['102', '192.168.1.7']);
    assert.deepEqual([text('dropped'), text('timestamp')], ['5', '4660']);
    assert.equal(elements(second, 'publishing').length, 0);
  });

  it('show no secrets of urls', () => {
    assert.ok(!render().includes('SECRET'));
    const [stream] = streams();
    assert.ok(stream);
    assert.equal(at(stream, 'client/pageurl').text, 'http://page.test/?key=***');
  });

  it('show a stream that waits for its publisher, as nginx does: idle, without meta', () => {
    const stream = streams()[1];
    assert.ok(stream);
    assert.deepEqual([at(stream, 'name').text, at(stream, 'time').text], ['none', '7000']);
    for (const name of ['meta', 'publishing', 'active']) {
      assert.equal(elements(stream, name).length, 0, name);
    }
    assert.equal(elements(at(stream, 'client'), 'active').length, 0);
  });

  it('leave out streams that are over', () => {
    statistics.streamList = [{ ...waiting, clients: 0, players: 0 }];
    statistics.clientList = [];
    assert.deepEqual(at(stat(), 'server').children, []);
  });

  it('put streams below their apps, and count the clients of each app', () => {
    const other = { ...waiting, id: 13, app: 'other' };
    statistics.streamList = [sampleStream, other, waiting];
    const applications = at(stat(), 'server').children.map((app) => [
      at(app, 'name').text,
      elements(at(app, 'live'), 'stream').length,
      at(app, 'live/nclients').text,
    ]);
    assert.deepEqual(applications, [
      ['live', 2, '4'],
      ['other', 1, '1'],
    ]);
  });

  it('make a server of each vhost with streams, and name those that have a name', () => {
    const named = { ...sampleVhost, id: 2, name: 'a"b.com' };
    statistics.vhostList = [...statistics.vhostList, named, { ...named, id: 3 }];
    statistics.streamList = [{ ...sampleStream, vhostId: 2 }];
    const servers = elements(stat(), 'server');
    assert.deepEqual(
      servers.map(({ attributes, children }) => [attributes, children.length]),
      [
        [{}, 0],
        [{ vhost: 'a"b.com' }, 1],
      ],
    );
  });

  it('list a thousand clients of a stream, and tell how many there are', () => {
    statistics.clientList = Array.from({ length: 1500 }, (_, index) => sampleClient(200 + index));
    statistics.streamList = [{ ...sampleStream, clients: 1500 }];
    const [stream] = streams();
    assert.ok(stream);
    assert.equal(elements(stream, 'client').length, 1000);
    assert.equal(at(stream, 'nclients').text, '1500');
  });

  it('list five thousand clients in all', () => {
    const of = (streamId: number): ClientStats => ({ ...sampleClient(200), streamId });
    statistics.clientList = Array.from({ length: 7000 }, (_, index) => of(index % 10));
    statistics.streamList = Array.from({ length: 10 }, (_, id) => ({ ...sampleStream, id }));
    const listed = streams().map((stream) => elements(stream, 'client').length);
    assert.deepEqual(
      listed,
      Array.from({ length: 10 }, () => 500),
    );
  });

  it('stay XML whatever peers call themselves', () => {
    const evil = `<a>&"'\0\u001b]]>\ud800\uffff é😀`;
    const client = sampleClient().client;
    const names = { ...client.names, pageUrl: `${evil}${'x'.repeat(1e5)}`, swfUrl: evil };
    statistics.streamList = [{ ...sampleStream, name: evil, app: evil }];
    statistics.clientList = [{ ...sampleClient(), client: { ...client, names } }];
    const text = render();
    assert.ok(text.length < 10_000);
    assert.equal(at(parseXml(text), 'server/application/name').text, `<a>&"']]> é😀`);
  });
});
