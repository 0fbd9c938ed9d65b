import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { createTelemetry, runService } from '@realchat/telemetry';
import { gatewaySettings } from './config.ts';
import { createGatewayService } from './service.ts';

const config = loadConfig(gatewaySettings, checkIdentity('gateway'));
const telemetry = createTelemetry({ service: 'gateway', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createGatewayService(config, telemetry), telemetry.log);
