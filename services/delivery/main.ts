import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { createTelemetry, runService } from '@realchat/telemetry';
import { deliverySettings } from './config.ts';
import { createDeliveryService } from './service.ts';

const config = loadConfig(deliverySettings, checkIdentity('delivery'));
const telemetry = createTelemetry({ service: 'delivery', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createDeliveryService(config, telemetry), telemetry.log);
