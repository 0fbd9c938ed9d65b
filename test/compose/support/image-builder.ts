import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { runCommand } from '../../../tools/stack/run-command.ts';
import { buildContext } from './build-context.ts';
import { type Instruction, parseDockerfile, type Stage } from './dockerfile.ts';

/** What an image holds above its base, in a folder of this machine, and how a container of it starts. */
export interface BuiltImage {
  /** Stands for `/`. */
  root: string;
  /** Absolute in the image. */
  workingDirectory: string;
  command: string[];
  environment: Record<string, string>;
  user: string;
}

type Arguments = Readonly<Record<string, string>>;

/**
 * Does what `docker build` does with our Dockerfile, but for the base images, which count as empty: COPY from the context
 * (less what .dockerignore leaves out) and from stages, RUN with this machine's Node and npm in the stage's folder.
 */
export class ImageBuilder {
  readonly #context: string;
  readonly #workshop: string;
  readonly #files: readonly string[];
  readonly #stages: ReadonlyMap<string, Stage>;
  readonly #built = new Map<string, Promise<BuiltImage>>();

  /** Stages are made in the workshop. They share files by hard links, so nothing may be changed in place. */
  constructor(context: string, workshop: string) {
    this.#context = context;
    this.#workshop = workshop;
    this.#files = buildContext(context);
    const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
    this.#stages = new Map(stages.map((stage) => [stage.name, stage]));
  }

  /** Builds a target; what another build has made already is taken from there. */
  build(target: string, args: Arguments): Promise<BuiltImage> {
    const key = this.#hasArguments(target) ? `${target} ${JSON.stringify(args)}` : target;
    const known = this.#built.get(key) ?? this.#buildStage(target, args);
    this.#built.set(key, known);
    return known;
  }

  #hasArguments(name: string): boolean {
    const stage = this.#stages.get(name);
    return !!stage && (stage.instructions.some((each) => each.name === 'ARG') || this.#hasArguments(stage.base));
  }

  async #buildStage(name: string, args: Arguments): Promise<BuiltImage> {
    const stage = this.#stages.get(name);
    if (!stage) throw new Error(`the Dockerfile has no stage ${name}`);
    const root = mkdtempSync(join(this.#workshop, `${name}-`));
    let image: BuiltImage = { root, workingDirectory: '/', command: [], environment: {}, user: '' };
    if (this.#stages.has(stage.base)) {
      const base = await this.build(stage.base, args);
      link(base.root, root);
      image = { ...base, root, environment: { ...base.environment } };
    }
    const known: Record<string, string> = {};
    for (const instruction of stage.instructions) await this.#follow(image, instruction, args, known);
    return image;
  }

  async #follow(image: BuiltImage, { name, rest }: Instruction, args: Arguments, known: Record<string, string>) {
    const text = rest.replace(/\$\{(\w+)\}/g, (whole, variable: string) => known[variable] ?? whole);
    switch (name) {
      case 'ARG':
        known[text] = args[text] ?? '';
        break;
      case 'ENV':
        // Only the first "=" divides: the value of NODE_OPTIONS has one of its own.
        image.environment[text.slice(0, text.indexOf('='))] = text.slice(text.indexOf('=') + 1);
        break;
      case 'WORKDIR':
        image.workingDirectory = resolve(image.workingDirectory, text);
        mkdirSync(join(image.root, image.workingDirectory), { recursive: true });
        break;
      case 'USER':
        image.user = text;
        break;
      case 'CMD':
        image.command = JSON.parse(text);
        break;
      case 'COPY':
        await this.#copy(image, text.split(/\s+/), args);
        break;
      case 'RUN':
        await runCommand('sh', ['-ec', rest], {
          cwd: join(image.root, image.workingDirectory),
          env: { ...process.env, ...known, npm_config_prefer_offline: 'true' },
        });
        break;
      default:
        throw new Error(`this test does not know ${name}`);
    }
  }

  async #copy(image: BuiltImage, words: string[], args: Arguments): Promise<void> {
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
    const [source = '', target = '', ...more] = words.filter((word) => !word.startsWith('--'));
    if (more.length > 0) throw new Error('this test copies one thing at a time');
    const destination = join(image.root, resolve(image.workingDirectory, target));
    if (from !== undefined) return link(join((await this.build(from, args)).root, source), destination);
    const folder = source === '.' ? '' : `${source}/`;
    const files = this.#files.filter((file) => file.startsWith(folder));
    if (files.length === 0) throw new Error(`the context has no folder ${source}`);
    for (const file of files) {
      const copy = join(destination, file.slice(folder.length));
      mkdirSync(dirname(copy), { recursive: true });
      rmSync(copy, { force: true });
      copyFileSync(join(this.#context, file), copy);
    }
  }
}

/** As COPY of a folder does: its content into the target, links as links. */
function link(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) link(from, to);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else linkSync(from, to);
  }
}
