/** Owns what the tests of an edge share: a service over real sockets, streams over fake logs, and origins. */
import { Config } from '../../../../src/app/config/config';
import type { VhostOptions } from '../../../../src/app/config/config';
import { EdgeService } from '../../../../src/app/edge/edge-service';
import type { EdgeServiceParts } from '../../../../src/app/edge/edge-service';
import { PithyPrint } from '../../../../src/app/stats/pithy-print';
import { Statistics } from '../../../../src/app/stats/statistics';
import { Hub } from '../../../../src/app/stream/hub';
import type { Source } from '../../../../src/app/stream/source';
import { Resolver } from '../../../../src/app/upstream/resolver';
import { ContextIds } from '../../../../src/core/context-id';
import { Engine } from '../../../../src/net/engine';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { createRequest, setStreamName } from '../../../../src/rtmp/request';
import type { RtmpRequest } from '../../../../src/rtmp/request';
import { FakeStreamLog } from '../../../support/fakes/fake-stream-log';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { eventually } from '../../../support/waits';
import { FakeOrigin } from '../upstream/fake-origin';
import type { Behaviour } from '../upstream/fake-origin';

const DEFAULT_VHOST = '__defaultVhost__';

/** A request of an RTMP client. */
export function requestFor(name = 's', tcUrl = 'rtmp://127.0.0.1/live'): RtmpRequest {
  const request = createRequest(AmfObject.of({ tcUrl }));
  setStreamName(request, name);
  request.vhost = DEFAULT_VHOST;
  return request;
}

/** One test's edge. Its time stands still unless it is moved, and nothing is looked after unless it is asked to. */
export class EdgeBench {
  readonly engine = new Engine(new RecordingLogger());
  readonly clock = new ManualClock();
  readonly log = new RecordingLogger();
  readonly streamLogs: FakeStreamLog[] = [];
  readonly statistics = new Statistics(this.clock, 1);
  readonly hub: Hub;
  readonly #pithyPrint: PithyPrint;
  #edge: EdgeService | undefined;
  readonly #origins: FakeOrigin[] = [];
  #vhost: VhostOptions | undefined;

  /** `statusMs`: how often the edge prints a status line. */
  constructor(statusMs = 1_000_000) {
    const intervals = Config.parse('listen 1935;', 'test.conf').global.pithyPrintMs;
    this.#pithyPrint = new PithyPrint({ ...intervals, edge: statusMs }, this.clock);
    this.hub = new Hub(
      (options) => {
        const made = new FakeStreamLog(options);
        this.streamLogs.push(made);
        return made;
      },
      {
        onCreate: (source, vhost) => {
          this.edge.apply(source, vhost);
        },
        onDrop: (source) => {
          this.edge.forget(source);
        },
      },
    );
  }

  get edge(): EdgeService {
    if (!this.#edge) throw new Error('there is no edge yet');
    return this.#edge;
  }

  get vhost(): VhostOptions {
    if (!this.#vhost) throw new Error('there is no edge yet');
    return this.#vhost;
  }

  async origin(behaviour?: Behaviour): Promise<FakeOrigin> {
    const made = await FakeOrigin.start(behaviour);
    this.#origins.push(made);
    return made;
  }

  /** Begins with these options of the default vhost. */
  start(options: string, parts: Partial<EdgeServiceParts> = {}): void {
    this.setVhost(options);
    const resolver = new Resolver(() => []);
    this.#edge = new EdgeService({
      engine: this.engine,
      resolver,
      clock: this.clock,
      serverIp: () => '192.0.2.7',
      log: this.log,
      ids: new ContextIds(),
      pithyPrint: this.#pithyPrint,
      statistics: this.statistics,
      findVhost: () => this.#vhost,
      ...parts,
    });
  }

  /** Begins as an edge of these origins. */
  edgeOf(origins: readonly Pick<FakeOrigin, 'address'>[], options = ''): void {
    const words = origins.map(({ address }) => address).join(' ');
    this.start(`mode remote; origin ${words}; ${options}`);
  }

  /** Waits until the stream `s` has been played so often at an origin; the newest connection. */
  async playing(origin: FakeOrigin, count = 1): Promise<FakeOrigin['last']> {
    await origin.until(`${count} players`, () => {
      return origin.connections.filter(({ request }) => request?.stream === 's').length >= count;
    });
    return origin.last;
  }

  setVhost(options: string): void {
    const text = `listen 1935; vhost ${DEFAULT_VHOST} { ${options} }`;
    this.#vhost = Config.parse(text, 'test.conf').findVhost(DEFAULT_VHOST);
  }

  /** Somebody wants to play; what ends that, and the stream. */
  want(request = requestFor()): { source: Source; unwant: () => void } {
    const source = this.hub.fetch(request, this.vhost);
    const unwant = source.want(request);
    return {
      source,
      unwant: () => {
        unwant();
        this.hub.playerLeft(source);
      },
    };
  }

  /** Time passes, in steps in which connections are looked after. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 200) {
      this.clock.advance(200);
      // What came meanwhile comes first.
      await new Promise((resolve) => setTimeout(resolve, 2));
      this.edge.check(this.clock.nowMs());
    }
  }

  async close(): Promise<void> {
    this.#edge?.stop();
    this.#pithyPrint.close();
    this.hub.close();
    for (const origin of this.#origins) await origin.close();
    await eventually('all sockets closed', () => this.engine.stats.sockets === 0);
    this.engine.close();
  }
}
