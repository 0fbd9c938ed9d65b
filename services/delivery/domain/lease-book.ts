/** A user and the devices that have a session on this node. None: the user has no lease here any more. */
export interface UserLeases {
  userId: string;
  deviceIds: string[];
}

/**
 * The leases that this node should have: one for each user and device with an open session here. It remembers which users'
 * leases are not known to be stored as they should be.
 */
export class LeaseBook {
  /** How many sessions each device has, by user. */
  readonly #sessions = new Map<string, Map<string, number>>();
  #unsettled = new Set<string>();

  /** Users with a lease. */
  get size(): number {
    return this.#sessions.size;
  }

  get hasUnsettled(): boolean {
    return this.#unsettled.size > 0;
  }

  opened(userId: string, deviceId: string): void {
    const devices = this.#sessions.get(userId) ?? new Map<string, number>();
    const count = devices.get(deviceId) ?? 0;
    this.#sessions.set(userId, devices.set(deviceId, count + 1));
    if (count === 0) this.#unsettled.add(userId);
  }

  closed(userId: string, deviceId: string): void {
    const devices = this.#sessions.get(userId);
    const count = devices?.get(deviceId) ?? 0;
    if (!devices || count === 0) return;
    if (count > 1) {
      devices.set(deviceId, count - 1);
      return;
    }
    devices.delete(deviceId);
    if (devices.size === 0) this.#sessions.delete(userId);
    this.#unsettled.add(userId);
  }

  /** The store has lost what it had, or may have: everything is to be stored again. */
  unsettleAll(): void {
    for (const userId of this.#sessions.keys()) this.#unsettled.add(userId);
  }

  /** What is to be stored now, of some users. Give it back by `putBack` when that fails. */
  takeUnsettled(most: number): UserLeases[] {
    const taken: UserLeases[] = [];
    for (const userId of this.#unsettled) {
      if (taken.length >= most) break;
      this.#unsettled.delete(userId);
      taken.push({ userId, deviceIds: [...(this.#sessions.get(userId)?.keys() ?? [])] });
    }
    return taken;
  }

  putBack(leases: readonly UserLeases[]): void {
    for (const { userId } of leases) this.#unsettled.add(userId);
  }
}
