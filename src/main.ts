/** Owns the program: command line in, exit status out, and what lies between put in order. */
import { resolve } from 'node:path';

import type * as bandcheckModule from './app/bandcheck/command';
import { Config } from './app/config/config';
import type { ConfigText, GlobalOptions } from './app/config/config';
import { diffConfigs } from './app/config/diff';
import type { ConfigChange } from './app/config/diff';
import { availableFeatures } from './app/config/features';
import { Reloader } from './app/config/reloader';
import { globalRows } from './app/config/sections/global';
import { findServerPlace } from './app/config/server-place';
import { ServerLog } from './app/log/server-log';
import type { LogOptions } from './app/log/server-log';
import { parseCommandLine } from './app/process/command-line';
import type { Command, CommandOverrides, ServerOrder } from './app/process/command-line';
import { ExitStatus } from './app/process/exit-status';
import { ensureFileLimit } from './app/process/file-limit';
import { enterDirectory, makeFolders } from './app/process/folders';
import { bannerLines, helpText } from './app/process/help';
import type * as launcherModule from './app/process/launcher';
import { keepMemorySmall, limitHeapGrowth } from './app/process/memory';
import { watchParent } from './app/process/parent-watch';
import { findHolder, PidFile } from './app/process/pid-file';
import { orderServer, systemParts } from './app/process/server-order';
import { installSignals } from './app/process/signals';
import { reportToLauncher, takeWorkerRole } from './app/process/worker-role';
import type * as serverModule from './app/server';
import { describeError, describeFault, SrsError } from './core/errors';
import { product } from './core/version';
import { lockFile, raiseFileLimit, releaseMemory } from './net/system';

/** An orderly stop that takes longer is given up, milliseconds. */
const STOP_LIMIT_MS = 10_000;
const NO_CONSOLE = 'srs_log_tank is console, and a daemon has none: nothing will be logged';

/** What a server is started with, and reloads with. */
interface Launch {
  readonly configFile: string;
  readonly overrides: CommandOverrides;
}

/** Options that the program itself applies, rather than its server. */
type OwnField = 'pid' | 'logTank' | 'logLevel' | 'logFile';

