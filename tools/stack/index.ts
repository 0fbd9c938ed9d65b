export { type InstanceName, type Instances, inEvery, type MeshName, meshNames } from './instances.ts';
export type { KafkaListener } from './kafka-listeners.ts';
export type { ManagedProcess, ProcessState } from './managed-process.ts';
export { meshMembers } from './mesh.ts';
export { meshTlsFiles } from './mesh-tls.ts';
export { defaultDataDirectory, repositoryRoot } from './paths.ts';
export type { Ports } from './ports.ts';
export { Problem } from './problem.ts';
export { type Progress, silentProgress, streamProgress } from './progress.ts';
export { AlreadyRunning, createStack, type Stack, type StopReport } from './stack.ts';
export {
  allParts,
  engineNames,
  type PartName,
  type ProcessName,
  type StackOptions,
  type StackOverrides,
} from './stack-options.ts';
export { readState, type StackState } from './stack-state.ts';
export { versions } from './versions.ts';
