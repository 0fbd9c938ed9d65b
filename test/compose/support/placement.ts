import { join } from 'node:path';
import type { ComposeProject, ComposeService } from '../../../tools/compose-check/project.ts';
import { defaultPorts, type Ports, portNames } from '../../../tools/stack/ports.ts';

/**
 * Where the things of the compose file are when it runs without containers: every host is this machine, every port a free
 * one, every volume a folder. Only places are rewritten; all else reaches the processes as compose says it.
 */
export interface Placement {
  /** A text of a service (environment, command, health check), placed. `imageRoot` stands for `/` of its image. */
  place(service: ComposeService, text: string, imageRoot?: string): string;
  /** A text with the free ports in the place of the known ones. */
  renumber(text: string): string;
  /** The folder that stands for a volume, or the file that is bound. */
  folderOf(mount: { type: string; source: string }): string;
}

export function createPlacement(project: ComposeProject, ports: Ports, volumes: string): Placement {
  const hosts = Object.keys(project.services).join('|');
  // Between delimiters and before a port, so that no part of a password passes for a host.
  const host = new RegExp(`(?<=^|[@,/])(?:${hosts}|0\\.0\\.0\\.0)(?=:\\d{4,5}(?:$|[,/]))`, 'g');
  const moved = new Map(portNames.map((name) => [String(defaultPorts[name]), String(ports[name])]));
  const port = new RegExp(`(?<![\\w.-])(?:${[...moved.keys()].join('|')})(?![\\w.-])`, 'g');

  const renumber = (text: string) => text.replace(port, (number) => moved.get(number) ?? number);
  const folderOf = ({ type, source }: { type: string; source: string }) =>
    type === 'bind' ? source : join(volumes, source);
  return {
    renumber,
    folderOf,
    place(service, text, imageRoot = '') {
      let placed = renumber(text.replace(host, '127.0.0.1'));
      for (const mount of service.volumes ?? []) placed = placed.replaceAll(mount.target, folderOf(mount));
      return placed
        .replace(/(?<=^|[ =])\/app\//g, `${imageRoot}/app/`)
        .replaceAll('/nodejs/bin/node', process.execPath);
    },
  };
}
