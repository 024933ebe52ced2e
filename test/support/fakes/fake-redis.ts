/** A Redis whose connections and answers come from the test. */
import type { RedisTarget } from '../../../src/app/config/redis-url';
import type {
  OpenRedis,
  RedisConnection,
  RedisEvents,
} from '../../../src/app/registry/redis-connection';

/** A command that waits for its answer. */
export interface SentCommand {
  readonly args: readonly string[];
  readonly answer: (value: unknown) => void;
  readonly refuse: (message: string) => void;
}

export class FakeConnection implements RedisConnection {
  readonly target: RedisTarget;
  readonly events: RedisEvents;
  readonly sent: SentCommand[] = [];
  isClosed = false;
  /** Answers at once instead of leaving that to the test. */
  responder: ((args: readonly string[]) => unknown) | undefined;

  constructor(target: RedisTarget, events: RedisEvents) {
    this.target = target;
    this.events = events;
  }

  send(args: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const refuse = (message: string): void => {
        reject(new Error(message));
      };
      this.sent.push({ args, answer: resolve, refuse });
      if (this.responder) resolve(this.responder(args));
    });
  }

  close(): void {
    this.isClosed = true;
    for (const { refuse } of this.sent) refuse('closed');
  }

  /** It ends from the other side. */
  break(message: string): void {
    for (const { refuse } of this.sent) refuse(message);
    this.events.onClosed(new Error(message));
  }

  /** The commands sent since the last call, without the texts of scripts. */
  take(): string[] {
    return this.sent
      .splice(0)
      .map(({ args }) => args.filter((arg) => !arg.includes('\n')).join(' '));
  }
}

export class FakeRedis {
  readonly connections: FakeConnection[] = [];
  /** What every new connection answers. */
  responder: ((args: readonly string[]) => unknown) | undefined;

  readonly open: OpenRedis = (target, events) => {
    const connection = new FakeConnection(target, events);
    connection.responder = this.responder;
    this.connections.push(connection);
    return connection;
  };

  /** The newest connection. */
  get connection(): FakeConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error('expected a connection to have been opened');
    return connection;
  }
}
