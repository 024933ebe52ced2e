/** Owns the program: command line in, exit status out, and what lies between put in order. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { Config } from './app/config/config';
import type { GlobalOptions } from './app/config/config';
import { availableFeatures } from './app/config/features';
import { ServerLog } from './app/log/server-log';
import { parseCommandLine } from './app/process/command-line';
import type { CommandOverrides } from './app/process/command-line';
import { ExitStatus } from './app/process/exit-status';
import { ensureFileLimit } from './app/process/file-limit';
import { bannerLines, helpText } from './app/process/help';
import type * as launcherModule from './app/process/launcher';
import { keepMemorySmall, limitHeapGrowth } from './app/process/memory';
import { watchParent } from './app/process/parent-watch';
import { PidFile } from './app/process/pid-file';
import { installSignals } from './app/process/signals';
import { reportToLauncher, takeWorkerRole } from './app/process/worker-role';
import type * as serverModule from './app/server';
import { describeError, describeFault, ErrorCode, SrsError } from './core/errors';
import { product } from './core/version';
import { lockFile, raiseFileLimit, releaseMemory } from './net/system';

/** An orderly stop that takes longer is given up, milliseconds. */
const STOP_LIMIT_MS = 10_000;

/** One run of the program. */
class Program {
  readonly #isWorker = takeWorkerRole();
  readonly #startDirectory = process.cwd();
  readonly #exit: (status: number) => never;
  /** The console until a server has its configured log. */
  #log = new ServerLog({ tank: 'console', file: '', level: 'trace', utcTime: false });
  #pidFile: PidFile | undefined;
  #hasReported = false;

  constructor(exit: (status: number) => never) {
    this.#exit = exit;
  }

  /** Does what the command line asks for; the exit status. */
  async run(args: readonly string[]): Promise<number> {
    try {
      return await this.#obey(args);
    } finally {
      await this.#log.close();
      this.#pidFile?.release();
    }
  }

  /** Last words on an error nobody expected, written before it returns; the exit status. */
  crash(error: unknown): number {
    this.#log.error('internal error, the server ends', error);
    for (const line of describeFault(error).split('\n')) this.#log.error(line);
    this.#end(ExitStatus.INTERNAL, `internal error: ${describeError(error)}`);
    return ExitStatus.INTERNAL;
  }

  async #obey(args: readonly string[]): Promise<number> {
    const programName = callName();
    let isTest = false;
    try {
      const command = parseCommandLine(args, programName);
      if (command.kind === 'help') process.stdout.write(helpText(programName));
      if (command.kind === 'version') process.stderr.write(`${product.version}\n`);
      if (command.kind === 'help' || command.kind === 'version') return ExitStatus.OK;
      isTest = command.kind === 'test';
      const config = this.#prepare(command.configFile, command.overrides);
      if (isTest) {
        this.#log.trace('config file is ok');
        return ExitStatus.OK;
      }
      enterDirectory(config.global.workDir);
      if (config.global.daemon && !this.#isWorker) return await this.#launch(config);
      return await this.#serve(config);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#log.error(describeError(error), error);
      if (isTest) this.#log.error('config file is invalid');
      return this.#report(ExitStatus.USAGE, describeError(error));
    }
  }