/** One run of the program. */
class Program {
  readonly #isWorker = takeWorkerRole();
  readonly #startDirectory = process.cwd();
  readonly #exit: (status: number) => never;
  /** The console until a server has its configured log. */
  #log = new ServerLog({ tank: 'console', file: '', level: 'trace', utcTime: false });
  #pidFile: PidFile | undefined;
  #reloader: Reloader | undefined;
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
      isTest = command.kind === 'test';
      return await this.#execute(command, programName);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#log.error(describeError(error), error);
      if (isTest) this.#log.error('config file is invalid');
      return this.#report(ExitStatus.USAGE, describeError(error));
    }
  }

  async #execute(command: Command, programName: string): Promise<number> {
    switch (command.kind) {
      case 'help':
        process.stdout.write(helpText(programName));
        return ExitStatus.OK;
      case 'version':
        process.stderr.write(`${product.version}\n`);
        return ExitStatus.OK;
      case 'bandcheck':
        return this.#measure(command.url);
      case 'order':
        return this.#order(command.order, command.configFile);
      case 'test':
        return this.#test(command, command.diffWith);
      case 'run': {
        const config = this.#prepare(command);
        enterDirectory(config.global.workDir);
        const isLauncher = config.global.daemon && !this.#isWorker;
        return isLauncher ? this.#launch(config) : this.#serve(config, command);
      }
    }
  }

  /** Tests the file, and tells what a reload from `diffWith` to it would change; throws SrsError when it is bad. */
  #test(launch: Launch, diffWith: string | undefined): number {
    const config = this.#prepare(launch);
    const before = diffWith && overridden(Config.load(diffWith), launch.overrides);
    this.#log.trace('config file is ok');
    if (!before) return ExitStatus.OK;
    const lines = diffConfigs(before, config).map(({ text }) => text);
    this.#log.flushSync();
    process.stdout.write(`${lines.join('\n') || 'nothing would change'}\n`);
    return ExitStatus.OK;
  }

  /** Measures the bandwidth to a server; throws SrsError when the url is none. */
  async #measure(url: string): Promise<number> {
    const { runCheck } = loadBandcheck();
    const { summary, json, isMeasured } = await runCheck(url, this.#log);
    process.stdout.write(summary);
    process.stderr.write(json);
    return isMeasured ? ExitStatus.OK : ExitStatus.NOT_MEASURED;
  }

  /** Has a running server do something; throws SrsError when the file does not tell where it is. */
  async #order(order: ServerOrder, configFile: string): Promise<number> {
    let place;
    if (order === 'reload') {
      // The limit of open files is that of the server, not of this shell: it looks at that itself.
      const { global, warnings } = Config.load(configFile);
      for (const warning of warnings) this.#log.warn(warning);
      place = global;
    } else place = findServerPlace(configFile);
    enterDirectory(place.workDir);
    const { pid } = place;
    try {
      const parts = { ...systemParts, findHolder: () => findHolder(pid, lockFile) };
      this.#log.trace(await orderServer(order, pid, parts));
      return ExitStatus.OK;
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#log.error(describeError(error), error);
      return ExitStatus.NO_SERVER;
    }
  }

  /** Loads and checks the configuration; throws SrsError when it cannot be used. */
  #prepare({ configFile, overrides }: Launch): Config {
    const config = this.#checked(Config.read(configFile), overrides);
    for (const warning of config.warnings) this.#log.warn(warning);
    if (overrides.httpPort !== undefined && !availableFeatures.has('http_server')) {
      this.#log.warn('option "-x" has no effect: the http server is not part of this build');
    }
    return config;
  }

  /** The configuration of a text, with what the command line replaces, on this machine; throws SrsError. */
  #checked(text: ConfigText, overrides: CommandOverrides): Config {
    const config = overridden(Config.check(text), overrides);
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
      this.#log.warn(NO_CONSOLE);
    }
    const worker = await launchWorker(selfCommand(process), this.#startDirectory);
    if (worker.status === 0) this.#log.trace(`${worker.message}, pid=${worker.pid}`);
    else this.#log.error(`srs did not start: ${worker.message}`);
    return worker.status;
  }

  async #serve(config: Config, launch: Launch): Promise<number> {
    const options = logOptions(config.global);
    makeFolders(filesOf(config.global));
    await this.#log.close();
    this.#log = new ServerLog(options);
    const log = this.#log;
    const stop = this.#stopRequest(config.global);
    let server: serverModule.Server;
    try {
      server = await this.#start(config, launch);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      log.error(`srs cannot start: ${describeError(error)}`, error);
      return this.#report(ExitStatus.START, `${describeError(error)}, see ${logName(config)}`);
    }
    this.#report(ExitStatus.OK, 'srs started');
    keepMemorySmall(releaseMemory);
    await stop;
    log.trace('cleanup for gracefully terminate.');
    if (!(await isDoneInTime(this.#stop(server)))) {
      log.warn(`not all is closed after ${STOP_LIMIT_MS} ms, quit all the same`);
    }
    log.trace('main cycle terminated, system quit normally.');
    log.trace('srs terminated');
    return ExitStatus.OK;
  }

  async #stop(server: serverModule.Server): Promise<void> {
    await this.#reloader?.close();
    await server.stop();
  }

  /** Resolves when somebody wants the server to end; until then the other signals are served. */
  #stopRequest(global: GlobalOptions): Promise<void> {
    const log = this.#log;
    return new Promise((done) => {
      installSignals({
        stop: (signal) => {
          log.trace(`${signal}: user terminate program, gracefully quit.`);
          done();
        },
        abort: (signal, status) => {
          log.warn(`${signal} again: quit at once`);
          this.#end(status, `ended by ${signal}`);
          this.#exit(status);
        },
        reload: () => {
          log.trace('SIGHUP: reload the configuration');
          void this.#reloader?.reload();
        },
        reopenLog: () => {
          log.reopen();
          log.trace('log file reopened');
        },
      });
      if (!global.asprocess) return;
      watchParent(() => {
        log.trace('asprocess: the parent process is gone, gracefully quit.');
        done();
      });
    });
  }

  /** Everything up to serving; throws SrsError when the system does not let it. */
  async #start(config: Config, { configFile, overrides }: Launch): Promise<serverModule.Server> {
    const log = this.#log;
    const { pid, maxConnections, logTank } = config.global;
    for (const line of bannerLines({ configFile: config.file, maxConnections })) log.trace(line);
    // The console has seen the warnings already.
    if (logTank === 'file') for (const warning of config.warnings) log.warn(warning);
    this.#pidFile = PidFile.acquire(pid, lockFile);
    log.trace(`write pid=${process.pid} to ${pid} success!`);
    // The file is named from where the program was started, which work_dir may have left.
    const isHere = process.cwd() === this.#startDirectory;
    const file = isHere ? configFile : resolve(this.#startDirectory, configFile);
    const reloader: Reloader = new Reloader(config, log, {
      read: () => Config.read(file),
      check: (text) => this.#checked(text, overrides),
      apply: async (next, changes) => {
        const failures = this.#applyOwn(next.global, changes);
        await started;
        const known = new Set(changes.map(({ text }) => text));
        const told = await server.reload(next);
        return [...failures, ...told.filter((line) => !known.has(line))];
      },
    });
    const { Server } = loadServer();
    const server: serverModule.Server = new Server(config, log, {
      reload: () => reloader.reload(),
    });
    const started = server.start();
    this.#reloader = reloader;
    await started;
    return server;
  }

  /** Puts in force what is not of the server but of the program: log and pid file; what of it could not be applied. */
  #applyOwn(global: GlobalOptions, changes: readonly ConfigChange[]): string[] {
    const failures: string[] = [];
    const attempt = (title: string, fields: readonly OwnField[], apply: () => void): void => {
      try {
        apply();
        const changed = fields.filter((own) => changes.some(({ field }) => field === own));
        for (const field of changed) this.#log.trace(`reload ${globalRows[field].name} success.`);
      } catch (error) {
        const text = `reload ${title} failed: ${describeError(error)}`;
        this.#log.error(text, error);
        failures.push(text);
      }
    };
    makeFolders(filesOf(global));
    attempt('pid', ['pid'], () => {
      this.#pidFile = this.#pidFile?.moveTo(global.pid, lockFile);
    });
    if (global.logTank === 'console' && this.#isWorker) this.#log.warn(NO_CONSOLE);
    attempt('log', ['logTank', 'logLevel', 'logFile'], () => {
      this.#log.reconfigure(logOptions(global));
    });
    return failures;
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
const loadBandcheck = (): typeof bandcheckModule =>
  require('./app/bandcheck/command') as typeof bandcheckModule;
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

function logOptions({ logTank, logFile, logLevel, utcTime }: GlobalOptions): LogOptions {
  return { tank: logTank, file: logFile, level: logLevel, utcTime };
}

/** Files that the process itself writes. */
function filesOf({ logTank, logFile, pid }: GlobalOptions): string[] {
  return logTank === 'file' ? [logFile, pid] : [pid];
}

function logName(config: Config): string {
  return config.global.logTank === 'file' ? config.global.logFile : 'the console';
}

async function isDoneInTime(work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((done) => {
    timer = setTimeout(done, STOP_LIMIT_MS, false);
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
