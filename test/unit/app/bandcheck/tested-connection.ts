/** A connection whose bandwidth is checked, without a client: keeps what it is told, and what became of it. */
import type { TestedConnection } from '../../../../src/app/bandcheck/server-test';
import type { SrsError } from '../../../../src/core/errors';
import type { OutgoingMessage } from '../../../../src/rtmp/message';
import { plainValues } from '../../../support/rtmp-peer';

/** A step that was sent: name and data. */
export type Step = readonly [name: string, data: Readonly<Record<string, number>>];

export class FakeTested implements TestedConnection {
  readonly lines: string[] = [];
  readonly log = {
    trace: (line: string): void => {
      this.lines.push(line);
    },
  };
  readonly socket = {
    bytesReceived: 0,
    pendingBytes: 0,
    isReading: true,
    pauseRead(): void {
      this.isReading = false;
    },
    resumeRead(): void {
      this.isReading = true;
    },
  };
  readonly session = {
    outChunkSize: 128,
    isAccepted: false,
    acceptTest(): void {
      this.isAccepted = true;
    },
    send: (message: OutgoingMessage): void => {
      const [name, , , data] = plainValues(Buffer.from(message.payload));
      if (name === 'onSrsBandCheckPlaying') this.fillers++;
      else this.steps.push([name, data] as unknown as Step);
    },
  };
  steps: Step[] = [];
  fillers = 0;
  hasFinished = false;
  failure: SrsError | undefined;

  finish(): void {
    this.hasFinished = true;
  }

  fail(error: SrsError): void {
    this.failure = error;
  }

  /** The steps sent since the last call. */
  take(): Step[] {
    return this.steps.splice(0);
  }
}