  /** Loads and checks the configuration; throws SrsError when it cannot be used. */
  #prepare(file: string, overrides: CommandOverrides): Config {
    const config = overridden(Config.load(file), overrides);
    for (const warning of config.warnings) this.#log.warn(warning);
    if (overrides.httpPort !== undefined && !availableFeatures.has('http_server')) {
      this.#log.warn('option "-x" has no effect: the http server is not part of this build');
    }
    const { maxConnections, listen, logTank } = config.global;
    const needs = { maxConnections, listenPorts: listen.length, logsToFile: logTank === 'file' };
    ensureFileLimit(needs, raiseFileLimit);
    return config;
  }

  /** Starts the server in the background and waits until it serves. */
  async #launch(config: Config): Promise<number> {
    const { launchWorker, selfCommand } = loadLauncher();
    this.#log.trace('start daemon mode...');
    if (config.global.logTank === 'file') {
      this.#log.trace(`write log to file ${config.global.logFile}`);
      this.#log.trace(`you can: tail -f ${config.global.logFile}`);
    } else {
      this.#log.warn('srs_log_tank is console, and a daemon has none: nothing will be logged');
    }
    const worker = await launchWorker(selfCommand(process), this.#startDirectory);
    if (worker.status === 0) this.#log.trace(`${worker.message}, pid=${worker.pid}`);
    else this.#log.error(`srs did not start: ${worker.message}`);
    return worker.status;
  }

  async #serve(config: Config): Promise<number> {
    const { logTank: tank, logFile, logLevel: level, utcTime, pid } = config.global;
    makeFolders(tank === 'file' ? [logFile, pid] : [pid]);
    await this.#log.close();
    this.#log = new ServerLog({ tank, file: logFile, level, utcTime });
    const log = this.#log;
    const stop = this.#stopRequest(config.global);
    let server: serverModule.Server;
    try {
      server = await this.#start(config);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      log.error(`srs cannot start: ${describeError(error)}`, error);
      return this.#report(ExitStatus.START, `${describeError(error)}, see ${logName(config)}`);
    }
    this.#report(ExitStatus.OK, 'srs started');
    keepMemorySmall(releaseMemory);
    await stop;
    log.trace('cleanup for gracefully terminate.');
    if (!(await isDoneInTime(server.stop()))) {
      log.warn(`not all is closed after ${STOP_LIMIT_MS} ms, quit all the same`);
    }
    log.trace('main cycle terminated, system quit normally.');
    log.trace('srs terminated');
    return ExitStatus.OK;
  }

  /** Resolves when somebody wants the server to end; until then the other signals are served. */
  #stopRequest(global: GlobalOptions): Promise<void> {
    const log = this.#log;
    return new Promise((resolve) => {
      installSignals({
        stop: (signal) => {
          log.trace(`${signal}: user terminate program, gracefully quit.`);
          resolve();
        },
        abort: (signal, status) => {
          log.warn(`${signal} again: quit at once`);
          this.#end(status, `ended by ${signal}`);
          this.#exit(status);
        },
        reload: () => {
          log.warn('reload is not available in this build, config unchanged');
        },
        reopenLog: () => {
          log.reopen();
          log.trace('log file reopened');
        },
      });
      if (!global.asprocess) return;
      watchParent(() => {
        log.trace('asprocess: the parent process is gone, gracefully quit.');
        resolve();
      });
    });
  }

  /** Everything up to serving; throws SrsError when the system does not let it. */
  async #start(config: Config): Promise<serverModule.Server> {
    const log = this.#log;
    const { pid, maxConnections, logTank } = config.global;
    for (const line of bannerLines({ configFile: config.file, maxConnections })) log.trace(line);
    // The console has seen the warnings already.
    if (logTank === 'file') for (const warning of config.warnings) log.warn(warning);
    this.#pidFile = PidFile.acquire(pid, lockFile);
    log.trace(`write pid=${process.pid} to ${pid} success!`);
    const { Server } = loadServer();
    const server = new Server(config, log);
    await server.start();
    return server;
  }

  /** Tells a waiting launcher how the start went; returns the status. */
  #report(status: number, message: string): number {
    if (!this.#isWorker || this.#hasReported) return status;
    this.#hasReported = true;
    // The launcher points to the log: what it is about must be there by then.
    this.#log.flushSync();
    reportToLauncher({ status, message });
    return status;
  }

  /** All that an exit without waiting still owes. */
  #end(status: number, message: string): void {
    this.#report(status, message);
    this.#log.flushSync();
    this.#pidFile?.release();
  }
}

// Loaded when they are needed: a launcher needs no server, and a server needs no child_process.
/* eslint-disable @typescript-eslint/no-require-imports -- import() does not pass through tsx/cjs */
const loadLauncher = (): typeof launcherModule =>
  require('./app/process/launcher') as typeof launcherModule;
const loadServer = (): typeof serverModule => require('./app/server') as typeof serverModule;
/* eslint-enable @typescript-eslint/no-require-imports */

/** How the user called this program, for messages. */
function callName(): string {
  const isPacked = 'pkg' in process || process.argv[1] === undefined;
  return isPacked ? process.argv0 : `${process.argv0} ${process.argv[1] ?? ''}`;
}

/** The configuration with the ports of the command line, in the foreground, logging to console. */
function overridden(config: Config, { rtmpPort, httpPort }: CommandOverrides): Config {
  if (rtmpPort === undefined && httpPort === undefined) return config;
  const { listen, httpServer } = config.global;
  return config.withGlobal({
    daemon: false,
    logTank: 'console',
    listen: rtmpPort === undefined ? listen : [{ host: '', port: rtmpPort }],
    httpServer:
      httpPort === undefined
        ? httpServer
        : { ...httpServer, enabled: true, listen: [{ host: '', port: httpPort }] },
  });
}

function enterDirectory(directory: string): void {
  try {
    process.chdir(directory);
  } catch (error) {
    const message = `cannot change to work_dir ${directory}: ${describeError(error)}`;
    throw new SrsError(ErrorCode.SYSTEM_CONFIG_INVALID, message, { cause: error });
  }
}

/** A single file copied to a board has no `objs` beside it; opening the files tells what is wrong. */
function makeFolders(files: readonly string[]): void {
  for (const file of files) {
    try {
      mkdirSync(dirname(file), { recursive: true });
    } catch {
      // Whoever opens the file reports it, with the right code.
    }
  }
}

function logName(config: Config): string {
  return config.global.logTank === 'file' ? config.global.logFile : 'the console';
}

async function isDoneInTime(work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, STOP_LIMIT_MS, false);
  });
  const isDone = await Promise.race([work.then(() => true), limit]);
  clearTimeout(timer);
  return isDone;
}

limitHeapGrowth();
const exit = (status: number): never => process.exit(status);
const program = new Program(exit);
process.on('uncaughtException', (error) => exit(program.crash(error)));
process.on('unhandledRejection', (reason) => exit(program.crash(reason)));
void program.run(process.argv.slice(2)).then(exit);
