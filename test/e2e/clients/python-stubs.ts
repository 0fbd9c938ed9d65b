import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryRoot, silentProgress } from '@realchat/stack';
import { ensureInstalled } from '../../../tools/stack/engines/install.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';

const REQUIREMENTS = fileURLToPath(new URL('python-requirements.txt', import.meta.url));

/** A Python with grpcio, and the contract's stubs for it. */
export interface PythonStubs {
  python: string;
  /** A temporary folder that belongs on PYTHONPATH. */
  stubs: string;
  remove(): Promise<void>;
}

/** Generates the contract's stubs with grpcio-tools. The first time, it fetches that into the cache of the engines. */
export async function makePythonStubs(): Promise<PythonStubs> {
  const python = join(await ensureGrpcTools(), 'bin', 'python');
  const stubs = await mkdtemp(join(tmpdir(), 'realchat-python-stubs-'));
  const roots = ['proto', 'third_party/proto'].map((root) => join(repositoryRoot, root));
  // Not what the library has itself, such as google/protobuf and grpc/health.
  const files = [...(await protosUnder(roots[0] ?? '')), 'buf/validate/validate.proto'];
  const includes = roots.map((root) => `-I${root}`);
  const outputs = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
  await runCommand(python, ['-m', 'grpc_tools.protoc', ...includes, ...outputs, ...files]);
  return { python, stubs, remove: () => rm(stubs, { recursive: true, force: true }) };
}

async function ensureGrpcTools(): Promise<string> {
  const pins = await readFile(REQUIREMENTS, 'utf8');
  const grpc = /^grpcio-tools==(\S+)/m.exec(pins)?.[1] ?? '';
  // The wheels are for one version of Python.
  const version = (await runCommand('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim();
  const installation = {
    name: `grpcio-python${version}`,
    version: grpc,
    label: `fetching grpcio-tools ${grpc} for Python (9 MB)`,
    fill: async (folder: string) => {
      await runCommand('python3', ['-m', 'venv', folder]);
      const quiet = ['--quiet', '--no-input', '--disable-pip-version-check'];
      const strict = ['--require-hashes', '--only-binary', ':all:', '--no-deps'];
      await runCommand(join(folder, 'bin', 'python'), [
        '-m',
        'pip',
        'install',
        ...quiet,
        ...strict,
        '-r',
        REQUIREMENTS,
      ]);
    },
  };
  return ensureInstalled(installation, silentProgress);
}

async function protosUnder(root: string): Promise<string[]> {
  return (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.proto'));
}
