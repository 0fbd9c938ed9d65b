import { loadConfig } from '@realchat/config';
import { createTelemetry } from '@realchat/telemetry';
import { deliverySettings } from '../config.ts';
import { createDeliveryService } from '../service.ts';

// A delivery process that a test can kill: says on which ports it listens, in one line of JSON.

const service = createDeliveryService(
  loadConfig(deliverySettings),
  createTelemetry({ service: 'delivery', instance: 'worker', level: 'silent' }),
);
await service.start();
process.stdout.write(`${JSON.stringify(service.ports)}\n`);
