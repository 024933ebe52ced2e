/** A service over fake sockets and logs, and clients that talk to it. */
import type { Authorizer } from '../../../../src/app/access/access';
import { Config } from '../../../../src/app/config/config';
import { RtmpService } from '../../../../src/app/rtmp/service';
import type { RtmpServiceOptions } from '../../../../src/app/rtmp/service';
import { PithyPrint } from '../../../../src/app/stats/pithy-print';
import { Hub } from '../../../../src/app/stream/hub';
import { ContextIds } from '../../../../src/core/context-id';
import { FakeStreamLog } from '../../../support/fakes/fake-stream-log';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { TestClient } from '../../../support/test-client';

export class Harness {
  readonly clock = new ManualClock();
  readonly log = new RecordingLogger();
  /** One per stream, in the order of their making. */
  readonly streamLogs: FakeStreamLog[] = [];
  readonly hub: Hub;
  readonly service: RtmpService;
  readonly pithyPrint: PithyPrint;

  /** `vhosts` = blocks of a configuration file. */
  constructor(
    vhosts = 'vhost __defaultVhost__ {}',
    authorizer?: Authorizer,
    parts: Partial<RtmpServiceOptions> = {},
  ) {
    const config = Config.parse(`listen 1935; ${vhosts}`, 'test.conf');
    this.hub = new Hub((options) => {
      const streamLog = new FakeStreamLog(options);
      this.streamLogs.push(streamLog);
      return streamLog;
    });
    this.pithyPrint = new PithyPrint(config.global.pithyPrintMs, this.clock);
    this.service = new RtmpService({
      hub: this.hub,
      log: this.log,
      clock: this.clock,
      ids: new ContextIds(),
      pithyPrint: this.pithyPrint,
      findVhost: (name) => config.findVhost(name),
      ...(authorizer && { authorizer }),
      ...parts,
    });
  }

  /** A client whose socket was just accepted. */
  client(): TestClient {
    const client = new TestClient();
    this.service.accept(client.socket.asSocket);
    return client;
  }

  /** The log of the first stream. */
  get streamLog(): FakeStreamLog {
    const [log] = this.streamLogs;
    if (!log) throw new Error('no stream was made');
    return log;
  }
}
