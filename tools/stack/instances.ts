export const meshNames = ['auth', 'profile', 'messaging', 'relay', 'delivery', 'operations', 'gateway'] as const;
export type MeshName = (typeof meshNames)[number];

/** One process of a service: the first bears the service's name, the others `messaging-2`, `messaging-3`. */
export type InstanceName = MeshName | `${MeshName}-${number}`;

/** How many processes each service has; one unless given. */
export type Instances = Readonly<Partial<Record<MeshName, number>>>;

/** So many processes of every service. */
export function inEvery(count: number): Instances {
  return Object.fromEntries(meshNames.map((name) => [name, count]));
}

/** The numbers of a service's processes, from 1 on. */
export function numbersOf(service: MeshName, instances: Instances): number[] {
  return Array.from({ length: instances[service] ?? 1 }, (_, index) => index + 1);
}

export function nameOf(service: MeshName, number: number): InstanceName {
  return number === 1 ? service : `${service}-${number}`;
}

/** The service and the number of a name. `messaging-1` is the first too. */
export function parseName(name: InstanceName): { service: MeshName; number: number } {
  const [service, number = '1'] = name.split('-');
  return { service: service as MeshName, number: Number(number) };
}

/** Throws when there is a service without a process, or a number that is none. */
export function checkInstances(instances: Instances): void {
  for (const [name, count] of Object.entries(instances)) {
    if (!Number.isInteger(count) || count < 1) throw new Error(`${name} needs 1 instance or more, got ${count}`);
  }
}
