import type { ComposeService } from '../../../tools/compose-check/project.ts';
import { machineEnvironment } from '../../../tools/stack/machine-environment.ts';
import type { EngineUser } from '../../../tools/stack/process-spec.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';
import type { Placement } from './placement.ts';

/** How a service of the compose file runs as a process of this machine. */
export interface NativeService {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  user?: EngineUser;
  /** In place of the health check's command where that is a program that only the image has. */
  ready?: () => Promise<boolean>;
  /** Done once, before the first start. */
  prepare?: () => Promise<void>;
}

/** What compose tells the service, placed on this machine, and nothing of this machine's but what any process needs. */
export function environmentOf(
  service: ComposeService,
  placement: Placement,
  imageRoot?: string,
): Record<string, string> {
  const told = Object.entries(service.environment ?? {});
  return {
    ...machineEnvironment(),
    ...Object.fromEntries(told.map(([name, value]) => [name, placement.place(service, value, imageRoot)])),
  };
}

/** Whether the service's own health check passes. */
export async function passesHealthCheck(
  service: ComposeService,
  native: NativeService,
  placement: Placement,
): Promise<boolean> {
  const [kind = '', ...words] = (service.healthcheck?.test ?? []).map((word) => placement.place(service, word));
  const [command = '', ...args] = kind === 'CMD-SHELL' ? ['sh', '-c', ...words] : words;
  return runCommand(command, args, { env: native.env, cwd: native.cwd }).then(
    () => true,
    () => false,
  );
}
