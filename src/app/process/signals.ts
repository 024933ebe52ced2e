/**
 * Owns what signals mean to a running server. SIGPIPE needs nothing: Node ignores it, and so writes
 * to closed sockets come back as errors.
 */
import { constants } from 'node:os';

/** What the server does on a signal. */
export interface SignalActions {
  /** SIGTERM, SIGINT or SIGUSR2 for the first time: end gracefully. */
  stop(signal: NodeJS.Signals): void;
  /** One of them again: end at once. `status`: exit status by custom, 128 + signal number. */
  abort(signal: NodeJS.Signals, status: number): void;
  /** SIGHUP: read the configuration file again. */
  reload(): void;
  /** SIGUSR1: open the log file again. */
  reopenLog(): void;
}

/** Where signals come from; the process itself outside tests. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const;
const STATUS_OF_SIGNAL = 128;

/** Listens to the signals of the server; the returned function stops listening. */
export function installSignals(actions: SignalActions, source: SignalSource = process): () => void {
  let isStopping = false;
  const onStop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      actions.abort(signal, STATUS_OF_SIGNAL + constants.signals[signal]);
      return;
    }
    isStopping = true;
    actions.stop(signal);
  };
  const listeners: (readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void])[] = [
    ...STOP_SIGNALS.map((signal) => [signal, onStop] as const),
    [
      'SIGHUP',
      () => {
        actions.reload();
      },
    ],
    [
      'SIGUSR1',
      () => {
        actions.reopenLog();
      },
    ],
  ];
  for (const [signal, listener] of listeners) source.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) source.off(signal, listener);
  };
}
