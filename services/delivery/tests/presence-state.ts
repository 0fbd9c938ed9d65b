import { PresenceState } from '@realchat/gen/realchat/delivery/v1/delivery_service';

export type StateName = keyof typeof PresenceState;

/** The name of a state. */
export function stateName(state: PresenceState): StateName | undefined {
  return (Object.keys(PresenceState) as StateName[]).find((name) => PresenceState[name] === state);
}
