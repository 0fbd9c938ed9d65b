import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, type DescFile, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const root = fileURLToPath(new URL('../..', import.meta.url));
const MAX_IMAGE_BYTES = 64 * 1024 * 1024;

/**
 * The files of our own contract with their comments, as they stand in a folder: the repository's own unless given. What
 * they import is not among them.
 */
export function readContract(folder = root): DescFile[] {
  const buf = join(root, 'node_modules', '.bin', 'buf');
  const image = execFileSync(buf, ['build', folder, '-o', '-#format=binpb'], { cwd: root, maxBuffer: MAX_IMAGE_BYTES });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  return [...registry.files].filter((file) => file.proto.package.startsWith('realchat.'));
}
