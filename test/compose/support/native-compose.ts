import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComposeProject, ComposeService } from '../../../tools/compose-check/project.ts';
import { ManagedProcess } from '../../../tools/stack/managed-process.ts';
import { repositoryRoot } from '../../../tools/stack/paths.ts';
import type { Ports } from '../../../tools/stack/ports.ts';
import { privatePorts } from '../../../tools/stack/private-ports.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';
import { type BuiltImage, ImageBuilder } from './image-builder.ts';
import { engines } from './native-engines.ts';
import { environmentOf, type NativeService, passesHealthCheck } from './native-service.ts';
import { createPlacement, type Placement } from './placement.ts';

/**
 * A compose project that runs without a container engine: images put together by our Dockerfile's own instructions, engines
 * of npm start with the commands and settings of the compose file, started in the order of its conditions, each ready when
 * its health check says so. What containers add (isolation, users, limits, read-only file systems) is not there.
 */
export class NativeCompose {
  readonly ports: Ports;
  readonly project: ComposeProject;
  readonly #placement: Placement;
  readonly #folder: string;
  readonly #release: () => void;
  readonly #builder: ImageBuilder;
  readonly #started = new Map<string, Promise<void>>();
  readonly #running: ManagedProcess[] = [];
  #downed: Promise<string[]> | undefined;

  private constructor(project: ComposeProject, ports: Ports, release: () => void, folder: string) {
    this.project = project;
    this.ports = ports;
    this.#release = release;
    this.#folder = folder;
    this.#builder = new ImageBuilder(repositoryRoot, join(folder, 'images'));
    this.#placement = createPlacement(project, ports, join(folder, 'volumes'));
  }

  static async create(project: ComposeProject): Promise<NativeCompose> {
    const { ports, release } = await privatePorts();
    const folder = await mkdtemp(join(tmpdir(), 'realchat-compose-'));
    // Postgres runs as another user when this is root.
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'images'));
    return new NativeCompose(project, ports, release, folder);
  }

  /** Starts everything, as `docker compose up --wait` does. Throws what did not come up, with the end of its log. */
  async up(): Promise<void> {
    await Promise.all(Object.keys(this.project.services).map((name) => this.#start(name)));
  }

  /** Runs a job once more. Answers what it wrote; throws CommandError unless it ends with 0. */
  async runJob(name: string, environment: Record<string, string> = {}): Promise<string> {
    const { command, args, env, cwd } = await this.#native(name);
    return runCommand(command, args, { env: { ...env, ...environment }, cwd });
  }

  /** The file or folder of a volume on this machine. */
  pathIn(volume: string, ...path: string[]): string {
    return join(this.#placement.folderOf({ type: 'volume', source: volume }), ...path);
  }

  /** A service's environment, with the places that hold on this machine. */
  environment(name: string): Record<string, string> {
    return environmentOf(this.#service(name), this.#placement);
  }

  /** Stops everything in the reverse order of its start. Answers who did not go within its grace period. */
  down(): Promise<string[]> {
    this.#downed ??= this.#stopAll();
    return this.#downed;
  }

  /** Kills everything without waiting: the test run is being broken off. */
  killNow(): void {
    for (const running of this.#running) running.killNow();
  }

  async removeFiles(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #stopAll(): Promise<string[]> {
    await Promise.allSettled(this.#started.values());
    const killed: string[] = [];
    for (const running of this.#running.toReversed()) {
      if ((await running.stop()) === 'killed') killed.push(running.name);
    }
    this.#release();
    return killed;
  }

  #start(name: string): Promise<void> {
    const known = this.#started.get(name) ?? this.#startAfterOthers(name);
    this.#started.set(name, known);
    return known;
  }

  async #startAfterOthers(name: string): Promise<void> {
    const service = this.#service(name);
    const image = this.#image(service);
    // It is awaited below; a failure meanwhile must not count as nobody's.
    image?.catch(() => undefined);
    await Promise.all(Object.keys(service.depends_on ?? {}).map((other) => this.#start(other)));
    if (service.restart === 'no') {
      await this.runJob(name);
      return;
    }
    const native = await this.#native(name);
    await native.prepare?.();
    const managed = new ManagedProcess(
      {
        ...native,
        name,
        ready: native.ready ?? (() => passesHealthCheck(service, native, this.#placement)),
        readyTimeoutMs: 60_000,
        stopSignal: name === 'postgres' ? 'SIGINT' : 'SIGTERM',
        graceMs: 20_000,
      },
      { runDirectory: join(this.#folder, 'run'), logFile: join(this.#folder, `${name}.log`) },
    );
    this.#running.push(managed);
    await managed.start();
  }

  async #native(name: string): Promise<NativeService> {
    const service = this.#service(name);
    const cwd = join(this.#folder, 'services', name);
    await mkdir(cwd, { recursive: true });
    await mkdir(join(this.#folder, 'run'), { recursive: true });
    for (const mount of service.volumes ?? []) {
      if (mount.type === 'volume') await mkdir(this.#placement.folderOf(mount), { recursive: true });
    }
    const engine = engines[name];
    if (engine) return engine(service, this.#placement, cwd);
    const image = await this.#image(service);
    if (!image) throw new Error(`${name} is neither an engine nor built here`);
    const words = service.command ?? image.command;
    return {
      command: process.execPath,
      args: words.map((word) => this.#placement.place(service, word, image.root)),
      env: { ...image.environment, ...environmentOf(service, this.#placement, image.root) },
      cwd: join(image.root, image.workingDirectory),
    };
  }

  #image({ build }: ComposeService): Promise<BuiltImage> | undefined {
    return build && this.#builder.build(build.target, build.args);
  }

  #service(name: string): ComposeService {
    const service = this.project.services[name];
    if (!service) throw new Error(`the compose file has no service ${name}`);
    return service;
  }
}
