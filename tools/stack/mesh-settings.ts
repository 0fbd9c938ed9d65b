import type { Settings } from '@realchat/config';
import { gatewaySettings } from '../../edge/gateway/config.ts';
import { authSettings } from '../../services/auth/config.ts';
import { deliverySettings } from '../../services/delivery/config.ts';
import { messagingSettings, relaySettings } from '../../services/messaging/config.ts';
import { operationsSettings } from '../../services/operations/config.ts';
import { profileSettings } from '../../services/profile/config.ts';
import type { MeshName } from './instances.ts';

/** The settings of each process of the mesh, as the process itself declares them. */
export const meshSettings: Readonly<Record<MeshName, Settings>> = {
  auth: authSettings,
  profile: profileSettings,
  messaging: messagingSettings,
  relay: relaySettings,
  delivery: deliverySettings,
  operations: operationsSettings,
  gateway: gatewaySettings,
};
